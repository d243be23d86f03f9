import type { CommandIdReused, ConcurrencyConflict, EventStore, EventStoreError, StreamId } from "@hexfold/core"
import type { Effect } from "effect"

/** An event to append. */
export const event = (type = "Happened"): EventStore.NewEvent => {
  const id = crypto.randomUUID()
  return { id, type, data: { n: 1 }, metadata: { correlationId: id, causationId: id } }
}

/** Appends events to a stream at any version. */
export const append = (
  store: EventStore.EventStore["Service"],
  streamId: StreamId.StreamId,
  count: number,
  type?: string
): Effect.Effect<EventStore.Appended, ConcurrencyConflict | CommandIdReused | EventStoreError> =>
  store.append({ writes: [{ streamId, events: Array.from({ length: count }, () => event(type)) }], conditions: [] })
