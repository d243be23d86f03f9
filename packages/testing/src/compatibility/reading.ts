/** Stored events as every store reads them: by the codec of their aggregate or topic. */
import { type EventStore, type Participant, StreamId } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { DateTime, Result, type Schema } from "effect"
import type { Tagged } from "../histories/world.ts"
import type { StoredEvent } from "./golden.ts"

/** What declares events: an aggregate or a topic. */
export type Declaring = Pick<Participant.Source<string, unknown, Tagged>, "name" | "schemas">

/** A current event, and how a store would keep it. */
export interface Current {
  readonly value: Tagged
  readonly stored: StoredEvent
}

/** The current events that a stored event becomes, or why it cannot be read. */
export const read = (source: Declaring, event: StoredEvent, streamId?: string, version = 1) =>
  Result.map(
    EventCodec.of(source).decode({
      // A stream that was recorded has an id; an example has none.
      streamId: (streamId ?? StreamId.make(source.name, "example")) as StreamId.StreamId,
      version,
      ...event
    }),
    (events) => events.map((value): Current => ({ value, stored: Result.getOrThrow(stored(source, value)) }))
  )

/** A current event as a store keeps it. Fails if no store would. */
export const stored = (source: Declaring, event: Tagged): Result.Result<StoredEvent, Schema.SchemaError> =>
  Result.map(EventCodec.of(source).encode(event), ({ data, schemaVersion, type }) => ({
    type,
    schemaVersion,
    data: JSON.parse(JSON.stringify(data)) as Schema.JsonObject
  }))

/** Events of several streams in the order of a log, with what a store adds to them. */
export const logged = (
  events: ReadonlyArray<StoredEvent & { readonly streamId: string }>
): ReadonlyArray<EventStore.RecordedEvent> => {
  const versions = new Map<string, number>()
  return events.map(({ data, schemaVersion, streamId, type }, i) => {
    const position = i + 1
    const version = (versions.get(streamId) ?? 0) + 1
    versions.set(streamId, version)
    const id = `00000000-0000-7000-8000-${position.toString(16).padStart(12, "0")}`
    return {
      id,
      streamId: streamId as StreamId.StreamId,
      version,
      position,
      type,
      schemaVersion,
      data,
      metadata: { correlationId: id, causationId: id },
      recordedAt: DateTime.makeUnsafe(position * 1_000),
      imported: false
    }
  })
}
