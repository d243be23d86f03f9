/** How a store keeps what an owner has done after its position: as records of the generation, one for each part. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { EventStore, Horizon } from "../../../ports/EventStore.ts"
import type { Part } from "../../../ports/generation.ts"
import type { Changes, Loaded } from "../../../ports/ProjectionStore.ts"
import { confirm, refusedBy } from "../../events/positions.ts"
import { partOf } from "../../views/partOf.ts"
import type { Progress } from "./progress.ts"

/** Tells whether an event that is read again was done before. */
export interface DoneBefore {
  /** Whether the event at a position was done for a key. */
  readonly has: (position: number, key: string) => boolean
  /** No event after this position was. */
  readonly upTo: number
  /** What the record of the part says of another number of parts. Other parts may not have read it yet, so it stays. */
  readonly others: ReadonlyArray<Done>
}

/** Nothing was done before. */
export const nothing: DoneBefore = { has: () => false, upTo: 0, others: [] }

// `of` is the number of parts when it was written: the keys may be divided into another number since.
const Done = Schema.Struct({ of: Schema.Int, history: Schema.Int, done: Schema.Array(Schema.Int) })

/**
 * For the keys of a part, the events at these positions are done, in ascending order. Those that are not done would be
 * fewer. But the next version may handle events that this one passes, and they are not done.
 */
type Done = typeof Done.Type

const Kept = Schema.Struct({ ...Done.fields, others: Schema.optionalKey(Schema.Array(Done)) })

/** The key of the record of a part. */
const keyOf = (index: number): string => `done ${index}`

/** The keys of the records of all parts, however many there are. */
export const keys: ReadonlyArray<string> = Array.from({ length: 1_000 }, (_, index) => keyOf(index))

/** The record stays as it is. */
export const unchanged: Changes = { put: [], remove: [] }

/** The change that keeps what is done after the position that is committed with it. */
export const changesOf = (
  { index, of }: Part,
  history: number,
  progress: Pick<Progress, "ahead">,
  { others }: DoneBefore,
  isKept: boolean
): Changes => {
  const done = progress.ahead()
  const key = keyOf(index)
  if (done.length === 0 && others.length === 0) return { put: [], remove: isKept ? [key] : [] }
  const own = { of, history, done }
  return { put: [{ key, state: others.length === 0 ? own : { ...own, others } }], remove: [] }
}

/**
 * Reads the records for the owner of a part. One that does not decode, or of events that the log does not have any more,
 * is left out: an event that is done twice is better than one that is not done.
 */
export const read = (
  { positions, states }: Pick<Loaded, "positions" | "states">,
  part: Part,
  events: EventStore["Service"],
  log: Horizon
): Effect.Effect<DoneBefore, EventStoreError> =>
  Effect.gen(function* () {
    const all: Array<{ readonly index: number; readonly kept: Done; readonly done: ReadonlySet<number> }> = []
    for (const [key, state] of states) {
      const kept = key.startsWith("done ") ? decode(state) : Option.none()
      if (Option.isNone(kept)) continue
      const { others = [], ...own } = kept.value
      const index = Number(key.slice(keyOf(0).length - 1))
      for (const kept of [own, ...others]) {
        if (yield* isThere(kept, events, log)) all.push({ index, kept, done: new Set(kept.done) })
      }
    }
    if (all.length === 0) return nothing
    const first = Math.min(...positions)
    return {
      upTo: Math.max(0, ...all.map(({ kept }) => lastOf(kept))),
      has: (position, key) => all.some(({ done, index, kept }) => done.has(position) && partOf(key, kept.of) === index),
      // What every part has passed is asked for by none.
      others: all
        .filter(({ index, kept }) => index === part.index && kept.of !== part.of && lastOf(kept) > first)
        .map(({ kept }) => kept)
    }
  })

const lastOf = ({ done }: Done): number => done.at(-1) ?? 0

const isThere = (done: Done, events: EventStore["Service"], log: Horizon) =>
  Effect.map(
    refusedBy(confirm(events, { history: done.history, position: lastOf(done) }, log)),
    (reason) => reason === undefined
  )

const decode = Schema.decodeUnknownOption(Kept)
