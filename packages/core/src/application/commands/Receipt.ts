/** What a committed command did. */
import type { StreamId } from "../../domain/StreamId.ts"
import type { StreamVersion } from "../../ports/EventStore.ts"
import type { DecodedEvent } from "../events/recording.ts"

export type { DecodedEvent } from "../events/recording.ts"

/** What a committed command did. */
export interface Receipt<out Event> {
  readonly streamId: StreamId
  /** The recorded events; empty if there was nothing to record. */
  readonly events: ReadonlyArray<DecodedEvent<Event>>
  /** The stream's version after the command. */
  readonly version: number
  /** The position of the last recorded event; 0 if nothing was recorded. */
  readonly position: number
  /**
   * The history of the log in which the events have their positions; 1 if nothing was recorded. A receipt is a
   * `Position` that may leave the process.
   */
  readonly history: number
  /** How often the command was decided; 0 if this command id was executed before. */
  readonly attempts: number
  /** True if this command id was executed before. The receipt is then the original one. */
  readonly repeated: boolean
}

/** What a committed command over several streams did. */
export interface BoundaryReceipt<out Event> {
  /** The recorded events of all streams; empty if there was nothing to record. */
  readonly events: ReadonlyArray<DecodedEvent<Event>>
  /** The streams that took part, each with its version after the command. Those written come first. */
  readonly streams: ReadonlyArray<StreamVersion>
  /** The position of the last recorded event; 0 if nothing was recorded. */
  readonly position: number
  /**
   * The history of the log in which the events have their positions; 1 if nothing was recorded. A receipt is a
   * `Position` that may leave the process.
   */
  readonly history: number
  /** How often the command was decided; 0 if this command id was executed before. */
  readonly attempts: number
  /** True if this command id was executed before. The receipt is then the original one. */
  readonly repeated: boolean
}
