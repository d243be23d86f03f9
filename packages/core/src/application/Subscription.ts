/** Reading events as they come. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type AllReadOptions, EventStore, type RecordedEvent } from "../ports/EventStore.ts"
import type { EventStoreError } from "../ports/EventStoreError.ts"

/** Where to begin, and which events to select. */
export interface SubscriptionOptions extends Pick<AllReadOptions, "aggregates" | "types"> {
  /** Begins behind this position; at the first event if not given. */
  readonly after?: number
}

/**
 * All events behind a position, first those that are there and then each new
 * one soon after it was appended; never ends. No event is missing, doubled or
 * out of order, also where history passes into the present: both are the same
 * read, from the last position that was read up to the store's new horizon.
 * While the store is away it waits; it fails only for a reason that waiting
 * does not cure.
 *
 * @example
 * ```ts
 * import { Subscription } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * const printing = Subscription.recorded({ aggregates: ["Account"] }).pipe(
 *   Stream.runForEach((event) => Effect.log(event.position, event.type))
 * )
 * ```
 */
export const recorded = (
  options: SubscriptionOptions = {}
): Stream.Stream<RecordedEvent, EventStoreError, EventStore> =>
  Stream.unwrap(
    Effect.map(EventStore, (store) => {
      const { after = 0, ...filters } = options
      let position = after
      return store.changes.pipe(
        Stream.filter((horizon) => horizon > position),
        Stream.flatMap((horizon) =>
          Stream.concat(
            Stream.tap(store.readAll({ ...filters, after: position, upTo: horizon }), (event) =>
              Effect.sync(() => void (position = event.position))
            ),
            Stream.drain(Stream.fromEffect(Effect.sync(() => (position = horizon))))
          )
        ),
        // Begins again behind the last event that was delivered.
        Stream.retry(whileAway)
      )
    })
  )

const whileAway = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.while(({ input }: { readonly input: EventStoreError }) => input.isRetryable)
)
