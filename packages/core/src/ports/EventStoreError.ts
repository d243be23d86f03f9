/**
 * The failure of an event store that is no conflict: what was attempted, why it
 * failed, and the cause as it came, never turned into a text.
 */
import * as Schema from "effect/Schema"

const fields = { detail: Schema.String, cause: Schema.optionalKey(Schema.Defect()) }

/**
 * The store cannot be reached or gave the work up for a passing reason. Whether
 * an append that failed so has happened is unknown: repeat it with its command
 * id, or with an expectation that its own success would break.
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", fields) {}

/** The store did not answer in the time that it or its server allows. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", fields) {}

/** What is stored breaks an invariant of the store. */
export class Corrupt extends Schema.TaggedError<Corrupt>()("Corrupt", fields) {}

/** The request can never succeed as it is; nothing was written. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", fields) {}

/** None of the others. */
export class Unknown extends Schema.TaggedError<Unknown>()("Unknown", fields) {}

/** Why an operation of the store failed. */
export type Reason = Unavailable | Timeout | Corrupt | Rejected | Unknown

/**
 * An operation of the event store failed for `reason`.
 *
 * @example
 * ```ts
 * import { EventStoreError, Executor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, EventStoreError.EventStoreError>
 *
 * const patient = program.pipe(Effect.retry({ times: 3, while: (error) => error.isRetryable }))
 * ```
 */
export class EventStoreError extends Schema.TaggedError<EventStoreError>()("EventStoreError", {
  operation: Schema.Literals(["append", "readStreams", "readStream", "readAll", "changes", "open", "sweepCommands"]),
  reason: Schema.Union([Unavailable, Timeout, Corrupt, Rejected, Unknown]),
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
