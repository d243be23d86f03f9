import type { EventStore, Metadata, StreamId } from "@hexfold/core"
import { DateTime, type Schema } from "effect"

/** The columns of an event, as the driver gives them. */
export interface EventRow {
  readonly position: bigint
  readonly version: bigint
  readonly event_id: string
  readonly type: string
  readonly data: Schema.Json
  readonly metadata: Metadata.Metadata
  readonly recorded_at: Date
}

/** An event of the log from its row. */
export const toRecorded = (row: EventRow, streamId: string): EventStore.RecordedEvent => ({
  id: row.event_id,
  streamId: streamId as StreamId.StreamId,
  version: Number(row.version),
  position: Number(row.position),
  type: row.type,
  data: row.data,
  metadata: row.metadata,
  recordedAt: DateTime.makeUnsafe(row.recorded_at)
})
