import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as View from "../../../domain/View.ts"
import { inTime } from "../../events/positions.ts"
import type { EventStoreError } from "../../../ports/errors.ts"
import type { AllReadOptions, EventStore, RecordedEvent } from "../../../ports/EventStore.ts"

/** The events that a view follows. */
export const eventsOf = (
  { sources, types }: View.Any,
  events: EventStore["Service"],
  range: Pick<AllReadOptions, "after" | "history" | "upTo" | "limit">
): Stream.Stream<RecordedEvent, EventStoreError> =>
  events.readAll({ ...range, aggregates: sources.map(({ name }) => name), types })

/** The events of a view between two positions. */
export interface Page {
  readonly events: ReadonlyArray<RecordedEvent>
  /** The view has no other event up to this position. */
  readonly end: number
}

/** Reads the events after a position, at most `limit` of them, up to a horizon of the same history that was known before. */
export type Reader = (range: {
  readonly after: number
  readonly history: number
  readonly upTo: number
  readonly limit: number
}) => Effect.Effect<Page, EventStoreError>

/**
 * Reads a page of events, and fails with a retryable `Timeout` if there is no
 * answer. A projection that waited on a dead connection would hold its lease
 * forever.
 */
export const readPage = (
  range: Parameters<Reader>[0],
  events: () => Stream.Stream<RecordedEvent, EventStoreError>
): Effect.Effect<Page, EventStoreError> =>
  Effect.map(
    inTime(() => Stream.runCollect(events())),
    (read) => ({
      events: read,
      // Unless the page is full, no other event up to the horizon matches.
      end: read.length < range.limit ? range.upTo : read.at(-1)!.position
    })
  )

/** The reader of the events of one view. */
export const reader =
  (view: View.Any, events: EventStore["Service"]): Reader =>
  (range) =>
    readPage(range, () => eventsOf(view, events, range))
