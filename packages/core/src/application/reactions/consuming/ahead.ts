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
const Done = Schema.Struct({
  of: Schema.Int,
  history: Schema.Int,
  upTo: Schema.Int,
  open: Schema.Array(Schema.Int)
})

/** For the keys of a part, all events up to `upTo` are done, except the open ones. */
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
  progress: Pick<Progress, "ahead" | "position">,
  { others }: DoneBefore,
  isKept: boolean
): Changes => {
  const ahead = progress.ahead()
  const key = keyOf(index)
  if (ahead === undefined && others.length === 0) return { put: [], remove: isKept ? [key] : [] }
  const own = { of, history, ...(ahead ?? { upTo: progress.position(), open: [] }) }
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
    if (states.size === 0) return nothing
    const first = Math.min(...positions)
    const all: Array<{ readonly index: number; readonly done: Done; readonly open: ReadonlySet<number> }> = []
    for (const [key, state] of states) {
      const kept = decode(state)
      if (Option.isNone(kept)) continue
      const { others = [], ...own } = kept.value
      const index = Number(key.slice(keyOf(0).length - 1))
      for (const done of [own, ...others]) {
        if (yield* isThere(done, events, log)) all.push({ index, done, open: new Set(done.open) })
      }
    }
    return {
      upTo: Math.max(0, ...all.map(({ done }) => done.upTo)),
      has: (position, key) =>
        all.some(
          ({ done: { of, upTo }, index, open }) => position <= upTo && !open.has(position) && partOf(key, of) === index
        ),
      // What every part has passed is asked for by none.
      others: all
        .filter(({ done, index }) => index === part.index && done.of !== part.of && done.upTo > first)
        .map(({ done }) => done)
    }
  })

const isThere = ({ history, upTo }: Done, events: EventStore["Service"], log: Horizon) =>
  confirm(events, { history, position: upTo }, log).pipe(
    Effect.as(true),
    Effect.catchIf(
      (error) => !error.isRetryable,
      () => Effect.succeed(false)
    )
  )

const decode = Schema.decodeUnknownOption(Kept)
