import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../domain/View.ts"
import type { AllReadOptions, EventStore, RecordedEvent } from "../ports/EventStore.ts"
import type { EventStoreError } from "../ports/EventStoreError.ts"

/** The store's present horizon. */
export const horizonOf = (events: EventStore["Service"]): Effect.Effect<number, EventStoreError> =>
  Effect.map(
    Stream.runHead(events.changes),
    Option.getOrElse(() => 0)
  )

/** The events that a view follows. */
export const followed = (
  { sources, types }: View.Any,
  events: EventStore["Service"],
  range: Pick<AllReadOptions, "after" | "upTo" | "limit">
): Stream.Stream<RecordedEvent, EventStoreError> =>
  events.readAll({ ...range, aggregates: sources.map(({ name }) => name), types })
