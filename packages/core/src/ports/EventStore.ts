/**
 * The port to the log of events. An adapter implements these five operations,
 * and `inTransaction` if they can join a transaction of the caller.
 * The contract suite of `@hexfold/testing` has a case for each promise of the
 * port, and every adapter runs it.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { StreamId } from "../domain/StreamId.ts"
import type { CommandIdReused, ConcurrencyConflict, EventStoreError } from "./errors.ts"
import type { Expectation } from "./Expectation.ts"
import type { Horizon, Position } from "./horizon.ts"
import type { Metadata } from "../domain/metadata.ts"

export type { Holder, Horizon, Position } from "./horizon.ts"

/** An event to append. */
export interface NewEvent {
  /** A UUID in lower case. */
  readonly id: string
  readonly type: string
  /** The version of the schema of the data: a whole number from 1 to 32,767. 1 if not given. */
  readonly schemaVersion?: number
  readonly data: Schema.Json
  readonly metadata: Metadata
  /**
   * The time of an event that happened elsewhere, such as in the system that the application replaces: it is imported
   * with this time. Without it, the event gets the time at which the store records it. The append is refused
   * (`Rejected`) if the time is before that of the event before in the stream, or lies in the future of the store's
   * clock. It has whole milliseconds.
   */
  readonly recordedAt?: DateTime.Utc
}

/** The part of a recorded event that a fold needs. */
export interface StreamEvent<out Data = Schema.Json> {
  readonly streamId: StreamId
  /** The event's 1-based place in the stream. */
  readonly version: number
  readonly type: string
  /** The version of the schema with which the data was written, from 1 on. */
  readonly schemaVersion: number
  readonly data: Data
}

/** An event as the store has it. `Data` is its payload: JSON, unless it was decoded. */
export interface RecordedEvent<out Data = Schema.Json> extends StreamEvent<Data> {
  readonly id: string
  /** The event's place among all events of the store: a safe integer above 0. Some positions stay unused. */
  readonly position: number
  readonly metadata: Metadata
  /**
   * When the store recorded it, by the store's clock, or the time that an imported event came with. It never falls
   * within a stream, whatever the clocks do. With growing positions it falls by no more than the time for which appends
   * have overlapped; imported events have times of their own.
   */
  readonly recordedAt: DateTime.Utc
  /** Whether the event came with a time of its own. */
  readonly imported: boolean
}

/** The stream `streamId` must be as `expected`. */
export interface StreamCondition {
  readonly _tag: "Stream"
  readonly streamId: StreamId
  readonly expected: Expectation
}

/** A condition for an append to happen. It is a type of its own so that other kinds can follow. */
export type Condition = StreamCondition

/** The events to add to one stream, in order. */
export interface Write {
  readonly streamId: StreamId
  readonly events: ReadonlyArray<NewEvent>
}

/** Names a command so that it has an effect only once. */
export interface CommandKey {
  readonly id: string
  /** Stands for the command's content. Another command under the same id has another fingerprint, and is refused. */
  readonly fingerprint: string
}

/** What one command adds. */
export interface Part {
  /** A stream is named once in a part. It may be named by several parts. */
  readonly writes: ReadonlyArray<Write>
  /** Names the command. The parts of an append have different command ids. */
  readonly command?: CommandKey
  /**
   * The streams among the conditions that the part was decided on. The receipt of the part names them, if the part does
   * not write to them. All streams of the conditions by default.
   */
  readonly reads?: ReadonlyArray<StreamId>
}

/**
 * What happens as a whole or not at all. A single command is an append with one
 * part. Several commands that were decided together are several parts.
 *
 * The conditions are those before the append, whatever the parts write. A stream
 * that is only among the conditions is checked, too.
 */
export interface Append {
  /**
   * The history of the log in which the versions of the conditions were read. In another history the same version may
   * have other events: then nothing is written, and the append fails with `PositionFromAnotherHistory`. Without it only
   * the versions are compared.
   */
  readonly history?: number
  /** A stream is named once. */
  readonly conditions: ReadonlyArray<Condition>
  /** In this order: if two parts write to one stream, the events of the later part follow those of the earlier one. */
  readonly parts: ReadonlyArray<Part>
}

/** A stream that a command wrote or read, and its version after the command. */
export interface StreamVersion {
  readonly streamId: StreamId
  readonly version: number
}

/** What a part of an append did. */
export interface PartAppended {
  /** The recorded events, in the order of the part's writes. */
  readonly events: ReadonlyArray<RecordedEvent>
  /**
   * The streams of the part, each once, with their versions after this part: those that got events, in the order of the
   * writes, then the others.
   */
  readonly streams: ReadonlyArray<StreamVersion>
}

/** What was done under a command id before, as the log has it now. */
export interface RepeatedPart extends PartAppended {
  /** The number of the log's history. */
  readonly history: number
}

/** All parts of an append have happened. */
export interface Appended {
  readonly _tag: "Appended"
  /** In the order of the append's parts. */
  readonly parts: ReadonlyArray<PartAppended>
  /** The number of the log's history. */
  readonly history: number
}

/** Some command ids of an append had been used before. Nothing happened now. */
export interface Repeated {
  readonly _tag: "Repeated"
  /** The parts with such a command id, in the order of the append, and what was done under the id at first. */
  readonly repeats: ReadonlyArray<{
    /** The index of the part, from 0. */
    readonly part: number
    readonly appended: RepeatedPart
  }>
}

