import type { EventStore, StreamId } from "@hexfold/core"
import type { DateTime, Queue } from "effect"

type Recorded = EventStore.RecordedEvent

/** What was done under a command id, and when. */
export interface Command {
  readonly at: number
  readonly fingerprint: string
  readonly appended: EventStore.PartAppended
}

/** The data of an event store. The index of an event is its position minus 1. */
export interface Log {
  /** The identity of the log, once somebody has asked for it. */
  id?: string
  readonly events: Array<Recorded>
  readonly streams: Map<StreamId.StreamId, Array<Recorded>>
  /** By the key of the command's id; the oldest first. */
  readonly commands: Map<string, Command>
  /** The latest time of an event. */
  readonly latest: { time: DateTime.Utc }
  readonly listeners: Set<Queue.Queue<void>>
  /** The last position of each history that has ended, from the first history on. */
  readonly ended: Array<number>
}
