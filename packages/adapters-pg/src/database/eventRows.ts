import type { EventStore, Metadata, StreamId } from "@hexfold/core"
import { DateTime, type Schema } from "effect"

/** The columns of an event, as the driver returns them. */
export interface EventRow {
  readonly position: bigint
  readonly version: bigint
  readonly event_id: string
  readonly type: string
  readonly schema_version: number
  readonly data: Schema.Json
  readonly metadata: Metadata.Metadata
  readonly recorded_at: Date
  readonly imported: boolean
}

/** The event of a row. */
export const toRecorded = (row: EventRow, streamId: string): EventStore.RecordedEvent => ({
  id: row.event_id,
  streamId: streamId as StreamId.StreamId,
  version: Number(row.version),
  position: Number(row.position),
  type: row.type,
  schemaVersion: row.schema_version,
  data: row.data,
  metadata: row.metadata,
  recordedAt: DateTime.makeUnsafe(row.recorded_at),
  imported: row.imported
})

/** The columns of an event whose payload is the text of its JSON. */
export interface WrittenRow extends Omit<EventRow, "data"> {
  readonly stream_id: string
  readonly data: string
}

/** The event of a row whose payload is a text. */
export const ofWritten = (row: WrittenRow): EventStore.RecordedEvent =>
  toRecorded({ ...row, data: JSON.parse(row.data) as Schema.Json }, row.stream_id)

/** The streams of an append in the order of the port: first those with events, in the order of the events. */
export const writtenFirst = (
  streams: ReadonlyArray<EventStore.StreamVersion>,
  events: ReadonlyArray<EventStore.RecordedEvent>
): ReadonlyArray<EventStore.StreamVersion> => {
  if (streams.length === 1) return streams
  const places = new Map<string, number>()
  for (const { streamId } of events) if (!places.has(streamId)) places.set(streamId, places.size)
  const place = (streamId: string): number => places.get(streamId) ?? places.size
  return streams.toSorted((a, b) => place(a.streamId) - place(b.streamId))
}
