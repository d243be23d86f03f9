import {
  type CommandIdReused,
  ConcurrencyConflict,
  type EventStore,
  EventStoreError,
  Reason,
  type StreamId
} from "@hexfold/core"
import { AppendCheck, Expectation } from "@hexfold/core/adapter"
import { DateTime, Effect, Exit, Result } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { appendCall } from "../sql/append.ts"
import type { Touches } from "./keyLocks.ts"
import { translated } from "../database/errors.ts"
import type { Called, Maintained, Run } from "../views/inlineAppends.ts"
import { bindsOf, type Encoded, encode, type PlacedCommand, touched } from "./appendBinds.ts"
import { commandKeyOf } from "./keys.ts"
import type { KnownHistory } from "./horizon.ts"
import { namingStreams } from "./lockTimeout.ts"
import type { SingleAppends } from "./singleAppend.ts"
import { type CommandResult, readCommands } from "./streamReader.ts"

/** Why an append can fail alone, while the others of its call succeed. */
export type AppendFailure = ConcurrencyConflict | CommandIdReused | EventStoreError

/** The keys that an append locks. */
export const touchesOf = (append: EventStore.Append): Touches => {
  const streams = touched(append)
  const exclusive = streams.filter(({ count }) => count > 0).map(({ key }) => key)
  for (const { command } of append.parts) if (command !== undefined) exclusive.push(commandKeyOf(command.id))
  return { exclusive, shared: streams.filter(({ count }) => count === 0).map(({ key }) => key) }
}

/** What an append did. */
export type Answer = EventStore.Appended | EventStore.Repeated

/** What a call may do. */
export interface CallOptions {
  /** How long it waits for each lock, in milliseconds; 0 for no limit but that of the connection. */
  readonly lockTimeout: number
  /** What the process has checked of the log. In another history it is checked again before anything is appended. */
  readonly known?: KnownHistory
  /** Appends single events outside of a caller's transaction; only together with `known`. */
  readonly single?: SingleAppends
}

/**
 * Appends in one call, each whole or not at all. `joined` says whether the call
 * runs in a caller's transaction. A call that waited for a lock too long has done
 * nothing, and fails with a `Timeout` that names the streams.
 */
export const appendAll =
  (
    sql: SqlClient.SqlClient,
    schema: string,
    run: Run,
    joined: boolean,
    { known, lockTimeout, single }: CallOptions = { lockTimeout: 0 }
  ) =>
  (
    appends: ReadonlyArray<EventStore.Append>
  ): Effect.Effect<ReadonlyArray<Exit.Exit<Answer, AppendFailure>>, SqlError.SqlError | EventStoreError> =>
    inHistory(appends, known, (appends, present) => {
      const all = Effect.gen(function* () {
        const encoded = encode(appends, joined)
        const call = (maintained: Maintained) =>
          Effect.map(
            callChecked(appends, known, present, (at) =>
              sql.unsafe<Row | Unchecked>(appendCall(schema), bindsOf(encoded, maintained, lockTimeout, at))
            ),
            (row) => exitsOf(appends, encoded, row)
          )
        const { exits, repeated } = yield* namingStreams(sql, schema, encoded, joined)(run(appends, call))
        const repeats = encoded.commands.filter((_, i) => repeated.has(i))
        if (repeats.length === 0) return exits as ReadonlyArray<Exit.Exit<Answer, AppendFailure>>
        // The other appends have committed, so a failure of this read concerns the repeats alone.
        const previous = yield* Effect.result(translated("append")(readCommands(sql, schema, repeats)))
        const repeatsOf = Map.groupBy(repeats, ({ owner }) => owner)
        return exits.map((exit, owner) => {
          if (exit !== undefined) return exit
          if (Result.isFailure(previous)) return Exit.fail(previous.failure)
          return repeatedExit(repeatsOf.get(owner)!, previous.success)
        })
      })
      const appending =
        present === undefined || appends.length > 1 ? undefined : single?.(appends[0]!, present, lockTimeout)
      if (appending === undefined) return all
      return Effect.flatMap(appending, (appended) =>
        appended === undefined ? all : Effect.succeed([Exit.succeed(appended)])
      )
    })

