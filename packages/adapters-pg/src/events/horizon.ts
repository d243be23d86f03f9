import type { EventStore, EventStoreError } from "@hexfold/core"
import { DateTime, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { Limit } from "../database/disconnect.ts"
import { translated } from "../database/errors.ts"
import { type HolderRow, holderOf } from "../database/holders.ts"
import { type CheckLog, hidden } from "../database/logChecks.ts"
import { whetherJoined } from "../database/transactions.ts"
import { takenBack } from "../sql/history.ts"
import { horizonCall } from "../sql/horizon.ts"
import type { HeldWatch } from "./heldHorizon.ts"

/** What a process may rely on: the history of the log that it has checked. */
export interface KnownHistory {
  /** The identity of the log, once it was checked. */
  log: string | undefined
  /** The history in which the log was checked last; 0 before that. */
  checked: bigint
  readonly check: CheckLog
}

/** What the requests for a horizon need. */
export interface Options {
  readonly sql: SqlClient.SqlClient
  readonly schema: string
  readonly limited: Limit
  readonly known: KnownHistory
  /** Hears of each horizon that was found outside of a transaction. */
  readonly watch: HeldWatch
}

/** Asks for the horizon, on behalf of an operation. With `names`, those who hold it back are named. */
export type AskHorizon = (
  operation: EventStoreError["operation"],
  options?: { readonly names: boolean }
) => Effect.Effect<EventStore.Horizon, EventStoreError>

/**
 * Asks the server for the horizon. The server may name a lower one than before (see
 * `sql/horizon.ts`); what it named before stays true within its history, so the highest
 * counts. If the last position drawn falls, the sequence was set back, and the log
 * begins another history. In each history the log is checked before anything is
 * served from it.
 */
export const askHorizon = ({ known, limited, schema, sql, watch }: Options): AskHorizon => {
  let seen: Seen = { history: 0n, position: 0, drawn: 0, noted: 0n, firstAt: 0, freeAt: 0, namedAt: undefined }
  let notedAt = 0
  // Requests are counted, because an answer may come after that of a later request: then it is out of date.
  let asked = 0
  let observed = 0

  const ask = (
    operation: EventStoreError["operation"],
    names: boolean,
    joined: boolean,
    isAgain: boolean
  ): Effect.Effect<EventStore.Horizon, EventStoreError | SqlError.SqlError> =>
    Effect.gen(function* () {
      const before = seen
      const turn = ++asked
      const now = Date.now()
      // To note the last position is a write. A process does it once a second at most.
      const notes = !joined && now - notedAt >= notingInterval
      if (notes) notedAt = now
      const [row] = yield* sql.unsafe<Row>(horizonCall(schema), [joined, notes, names || watch.wantsNames()])
      if (row!.o_hides) return yield* hidden(operation, `the schema ${schema}`)
      const found = { history: row!.o_history, drawn: Number(row!.o_last), noted: row!.o_noted }
      if (row!.o_log !== known.log || found.history !== known.checked) {
        known.log = yield* known.check(operation)
        known.checked = found.history
      }
      if (found.history === before.history && found.drawn < before.drawn && !isAgain) {
        yield* sql.unsafe(takenBack(schema), [before.history, before.noted])
        return yield* ask(operation, names, joined, true)
      }
      const isSame = seen.history === found.history && !isAgain
      const position = isSame ? Math.max(seen.position, Number(row!.o_horizon)) : Number(row!.o_horizon)
      const isSettled = position >= found.drawn
      const at = row!.o_now.getTime()
      const firstAt = isSame ? seen.firstAt : at
      const freeAt = isSettled || (isSame && position > seen.position) ? at : isSame ? seen.freeAt : 0
      const holders = isSettled ? [] : (row!.o_holders ?? []).map(holderOf)
      const isHeld = isSame && !isSettled && position === seen.position
      const namedAt = heldByNamed(holders, freeAt, isHeld ? seen.namedAt : undefined)
      const heldAt = isSettled ? at : (namedAt ?? (freeAt || firstAt))
      // An answer may be older than one that has come before it.
      if (!isSame || found.drawn >= seen.drawn) seen = { ...found, position, firstAt, freeAt, namedAt }
      const horizon: EventStore.Horizon = {
        position,
        drawn: Math.max(found.drawn, position),
        history: Number(found.history),
        ...(isSettled ? {} : { heldSince: DateTime.makeUnsafe(heldAt) }),
        holders
      }
      if (!joined && turn > observed) {
        observed = turn
        yield* watch.observe(horizon, at - heldAt)
      }
      return horizon
    })

  return (operation, { names } = { names: false }) =>
    whetherJoined(sql, (joined) => limited(operation)(translated(operation)(ask(operation, names, joined, false))))
}

/** The least time between two notes of a process, in milliseconds. */
const notingInterval = 1_000

/** What the process has seen of the present history. */
interface Seen {
  readonly history: bigint
  readonly position: number
  readonly drawn: number
  /** What was noted when `drawn` was read. The log is as it was up to there, if the sequence was set back later. */
  readonly noted: bigint
  /** When the process asked first, by the server's clock. */
  readonly firstAt: number
  /** When the position was seen to move last, or no append was under way, by the server's clock; 0 for never. */
  readonly freeAt: number
  /** Since when the named holders hold the position back, by the server's clock; undefined if none was named. */
  readonly namedAt: number | undefined
}

/**
 * Since when the holders that were named hold the position back, or undefined if none
 * was named. A transaction may be older than its append, so it holds the position back
 * at most since that was seen to move. `before` is the time of the same hold until now:
 * it counts also where the holders are not named this time, or the oldest has ended.
 */
const heldByNamed = (
  holders: ReadonlyArray<EventStore.Holder>,
  freeAt: number,
  before: number | undefined
): number | undefined => {
  const times = holders.flatMap(({ since }) => (since === undefined ? [] : [Math.max(freeAt, since.epochMilliseconds)]))
  if (before !== undefined) times.push(before)
  return times.length === 0 ? undefined : Math.min(...times)
}

interface Row {
  readonly o_log: string | null
  readonly o_history: bigint
  readonly o_horizon: bigint
  readonly o_last: bigint
  readonly o_noted: bigint
  readonly o_now: Date
  readonly o_holders: ReadonlyArray<HolderRow> | null
  /** Whether a policy may hide rows of the log from the role. */
  readonly o_hides: boolean
}
