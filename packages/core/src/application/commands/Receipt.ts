/** What a committed command did. */
import * as Result from "effect/Result"
import type { Aggregate } from "../../domain/Aggregate.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import { decodeRecorded } from "../events/recording.ts"
import type { Appended, RecordedEvent, StreamVersion } from "../../ports/EventStore.ts"
import type { EventDecodeError } from "../events/errors.ts"

/** What a committed command did. */
export interface Receipt<out Event> {
  readonly streamId: StreamId
  /** The recorded events; none if there was nothing to record. */
  readonly events: ReadonlyArray<RecordedEvent<Event>>
  /** The stream's version after the command. */
  readonly version: number
  /** The position of the last recorded event; 0 if there is none. */
  readonly position: number
  /** How often the command was decided; 0 if it had been done before. */
  readonly attempts: number
  /** Whether the command had been done before under its command id, so that this is what it did then. */
  readonly repeated: boolean
}

/** What a committed command over several streams did. */
export interface BoundaryReceipt<out Event> {
  /** The recorded events of all streams; none if there was nothing to record. */
  readonly events: ReadonlyArray<RecordedEvent<Event>>
  /** The streams that took part, each with its version after the command: those written, then those only checked. */
  readonly streams: ReadonlyArray<StreamVersion>
  /** The position of the last recorded event; 0 if there is none. */
  readonly position: number
  /** How often the command was decided; 0 if it had been done before. */
  readonly attempts: number
  /** Whether the command had been done before under its command id, so that this is what it did then. */
  readonly repeated: boolean
}

/** The receipt of a command that had been appended before, with its events as they are stored. */
export const fromRepeated = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate<Name, Id, State, Command, Event, Error>,
  streamId: StreamId,
  appended: Appended
): Result.Result<Receipt<Event>, EventDecodeError> =>
  Result.map(decodeRecorded(aggregate, appended.events), (events) => ({
    streamId,
    events,
    version: appended.streams.find((stream) => stream.streamId === streamId)?.version ?? 0,
    position: events.at(-1)?.position ?? 0,
    attempts: 0,
    repeated: true
  }))