/** Repeats a call that has met another history. The log is checked first, and appends of the history before are refused. */
const callChecked = (
  appends: ReadonlyArray<EventStore.Append>,
  known: KnownHistory | undefined,
  present: Present | undefined,
  call: (at: Present | undefined) => Effect.Effect<ReadonlyArray<Row | Unchecked>, SqlError.SqlError>
): Effect.Effect<Row, SqlError.SqlError | EventStoreError> =>
  Effect.gen(function* () {
    let at = present
    for (let left = 3; left > 0; left--) {
      const [row] = yield* call(at)
      if (row!.o_positions !== null) return row as Row
      known!.log = yield* known!.check("append")
      known!.checked = row!.o_history
      at = { log: known!.log, checked: row!.o_history }
      for (const append of appends) {
        const refusal = refusalOf(append, at)
        if (refusal !== undefined) return yield* refusal
      }
    }
    const detail = "the log begins one history after the other: repeat the append"
    return yield* new EventStoreError({ operation: "append", reason: new Reason.Unavailable({ detail }) })
  })

/** The history of the log, and its identity, that a call has to meet. */
type Present = Pick<KnownHistory, "log" | "checked">

const refusalOf = (append: EventStore.Append, present: Present | undefined): EventStoreError | undefined =>
  present === undefined ? undefined : AppendCheck.historyRefusal(append, Number(present.checked))

/**
 * Makes a call for the appends whose streams were read in the present history of the log, and refuses the others.
 *
 * Why no append is decided on a history that has ended. (1) The call names the history for which its appends were
 * chosen, and the function does nothing in another one. (2) What was read is labelled with a history that was known
 * before the read. (3) If the call meets another history, the appends are chosen again.
 */
const inHistory = (
  appends: ReadonlyArray<EventStore.Append>,
  known: KnownHistory | undefined,
  call: (
    appends: ReadonlyArray<EventStore.Append>,
    present: Present | undefined
  ) => Effect.Effect<ReadonlyArray<Exit.Exit<Answer, AppendFailure>>, SqlError.SqlError | EventStoreError>
): ReturnType<typeof call> =>
  Effect.suspend(() => {
    const present = known && { log: known.log, checked: known.checked }
    const refusals = appends.map((append) => refusalOf(append, present))
    const chosen = appends.filter((_, i) => refusals[i] === undefined)
    if (chosen.length === 0) return Effect.succeed(refusals.map((refusal) => Exit.fail(refusal!)))
    return call(chosen, present).pipe(
      Effect.map((exits) => {
        let next = 0
        return refusals.map((refusal) => (refusal === undefined ? exits[next++]! : Exit.fail(refusal)))
      }),
      Effect.catchIf(isFromAnotherHistory, () => inHistory(appends, known, call))
    )
  })

const isFromAnotherHistory = (error: SqlError.SqlError | EventStoreError): error is EventStoreError =>
  error._tag === "EventStoreError" && error.reason._tag === "PositionFromAnotherHistory"

const repeatedExit = (
  commands: ReadonlyArray<PlacedCommand>,
  previous: ReadonlyMap<string, CommandResult>
): Exit.Exit<Answer, AppendFailure> => {
  const repeats: Array<EventStore.Repeated["repeats"][number]> = []
  for (const { id, part } of commands.toSorted((a, b) => a.part - b.part)) {
    const appended = previous.get(id)
    // The call found the command id, but a sweep forgot it before its result was read.
    if (appended === undefined) return Exit.fail(forgotten())
    if ("_tag" in appended) return Exit.fail(appended)
    repeats.push({ part, appended })
  }
  return Exit.succeed({ _tag: "Repeated", repeats })
}

interface Done extends Called {
  /** An exit for each append; `undefined` for one with a repeat. */
  readonly exits: ReadonlyArray<Exit.Exit<Answer, AppendFailure> | undefined>
  /** The commands that are repeats. */
  readonly repeated: ReadonlySet<number>
}

