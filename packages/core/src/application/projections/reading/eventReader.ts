import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Consumer } from "../../../domain/view/consumer.ts"
import { stopwatch } from "../../../internal/steps.ts"
import { inTime } from "../../events/positions.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { AllReadOptions, EventStore, RecordedEvent } from "../../../ports/EventStore.ts"
import { jsonBytes } from "../../../ports/jsonBytes.ts"

/** The events that a view follows. */
export const eventsOf = (
  { follows }: Pick<Consumer, "follows">,
  events: EventStore["Service"],
  range: Pick<AllReadOptions, "after" | "history" | "upTo" | "limit">
): Stream.Stream<RecordedEvent, EventStoreError> => events.readAll({ ...range, ...follows })

/** The events of a view between two positions. */
export interface Page {
  readonly events: ReadonlyArray<RecordedEvent>
  /** The view has no other event up to this position. */
  readonly end: number
}

/** What a page may have. */
export interface Range {
  readonly after: number
  readonly history: number
  readonly upTo: number
  readonly limit: number
  /** The page ends with the event that comes after these milliseconds. */
  readonly millis: number
}

/**
 * Reads the events after a position, at most `limit` of them, up to a horizon of the
 * same history that was known before. A page may end earlier, but it has at least one
 * event if there is one.
 */
export type Reader = (range: Range) => Effect.Effect<Page, EventStoreError>

/**
 * Reads a page of events. It ends after the range's limits, or with the event that
 * makes 4 MiB full. What was read before a failure is a page too, so a store that is
 * slow with large events still makes progress. Without any event it fails with a
 * retryable `Timeout` if there is no answer: a projection that waited on a dead
 * connection would hold its lease forever.
 */
export const readPage = (
  range: Range,
  events: () => Stream.Stream<RecordedEvent, EventStoreError>
): Effect.Effect<Page, EventStoreError> =>
  Effect.flatMap(stopwatch, (elapsed) => {
    const read: Array<RecordedEvent> = []
    let bytes = 0
    let isCut = false
    const take = (event: RecordedEvent): boolean => {
      read.push(event)
      bytes += jsonBytes(event.data)
      return (isCut = bytes >= mostBytes || elapsed() >= range.millis)
    }
    const reading = inTime(() => Stream.runDrain(Stream.takeUntil(events(), take)))
    return Effect.catchIf(
      reading,
      (error) => read.length > 0 && error.isRetryable,
      () => Effect.sync(() => void (isCut = true))
    ).pipe(
      Effect.map(() => ({
        // A read that was given up may go on for a moment.
        events: [...read],
        // Unless the page is full, no other event up to the horizon matches.
        end: isCut || read.length === range.limit ? read.at(-1)!.position : range.upTo
      }))
    )
  })

// A page of the log has as much: less would be read twice, and more of it would fill the memory of many views.
const mostBytes = 4 << 20

/** The reader of the events of one view. */
export const reader =
  (view: Pick<Consumer, "follows">, events: EventStore["Service"]): Reader =>
  (range) =>
    readPage(range, () => eventsOf(view, events, range))
