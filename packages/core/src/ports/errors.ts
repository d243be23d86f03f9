/** The errors of the ports. Each says what was attempted and keeps the cause. */
import * as Schema from "effect/Schema"
import type * as Expectation from "./Expectation.ts"
import * as Reason from "./Reason.ts"

/**
 * A stream was not at the version that an append expected; nothing of the
 * append was written.
 */
export class ConcurrencyConflict extends Schema.TaggedError<ConcurrencyConflict>()("ConcurrencyConflict", {
  /** The stream that failed its check, the first in stream-id order if several did. */
  stream: Schema.String,
  expected: Schema.Union([
    Schema.TaggedStruct("Any", {}),
    Schema.TaggedStruct("NoStream", {}),
    Schema.TaggedStruct("StreamExists", {}),
    Schema.TaggedStruct("Exactly", { version: Schema.Int })
  ]),
  /** The stream's version at the check; 0 if it had no event. */
  actual: Schema.Int,
  /** How often the append was tried: 1 from a store, more from an executor that gave up. */
  attempts: Schema.Int
}) {
  override get message(): string {
    return `${this.stream}: expected ${describe(this.expected)}, but it is at version ${this.actual} (attempts: ${this.attempts})`
  }
}

const describe = (expected: Expectation.Expectation): string =>
  expected._tag === "Exactly" ? `version ${expected.version}` : expected._tag

/**
 * A command id came again with another content than the first time; nothing was
 * written.
 */
export class CommandIdReused extends Schema.TaggedError<CommandIdReused>()("CommandIdReused", {
  commandId: Schema.String,
  /** The content's fingerprint, as stored with the first one. */
  stored: Schema.String,
  /** The fingerprint that came now. */
  given: Schema.String
}) {
  override get message(): string {
    return `the command id ${this.commandId} was used before for another command`
  }
}

/**
 * An operation of the event store failed for `reason`.
 *
 * @example
 * ```ts
 * import { EventStoreError, Executor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, EventStoreError>
 *
 * const patient = program.pipe(Effect.retry({ times: 3, while: (error) => error.isRetryable }))
 * ```
 */
export class EventStoreError extends Schema.TaggedError<EventStoreError>()("EventStoreError", {
  operation: Schema.Literals(["append", "readStreams", "readStream", "readAll", "horizons", "open", "maintenance"]),
  reason: Reason.schema,
  /** Set by an executor: the streams of the command, */
  streams: Schema.optionalKey(Schema.Array(Schema.String)),
  /** and how often it was tried. */
  attempts: Schema.optionalKey(Schema.Int)
}) {
  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return this.reason._tag === "Unavailable" || this.reason._tag === "Timeout"
  }

  override get message(): string {
    const place = this.streams === undefined ? "" : ` (${this.streams.join(", ")}; attempts: ${this.attempts ?? 1})`
    return `${this.operation}: ${this.reason.detail}${place}`
  }
}

/** An operation of the store, as an error names it. */
export type Operation = EventStoreError["operation"]

/** An operation of the view store failed for `reason`, which is one of those of an event store. */
export class ViewStoreError extends Schema.TaggedError<ViewStoreError>()("ViewStoreError", {
  operation: Schema.Literals(["open", "claim", "commit", "load", "query", "deadLetters", "status"]),
  view: Schema.optionalKey(Schema.String),
  reason: Reason.schema
}) {
  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return this.reason._tag === "Unavailable" || this.reason._tag === "Timeout"
  }

  override get message(): string {
    return `${this.operation}${this.view === undefined ? "" : ` of ${this.view}`}: ${this.reason.detail}`
  }
}

const place = Schema.Struct({ epoch: Schema.Int, position: Schema.Int })

/**
 * A commit came from a projection that is no longer the owner of its view, or
 * did not begin where the view stands, or went by dead letters that are gone. It has
 * changed nothing.
 */
export class CommitConflict extends Schema.TaggedError<CommitConflict>()("CommitConflict", {
  view: Schema.String,
  version: Schema.Int,
  /** What the projection went by, */
  expected: place,
  /** and what the store has. */
  actual: place
}) {
  override get message(): string {
    const { actual, expected } = this
    const at = ({ epoch, position }: typeof expected) => `position ${position} in epoch ${epoch}`
    const { epoch, position } = expected
    if (actual.epoch === epoch && actual.position === position) {
      return `${this.view}, version ${this.version}: other events are parked than those expected`
    }
    return `${this.view}, version ${this.version}: expected ${at(expected)}, but it is at ${at(actual)}`
  }
}
