import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as StepSize from "../../internal/stepSize.ts"
import { stopwatch } from "../../internal/steps.ts"
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
export type Filters = Pick<AllReadOptions, "aggregates" | "types" | "except">

/** Reads the events after the reader's place, up to a position of a horizon's history. */
export type ReadOn = (
  filters: Filters,
  upTo: Pick<Horizon, "history" | "position">
) => Stream.Stream<Step, EventStoreError>

/**
 * Reads up to a horizon, stretch by stretch: a read that searches long for few events would never end. A stretch that
 * was read quickly is followed by a longer one, and one that took too long by a shorter one: a server may end a statement
 * that searches for long. `place` is the position of the last step that the reader has taken. `succeeded` runs after
 * each stretch.
 */
export const stretches = (
  store: EventStore["Service"],
  place: () => number,
  succeeded: Effect.Effect<void>
): ReadOn => {
  const stretch = StepSize.make(first, Number.MAX_SAFE_INTEGER)

  /** If it fails, the next one begins after the last event that was delivered. */
  const read = (filters: Filters, history: number, end: number): Stream.Stream<Step, EventStoreError> =>
    Stream.unwrap(
      Effect.map(stopwatch, (elapsed) => {
        const events = store.readAll({ ...filters, after: place(), history, upTo: end })
        const steps = Stream.map(events, (event): Step => ({ event, resume: { history, position: event.position } }))
        const shorter = ({ reason }: EventStoreError) =>
          Effect.sync(() => {
            if (reason._tag !== "Timeout") return
            stretch.limit(end - place())
            stretch.lost()
          })
        const nothingMore = Effect.suspend(() => {
          if (elapsed() < quick) stretch.grow()
          const rest: ReadonlyArray<Step> =
            place() === end ? [] : [{ event: undefined, resume: { history, position: end } }]
          return Effect.as(succeeded, rest)
        })
        return Stream.concat(
          Stream.tapError(steps, shorter),
          Stream.flatMap(Stream.fromEffect(nothingMore), Stream.fromIterable)
        )
      })
    )

  return (filters, { history, position: last }) => {
    const ends = Stream.paginate(undefined, () =>
      Effect.sync(() =>
        place() < last
          ? ([[Math.min(last, place() + stretch.current())], Option.some(undefined)] as const)
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

/** The positions of the first stretch. */
const first = 100_000

/** A stretch that takes less, in milliseconds, is followed by a longer one. */
const quick = 500
