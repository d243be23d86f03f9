/** What a view is, as types: the definition that `View.make` gives, and what is known of an event. */
import type * as DateTime from "effect/DateTime"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { InvalidKey } from "../errors.ts"
import type { Metadata } from "../metadata.ts"
import type { Declared } from "../storedTypes.ts"
import type { Follows } from "./follows.ts"
import type * as StreamId from "../StreamId.ts"
import type { Tagged } from "../tagged.ts"

/** What the store knows about an event besides its content. */
export interface Envelope<out Name extends string, out Id> {
  /** The name of the event's aggregate or topic. */
  readonly aggregate: Name
  /** The id of the event's aggregate, or the key of the event in its topic. */
  readonly id: Id
  readonly streamId: StreamId.StreamId
  readonly eventId: string
  /** The event's place in its stream, from 1 on. */
  readonly version: number
  /** The event's place among all events of the store. */
  readonly position: number
  /** The event's place, from 0 on, among the current events that the stored event has become. It is 0 unless it has become several. */
  readonly part: number
  /** When the store recorded it. */
  readonly recordedAt: DateTime.Utc
  readonly metadata: Metadata
}

/** What every view has, as a constraint for functions that accept them all. */
export interface Any {
  readonly name: string
  /** The generation of its records. */
  readonly version: number
  readonly schemas: {
    /** The schema of a record's state. */
    readonly state: Schema.Codec<unknown, unknown>
  }
  /** The aggregates and topics whose events it follows. */
  readonly sources: ReadonlyArray<Source>
  /** The tags of the events that it has handlers for. */
  readonly types: ReadonlyArray<string>
  /** The recorded events that it is given, by the types under which they are stored. */
  readonly follows: Follows
  /** The fields of the state by which records are looked up. */
  readonly indexes: ReadonlyArray<Index>
  /**
   * Identifies the definition, as far as it can be told from data: the sources and the
   * events of each that have a handler, the JSON of the state, the kind of keys, and the
   * indexes. It is the same in every process of one program. What functions do, names of
   * schemas and their documentation do not count, nor does the order of declarations.
   */
  readonly fingerprint: string
  readonly consistency: Consistency
  readonly onPoison: OnPoison
  /**
   * What makes the key of a record: the text of the id of the aggregate, its whole stream id, the place of one event,
   * or a function of the view's own.
   */
  readonly keys: "id" | "stream" | "event" | "own"
  /** True if all events that touch a record are of one stream. */
  readonly perStream: boolean
  /** Whether it has a handler for events with this tag. */
  readonly handles: (tag: string) => boolean
  readonly keysOf: (event: never, envelope: never) => Result.Result<ReadonlyArray<string>, InvalidKey>
  readonly evolve: (state: never, event: never, envelope: never) => unknown
}

/** A read model with a name, made by `View.make`. */
export interface View<
  Name extends string,
  State,
  Event extends Tagged,
  In extends Envelope<string, unknown>
> extends Any {
  readonly name: Name
  readonly schemas: { readonly state: Schema.Codec<State, unknown> }
  /** The keys of the records that an event touches, each once. An event without a handler touches none. */
  readonly keysOf: (event: Event, envelope: In) => Result.Result<ReadonlyArray<string>, InvalidKey>
  /** The state of a record after an event; `undefined` stands for no record. */
  readonly evolve: (state: State | undefined, event: Event, envelope: In) => State | undefined
}

/** What a view reads from, as a constraint that every aggregate and every topic meets. */
export interface Source extends Declared {
  readonly streamId: (id: never) => StreamId.StreamId
  readonly idOf: (streamId: StreamId.StreamId) => Option.Option<unknown>
}

/**
 * What applies events to a view. With `async` a projection does, soon after the
 * events are committed. With `inline` the append does, in its own transaction.
 * A store needs the definition of an inline view. If it does not have it, the
 * view's projection fails with a `ViewStoreError`. A view in several parts stays
 * async.
 */
export type Consistency = "async" | "inline"

/**
 * What a projection does with an event that cannot be applied. With `stop` it
 * stops before the event. With `skip` it leaves a dead letter. With `park` it
 * keeps the event and all later events of the same key until they are retried.
 */
export type OnPoison = "stop" | "skip" | "park"

/** The path to a field of the state, its names joined by dots, or several such paths. */
export type Index = string | ReadonlyArray<string>
