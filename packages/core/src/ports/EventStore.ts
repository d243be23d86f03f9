/**
 * The port to the log of events. An adapter implements these four operations;
 * what it promises is written down as cases in `EventStoreContract` of
 * `@hexfold/testing`, which every adapter runs.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { StreamId } from "../domain/StreamId.ts"
import type { CommandIdReused, ConcurrencyConflict, EventStoreError } from "./errors.ts"
import type { Expectation } from "./Expectation.ts"
import type { Metadata } from "../domain/metadata.ts"

/** An event to append. */
export interface NewEvent {
  /** A UUID in lower case. */
  readonly id: string
  readonly type: string
  readonly data: Schema.Json
  readonly metadata: Metadata
}

/** What a fold needs of a recorded event. */
export interface StreamEvent<out Data = Schema.Json> {
  readonly streamId: StreamId
  /** Its 1-based place in the stream. */
  readonly version: number
  readonly type: string
  readonly data: Data
}

/** An event as the store has it; `Data` is its payload, JSON unless something decoded it. */
export interface RecordedEvent<out Data = Schema.Json> extends StreamEvent<Data> {
  readonly id: string
  /** Its place among all events of the store, a safe integer above 0; some positions stay unused. */
  readonly position: number
  readonly metadata: Metadata
  /** When the store recorded it, by the store's clock. */
  readonly recordedAt: DateTime.Utc
}

/** The stream `streamId` must be as `expected`. */
export interface StreamCondition {
  readonly _tag: "Stream"
  readonly streamId: StreamId
  readonly expected: Expectation
}

/** What must hold for an append to happen. A union, so that other kinds can join. */
export type Condition = StreamCondition

/** The events to add to one stream, in order. */
export interface Write {
  readonly streamId: StreamId
  readonly events: ReadonlyArray<NewEvent>
}

/** Names a command so that it has an effect only once. */
export interface CommandKey {
  readonly id: string
  /** Stands for the command's content: another one under the same id is refused. */
  readonly fingerprint: string
}

/**
 * All of it happens or nothing. A stream may be named once among the writes and
 * once among the conditions; one that is only among the conditions is checked
 * all the same.
 */
export interface Append {
  readonly writes: ReadonlyArray<Write>
  readonly conditions: ReadonlyArray<Condition>
  readonly command?: CommandKey
}

/** A stream that an append wrote or checked, and its version after it. */
export interface StreamVersion {
  readonly streamId: StreamId
  readonly version: number
}

/** What an append did. */
export interface Appended {
  /** The recorded events, in the order of the append's writes. */
  readonly events: ReadonlyArray<RecordedEvent>
  /** The streams of the append, each once: those written, then those only checked. */
  readonly streams: ReadonlyArray<StreamVersion>
  /** Whether its command id had been used before, so that this is the first result and nothing happened now. */
  readonly repeated: boolean
}

/** The part of a stream to read with {@link EventStore.readStreams}. */
export interface StreamRequest {
  readonly streamId: StreamId
  /** Leaves out events up to this version; 0 if not given. */
  readonly after?: number
}

/** A stream as it was at one moment. */
export interface StreamSlice {
  readonly streamId: StreamId
  readonly version: number
  /** The requested events, by version: what a fold needs of them. `readStream` gives all. */
  readonly events: ReadonlyArray<StreamEvent>
}

/** What {@link EventStore.readStreams} found in one snapshot of the store. */
export interface StreamsRead {
  /** A slice for each request, in the requests' order. */
  readonly streams: ReadonlyArray<StreamSlice>
  /** What an append with the given command did, if there was one. */
  readonly appended: Appended | undefined
}

/** Which events of a stream to read, and in which order. */
export interface StreamReadOptions {
  /** Reads only events beyond this version: above it forwards, below it backwards. */
  readonly after?: number
  readonly direction?: "forwards" | "backwards"
  readonly types?: ReadonlyArray<string>
  readonly limit?: number
}

/** Which events of the store to read, and in which order. */
export interface AllReadOptions {
  /** Reads only events beyond this position: above it forwards, below it backwards. */
  readonly after?: number
  /** Reads no event above this position. */
  readonly upTo?: number
  readonly direction?: "forwards" | "backwards"
  /** Only the streams of these aggregates; an empty list selects none. */
  readonly aggregates?: ReadonlyArray<string>
  /** Only events of these types; an empty list selects none. */
  readonly types?: ReadonlyArray<string>
  readonly limit?: number
}

/** The port to the log of events. */
export class EventStore extends Context.Service<
  EventStore,
  {
    /**
     * Appends atomically: every condition is checked, and either all events are
     * recorded or none. Positions grow in every stream with its versions. With
     * a command key that was used before, nothing happens and the first result
     * is returned, whatever the conditions. A store may be told to forget
     * command ids after a time; then the key is a new one.
     */
    readonly append: (
      append: Append
    ) => Effect.Effect<Appended, ConcurrencyConflict | CommandIdReused | EventStoreError>

    /**
     * Reads streams from one snapshot of the store, and in the same snapshot
     * looks up what a command's append did. A command id with another
     * fingerprint is an error.
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
     * horizon at its start: the highest position below which nothing can still
     * appear. A reader that goes on from the last position it saw misses
     * nothing, whatever commits late or rolls back.
     */
    readonly readAll: (options?: AllReadOptions) => Stream.Stream<RecordedEvent, EventStoreError>

    /**
     * The horizon: its present value at once, then each new one soon after an
     * append. A slow consumer skips values, never the latest. Never ends; fails
     * only for a reason that waiting does not cure.
     */
    readonly horizons: Stream.Stream<number, EventStoreError>
  }
>()("@hexfold/core/EventStore") {}
