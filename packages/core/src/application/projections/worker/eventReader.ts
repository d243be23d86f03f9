import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../../../domain/View.ts"
import type { AllReadOptions, EventStore, RecordedEvent } from "../../../ports/EventStore.ts"
import { EventStoreError } from "../../../ports/errors.ts"
import { disconnectWithin } from "../../../internal/disconnect.ts"

/** The store's present horizon. */
export const horizonOf = (events: EventStore["Service"]): Effect.Effect<number, EventStoreError> =>
  Effect.map(
    Stream.runHead(events.horizons),
    Option.getOrElse(() => 0)
  )

/** The events that a view follows. */
export const followed = (
  { sources, types }: View.Any,
  events: EventStore["Service"],
  range: Pick<AllReadOptions, "after" | "upTo" | "limit">
): Stream.Stream<RecordedEvent, EventStoreError> =>
  events.readAll({ ...range, aggregates: sources.map(({ name }) => name), types })

/** The events of a view between two positions. */
export interface Page {
  readonly events: ReadonlyArray<RecordedEvent>
  /** The view has no other event up to here. */
  readonly end: number
}

/** Reads what follows a position, `limit` events at most, up to a horizon that was known before. */
export type Reader = (range: {
  readonly after: number
  readonly upTo: number
  readonly limit: number
}) => Effect.Effect<Page, EventStoreError>

/**
 * Reads a page, given up as one that may succeed later if there is no answer:
 * who waits for a silent connection would keep its view from others for ever.
 */
export const pageOf = (
  range: Parameters<Reader>[0],
  events: () => Stream.Stream<RecordedEvent, EventStoreError>
): Effect.Effect<Page, EventStoreError> =>
  Effect.map(
    disconnectWithin(
      Effect.suspend(() => Stream.runCollect(events())),
      patience,
      (reason) => new EventStoreError({ operation: "readAll", reason })
    ),
    (read) => ({
      events: read,
      // Nothing more matches below the horizon unless the page is full.
      end: read.length < range.limit ? range.upTo : read.at(-1)!.position
    })
  )

const patience = Duration.seconds(10)

/** Reads the events of one view. */
export const readerOf =
  (view: View.Any, events: EventStore["Service"]): Reader =>
  (range) =>
    pageOf(range, () => followed(view, events, range))