const exitsOf = (appends: ReadonlyArray<EventStore.Append>, encoded: Encoded, row: Row): Done => {
  const { commands, ordinals, partsOf, placesOf, streams } = encoded
  const failed = new Set(row.o_failed ?? [])
  const repeated = new Set(row.o_repeated?.map((index) => index - 1))
  const withRepeats = new Set(row.o_repeated?.map((index) => commands[index - 1]!.owner))
  const refused = refusedOf(encoded, row)
  const recorded: Array<EventStore.RecordedEvent> = []
  let time = DateTime.makeUnsafe(0)
  const exits = appends.map((append, owner): Done["exits"][number] => {
    if (withRepeats.has(owner)) return undefined
    if (failed.has(owner)) {
      const versions = placesOf[owner]!.map((i) => [streams[i]!.streamId, Number(row.o_bases[i])] as const)
      return Exit.fail(conflictOf(append, new Map(versions)))
    }
    const refusal = refused.get(owner)
    if (refusal !== undefined) return Exit.fail(refusal)
    const parts = append.parts.map(({ writes }, i): EventStore.PartAppended => {
      const { counts, first, places } = partsOf[owner]![i]!
      const events: Array<EventStore.RecordedEvent> = []
      let index = first
      let at = 0
      for (const write of writes) {
        if (write.events.length === 0) continue
        const place = places[at++]!
        const base = Number(row.o_bases[place])
        const millis = row.o_times[place]?.getTime()
        if (millis !== undefined && millis !== time.epochMilliseconds) time = DateTime.makeUnsafe(millis)
        const { streamId } = write
        for (const event of write.events) {
          const version = base + ordinals[index]!
          const position = Number(row.o_positions[index++])
          const { data, id, metadata, schemaVersion = 1, type, recordedAt = time } = event
          const imported = event.recordedAt !== undefined
          const each = { id, streamId, version, position, type, schemaVersion, data, metadata, recordedAt, imported }
          events.push(each)
          recorded.push(each)
        }
      }
      return {
        events,
        streams: places.map((place, at) => ({
          streamId: streams[place]!.streamId,
          version: Number(row.o_bases[place]) + counts[at]!
        }))
      }
    })
    return Exit.succeed({ _tag: "Appended", parts, history: Number(row.o_history) })
  })
  return { exits, events: recorded, inline: row.o_inline, repeated }
}

/** The appends whose imported events have times that do not fit, and why. */
const refusedOf = ({ events }: Encoded, row: Row): ReadonlyMap<number, EventStoreError> => {
  const refused = new Map<number, EventStoreError>()
  row.o_refused?.forEach((index, i) => {
    const [owner, event] = events[index - 1]!
    const before = row.o_limits![i]
    refused.set(owner, AppendCheck.misplaced(event, before === null ? undefined : DateTime.makeUnsafe(before!)))
  })
  return refused
}

const forgotten = () =>
  new EventStoreError({
    operation: "append",
    reason: new Reason.Unavailable({ detail: "the command id expired during the append: repeat it" })
  })

/** Nothing was done: the log is in another history than the process has checked. */
interface Unchecked {
  readonly o_positions: null
  readonly o_history: bigint
}

interface Row {
  readonly o_failed: ReadonlyArray<number> | null
  readonly o_repeated: ReadonlyArray<number> | null
  readonly o_refused: ReadonlyArray<number> | null
  readonly o_limits: ReadonlyArray<Date | null> | null
  readonly o_bases: ReadonlyArray<bigint>
  readonly o_times: ReadonlyArray<Date | null>
  /** Null for an event of an append that was left out. */
  readonly o_positions: ReadonlyArray<bigint | null>
  readonly o_inline: ReadonlyArray<bigint>
  readonly o_history: bigint
}

// `versions` are those at the check. The error names the first failed condition, ordered by stream id.
const conflictOf = (
  append: EventStore.Append,
  versions: ReadonlyMap<StreamId.StreamId, number>
): ConcurrencyConflict => {
  const failed = append.conditions
    .map(({ expected, streamId }) => ({ stream: streamId, expected, actual: versions.get(streamId)! }))
    .filter(({ actual, expected }) => !Expectation.holds(expected, actual))
    .sort((a, b) => (a.stream < b.stream ? -1 : 1))
  return new ConcurrencyConflict({ ...failed[0]!, attempts: 1 })
}
