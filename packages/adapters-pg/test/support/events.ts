import type { CommandIdReused, ConcurrencyConflict, EventStore, EventStoreError, StreamId } from "@hexfold/core"
import type { Effect } from "effect"
import { appendOne, type OneAppended } from "./appendOne.ts"

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
): Effect.Effect<OneAppended, ConcurrencyConflict | CommandIdReused | EventStoreError> =>
  appendOne(store, { writes: [{ streamId, events: Array.from({ length: count }, () => event(type)) }], conditions: [] })