/** The part of a stream to read with {@link EventStore.readStreams}. */
export interface StreamRequest {
  readonly streamId: StreamId
  /** Leaves out events up to this version; 0 by default. */
  readonly after?: number
  /**
   * Where the event with the version `after` stood: its position, in the history in which it was read or recorded. If
   * the log has lost this position since, the slice has the events from the first one on, and says so. It is found out
   * at the moment of the read, also where the process has not noticed yet that the log is in another history.
   */
  readonly position?: Position
}

/** A part of a stream as it was at one moment. */
export interface StreamSlice {
  readonly streamId: StreamId
  readonly version: number
  /** The requested events, in the order of their versions, with only what a fold needs. `readStream` gives the rest. */
  readonly events: ReadonlyArray<StreamEvent>
  /** The log has lost the `position` of the request, so nothing was left out. */
  readonly lost?: true
}

/** What {@link EventStore.readStreams} found, all at one moment. */
export interface StreamsRead {
  /** The history of the log in which they were read. If the log begins another one meanwhile, it may be the one before. */
  readonly history: number
  /** A slice for each request, in the order of the requests. */
  readonly streams: ReadonlyArray<StreamSlice>
  /** What the part of an append with the given command key did, if there was one. */
  readonly appended: RepeatedPart | undefined
}

/** Which events of a stream to read, and in which order. */
export interface StreamReadOptions {
  /** Reads only events after this version; when reading backwards, only those before it. */
  readonly after?: number
  readonly direction?: "forwards" | "backwards"
  readonly types?: ReadonlyArray<string>
  readonly limit?: number
}

/** Which events of the store to read, and in which order. */
export interface AllReadOptions {
  /**
   * Reads only events after this position; when reading backwards, only those before it. A `Position` is checked
   * against its history: `PositionFromAnotherHistory`. A number has no history. It is only checked against the end of the
   * log: beyond the last position drawn it is `Rejected`.
   */
  readonly after?: number | Position
  /**
   * The history that the log must be in. If it is in another one when the read begins, the read fails with
   * `PositionFromAnotherHistory`, whatever `after` is. A reader that goes on from what a horizon has said names the history
   * of that horizon, because the horizon holds in this history only.
   */
  readonly history?: number
  /** Reads no event after this position. */
  readonly upTo?: number
  readonly direction?: "forwards" | "backwards"
  /** Only the streams of these aggregates; an empty list selects none. */
  readonly aggregates?: ReadonlyArray<string>
  /** Only events of these types; an empty list selects none. */
  readonly types?: ReadonlyArray<string>
  /** Not the events of these types, by aggregate. An aggregate that is not named here is read as a whole. */
  readonly except?: Readonly<Record<string, ReadonlyArray<string>>>
  /**
   * Only the events of one conversation: those whose metadata have this correlation id, of all streams. From 1 to 1,000
   * characters; otherwise the read is `Rejected`. A store finds them without reading the rest of the log. If it cannot, it
   * refuses the read with a `Rejected` that says what an operator has to do.
   */
  readonly correlationId?: string
  readonly limit?: number
}

/** The port to the log of events. */
export class EventStore extends Context.Service<
  EventStore,
  {
    /**
     * Appends atomically: every condition is checked, and either all events are
     * recorded or none. In every stream, positions grow with the versions.
     *
     * If a part has a command key that was used before, nothing happens, whatever
     * the conditions are. The result is then `Repeated`, and names all parts with
     * such a key; the others may be appended again without them. If such a key had
     * another fingerprint, the append fails with `CommandIdReused`. A store may be
     * configured to forget command ids after a time; a key is then new again.
     */
    readonly append: (
      append: Append
    ) => Effect.Effect<Appended | Repeated, ConcurrencyConflict | CommandIdReused | EventStoreError>

    /**
     * Reads streams as they are at one moment, and looks up at the same moment
     * what the part of a command did. Fails with `CommandIdReused` if the
     * command id has another fingerprint.
     */
    readonly readStreams: (
      requests: ReadonlyArray<StreamRequest>,
      command?: CommandKey
    ) => Effect.Effect<StreamsRead, CommandIdReused | EventStoreError>

    /** Reads a stream in pages, in bounded memory. */
    readonly readStream: (
      streamId: StreamId,
      options?: StreamReadOptions
    ) => Stream.Stream<RecordedEvent, EventStoreError>

    /**
     * Reads the store by position in pages, in bounded memory, up to the
     * horizon at the start of the read. The horizon is the highest position
     * below which no event can still appear. So a reader that continues after
     * the last position that it saw misses nothing, even if transactions commit
     * late or roll back. An `after` beyond the log is refused, because such a reader
     * would skip what comes later: see {@link AllReadOptions}. If the log's history
     * ends during the read, the read fails with a retryable error before its next page.
     */
    readonly readAll: (options?: AllReadOptions) => Stream.Stream<RecordedEvent, EventStoreError>

    /**
     * The horizons: the present one at once, then a new one soon after the position,
     * the history, or who holds the horizon back has changed. Within one history the
     * position only grows. A slow consumer skips values, but never the latest. The
     * stream never ends, and fails only for a reason that waiting does not cure.
     */
    readonly horizons: Stream.Stream<Horizon, EventStoreError>

    /**
     * Whether operations that run in this context join a transaction of the
     * caller, which may still roll back. Then commands remember nothing and
     * repeat nothing. A store without such transactions leaves it out. A store
     * that wraps another one passes it on.
     */
    readonly inTransaction?: (context: Context.Context<never>) => boolean
  }
>()("@hexfold/core/EventStore") {}
