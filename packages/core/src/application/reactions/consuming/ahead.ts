/** How a store keeps what an owner has done after its position: as records of the generation, one for each part. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { EventStore, Horizon } from "../../../ports/EventStore.ts"
import type { Part } from "../../../ports/generation.ts"
import type { Changes, Loaded } from "../../../ports/ProjectionStore.ts"
import { confirm } from "../../events/positions.ts"
import { partOf } from "../../views/partOf.ts"
import type { Ahead } from "./progress.ts"

/** Tells whether an event that is read again was done before. */
export interface DoneBefore {
  /** Whether the event at a position was done for a key. */
  readonly has: (position: number, key: string) => boolean
  /** No event after this position was. */
  readonly upTo: number
}

// `of` is the number of parts when the record was written: the keys may be divided into another number since.
const Kept = Schema.Struct({
  of: Schema.Int,
  history: Schema.Int,
  upTo: Schema.Int,
  open: Schema.Array(Schema.Int)
})

/** The key of the record of a part. */
const keyOf = (index: number): string => `done ${index}`

/** The keys of the records of all parts, however many there are. */
export const keys: ReadonlyArray<string> = Array.from({ length: 1_000 }, (_, index) => keyOf(index))

/** The record stays as it is. */
export const unchanged: Changes = { put: [], remove: [] }

/** The change that keeps what is done after the position that is committed with it. */
export const changesOf = ({ index, of }: Part, history: number, ahead: Ahead | undefined, isKept: boolean): Changes => {
  if (ahead !== undefined) return { put: [{ key: keyOf(index), state: { of, history, ...ahead } }], remove: [] }
  return { put: [], remove: isKept ? [keyOf(index)] : [] }
}

/**
 * Reads the records. One that does not decode, or of events that the log does not have any more, is left out: an event
 * that is done twice is better than one that is not done.
 */
export const read = (
  states: Loaded["states"],
  events: EventStore["Service"],
  log: Horizon
): Effect.Effect<DoneBefore, EventStoreError> =>
  Effect.gen(function* () {
    const records = new Map<number, Map<number, Record>>()
    let last = 0
    for (const [key, state] of states) {
      const kept = decode(state)
      if (Option.isNone(kept)) continue
      const { history, of, open, upTo } = kept.value
      const isThere = yield* confirm(events, { history, position: upTo }, log).pipe(
        Effect.as(true),
        Effect.catchIf(
          (error) => !error.isRetryable,
          () => Effect.succeed(false)
        )
      )
      if (!isThere) continue
      const parts = records.get(of) ?? new Map<number, Record>()
      records.set(of, parts)
      parts.set(Number(key.slice(keyOf(0).length - 1)), { upTo, open: new Set(open) })
      last = Math.max(last, upTo)
    }
    return {
      upTo: last,
      has: (position, key) =>
        position <= last &&
        [...records].some(([of, parts]) => {
          const record = parts.get(partOf(key, of))
          return record !== undefined && position <= record.upTo && !record.open.has(position)
        })
    }
  })

interface Record {
  readonly upTo: number
  readonly open: ReadonlySet<number>
}

const decode = Schema.decodeUnknownOption(Kept)
