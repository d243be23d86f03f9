import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { EventStoreError } from "../../ports/errors.ts"
import type { AllReadOptions, EventStore, Horizon, Position, RecordedEvent } from "../../ports/EventStore.ts"

/** What a subscription has read next: an event, or a stretch of the log without an event that it selects. */
export interface Step<out Event = RecordedEvent> {
  /** The next event. Undefined if the subscription has found no further event up to `resume`. */
  readonly event: Event | undefined
  /** Where to go on: a subscription with this `after` begins with the first event that did not come yet. */
  readonly resume: Position
}

/** Which events are read. */
export type Filters = Pick<AllReadOptions, "aggregates" | "types">

/** Reads the events after the reader's place, up to a position of a horizon's history. */
export type ReadOn = (
  filters: Filters,
  upTo: Pick<Horizon, "history" | "position">
) => Stream.Stream<Step, EventStoreError>

/**
 * Reads up to a horizon, stretch by stretch: a read that searches long for few events would never end. A stretch that
 * was read quickly is followed by a longer one, and one that has failed by a shorter one. `place` is the position of the
 * last step that the reader has taken.
 */
export const stretches = (store: EventStore["Service"], place: () => number): ReadOn => {
  let stretch = first

  /** If it fails, the next one begins after the last event that was delivered, and is shorter. */
  const read = (filters: Filters, history: number, end: number): Stream.Stream<Step, EventStoreError> =>
    Stream.unwrap(
      Effect.map(Clock.currentTimeMillis, (began) => {
        const tried = stretch
        stretch = Math.max(shortest, Math.floor(tried / 4))
        const events = store.readAll({ ...filters, after: place(), history, upTo: end })
        const steps = Stream.map(events, (event): Step => ({ event, resume: { history, position: event.position } }))
        const nothingMore = Effect.map(Clock.currentTimeMillis, (now): ReadonlyArray<Step> => {
          stretch = now - began < quick ? tried * 2 : tried
          return place() === end ? [] : [{ event: undefined, resume: { history, position: end } }]
        })
        return Stream.concat(steps, Stream.flatMap(Stream.fromEffect(nothingMore), Stream.fromIterable))
      })
    )

  return (filters, { history, position: last }) => {
    const ends = Stream.paginate(undefined, () =>
      Effect.sync(() =>
        place() < last
          ? ([[Math.min(last, place() + stretch)], Option.some(undefined)] as const)
          : ([[], Option.none<undefined>()] as const)
      )
    )
    return Stream.flatMap(ends, (end) => read(filters, history, end)).pipe(
      Stream.catchIf(
        ({ reason }) => reason._tag === "PositionFromAnotherHistory",
        // The history has ended since this horizon. The store is about to send the horizon of the next history.
        () => Stream.empty
      )
    )
  }
}

/** The positions of the first stretch, and of the shortest. */
const first = 100_000
const shortest = 1_000

/** A stretch that takes less, in milliseconds, is followed by a longer one. */
const quick = 500
