/**
 * The errors of the ports. Each says what was attempted and keeps the cause.
 *
 * Every technical error of a command, here and in the wings, has the property
 * `~hexfold/concern`, which says who can mend it. Errors of a domain do not have
 * it, whatever their tags. It also works for errors made by another copy of
 * this package.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { shortened } from "../domain/texts.ts"
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
  /** How often the append was tried: 1 if a store reports it, more if an executor gave up. */
  attempts: Schema.Int
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  override get message(): string {
    return `${this.stream}: expected ${describe(this.expected)}, but it is at version ${this.actual} (attempts: ${this.attempts})`
  }
}

const describe = (expected: Expectation.Expectation): string =>
  expected._tag === "Exactly" ? `version ${expected.version}` : expected._tag

/**
 * A stream was not at the version that the caller of a command requires; nothing
 * was written. Trying again does not help: the caller has seen another state than
 * the present one. It is an answer to the caller like an error of the domain, so
 * it is not a technical error.
 */
export class VersionConflict extends Schema.TaggedError<VersionConflict>()("VersionConflict", {
  stream: Schema.String,
  /** The version that the caller requires. */
  expected: Schema.Number,
  /** The stream's version; 0 if it has no event. */
  actual: Schema.Int
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    return `${this.stream}: version ${this.expected} is required, but it is at version ${this.actual}`
  }
}

/**
 * A command id was used again, but for another command than the first time;
 * nothing was written.
 */
export class CommandIdReused extends Schema.TaggedError<CommandIdReused>()("CommandIdReused", {
  commandId: Schema.String,
  /** The fingerprint of the first command, as the store has it. */
  stored: Schema.String,
  /** The fingerprint of the command that was refused. */
  given: Schema.String
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "caller" {
    return "caller"
  }

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
  operation: Schema.Literals([
    "append",
    "readStreams",
    "readStream",
    "readAll",
    "horizons",
    "list",
    "transfer",
    "open",
    "maintenance"
  ]),
  reason: Reason.schema,
  /** The streams of the command; set by an executor. */
  streams: Schema.optionalKey(Schema.Array(Schema.String)),
  /** How often the command was tried; set by an executor. */
  attempts: Schema.optionalKey(Schema.Int)
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return Reason.isRetryable(this.reason)
  }

  override get message(): string {
    const place = this.streams === undefined ? "" : ` (${listed(this.streams)}; attempts: ${this.attempts ?? 1})`
    return `${this.operation}: ${this.reason.detail}${place}`
  }
}

const listed = (streams: ReadonlyArray<string>): string =>
  streams.length > mostNamed
    ? `${streams.slice(0, mostNamed).join(", ")} and ${streams.length - mostNamed} more`
    : streams.join(", ")

const mostNamed = 10

/** An operation of the store, as an error names it. */
export type Operation = EventStoreError["operation"]

/** An operation of the view store failed for `reason`. */
export class ViewStoreError extends Schema.TaggedError<ViewStoreError>()("ViewStoreError", {
  operation: Schema.Literals(["open", "claim", "commit", "drop", "load", "query", "deadLetters", "status"]),
  view: Schema.optionalKey(Schema.String),
  reason: Reason.schema
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return Reason.isRetryable(this.reason)
  }

  override get message(): string {
    return `${this.operation}${this.view === undefined ? "" : ` of ${this.view}`}: ${this.reason.detail}`
  }
}

/**
 * An operation of the snapshot store failed for `reason`. No command fails with it:
 * without a snapshot the whole stream is read.
 */
export class SnapshotStoreError extends Schema.TaggedError<SnapshotStoreError>()("SnapshotStoreError", {
  operation: Schema.Literals(["open", "load", "save", "remove"]),
  reason: Reason.schema
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return Reason.isRetryable(this.reason)
  }

  override get message(): string {
    return `${this.operation} of snapshots: ${this.reason.detail}`
  }
}

/** A message was not taken, for `reason`. The receiver may have it all the same, unless the reason is `Rejected`. */
export class PublishError extends Schema.TaggedError<PublishError>()("PublishError", {
  /** The name of the publication. */
  publication: Schema.String,
  messageId: Schema.String,
  reason: Reason.schema,
  /** The code of the receiver's answer, if there was one: the status of HTTP, or the error code of JetStream. */
  code: Schema.optionalKey(Schema.Int),
  /** How often it was tried to send the message in this call. 0 if it is not valid. */
  attempts: Schema.Int,
  /** How long the receiver wants to be left alone, if it has said so. */
  retryAfter: Schema.optionalKey(Schema.Duration)
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  /** Whether the same message may be taken later. */
  get isRetryable(): boolean {
    return Reason.isRetryable(this.reason)
  }

  override get message(): string {
    const { attempts, messageId, publication, reason, retryAfter } = this
    const later = retryAfter === undefined ? "" : `; not before ${Duration.format(retryAfter)}`
    return `message ${messageId} of ${publication}: ${reason.detail} (attempts: ${attempts}${later})`
  }
}

/**
 * The records of this version of a view cannot be read, because they are not what the
 * events say, or not yet. Another version's records are never read instead.
 *
 * It is not cured by trying again soon, but by the projection of this version.
 */
export class NotServing extends Schema.TaggedError<NotServing>()("NotServing", {
  view: Schema.String,
  version: Schema.Number,
  /** The build that was asked for, if it was one of several. */
  build: Schema.optionalKey(Schema.Int),
  /**
   * `unbuilt`: no projection of this version has ever begun. `building`: it has not caught
   * up yet, since it began, or since another version was used in its place. `left`: no
   * projection of this version works, another version is used in its place, and events
   * have come since. `replaced`: another build of this version answers now.
   */
  reason: Schema.Literals(["unbuilt", "building", "left", "replaced"]),
  /** The position that the records have reached, if there are any. */
  position: Schema.optionalKey(Schema.Int),
  /** The number of positions that were drawn after it. At most so many events are not applied yet. */
  lag: Schema.optionalKey(Schema.Int)
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  override get message(): string {
    const { build, lag, position, reason, version, view } = this
    const name = `${view}, version ${version}${build === undefined || build === 1 ? "" : `, build ${build}`}`
    const reached = position === undefined ? "" : ` It has reached position ${position}`
    const left = lag === undefined ? "" : `, ${lag} before the last one`
    return `${name} does not answer: ${whysNotServing[reason](view)}${reached}${left}`
  }
}

const whysNotServing = {
  unbuilt: (view: string) => `no projection has begun to build this version. Is Projection.layer([${view}]) running?`,
  building: () => "it is being built, and has not caught up with the events yet.",
  left: (view: string) =>
    `no projection works on this version any more, and another version is used. Is Projection.layer([${view}]) running?`,
  replaced: () => "another build of this version answers now."
}

const place = Schema.Struct({ epoch: Schema.Int, position: Schema.Int })

/**
 * The view store refused a commit and changed nothing. The projection no longer
 * owns its view, or its commit did not begin at the view's position, or it
 * relied on dead letters that no longer exist.
 */
export class CommitConflict extends Schema.TaggedError<CommitConflict>()("CommitConflict", {
  view: Schema.String,
  version: Schema.Int,
  /** The epoch and position that the projection relied on. */
  expected: place,
  /** The epoch and position in the store. */
  actual: place
}) {
  static {
    shortened(this)
  }

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

/**
 * A view did not reach a position in the time allowed, or cannot reach it as
 * things are: then the wait has ended before its time, and `reason` says why. Where a
 * command was executed before the wait, the command has happened, and `receipt` is
 * its receipt: do not execute it again without a command id. To go on waiting, call
 * `Projection.waitUntil` with `wanted`.
 */
export class WaitTimeout<out Receipt = unknown> extends Schema.TaggedError<WaitTimeout<unknown>>()("WaitTimeout", {
  /** The first view of those waited for that is late. */
  view: Schema.String,
  /** The position that the view should have reached. */
  wanted: Schema.Int,
  /**
   * The position that the view had reached when it was last seen; 0 if it has no records yet. If it is not below
   * `wanted`, the view has the events, but this version of it does not answer queries yet.
   */
  reached: Schema.Int,
  /** How long the wait lasted. */
  waited: Schema.Duration,
  /**
   * What was seen of the view last. `late`: a projection works on it. `unowned`: no
   * projection owns it, or one of its parts. `unbuilt`: no projection has ever begun
   * to build it. `stopped`: the event `stoppedBy` stopped it. `no answer`: the view
   * store has not answered.
   */
  reason: Schema.Literals(["late", "unowned", "unbuilt", "stopped", "no answer"]),
  /** The event that stopped the view, and what happened. */
  stoppedBy: Schema.optionalKey(
    Schema.Struct({
      position: Schema.Int,
      stream: Schema.String,
      streamVersion: Schema.Int,
      type: Schema.String,
      cause: Schema.String
    })
  ),
  /** The receipt of the command that happened before the wait; undefined after `Projection.waitUntil`. */
  receipt: Schema.Unknown
}) {
  static {
    shortened(this)
  }

  // The schema cannot have a type parameter.
  declare readonly receipt: Receipt

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  override get message(): string {
    const { reached, reason, receipt, view, waited, wanted } = this
    const after = Duration.isZero(waited) ? "" : `, after ${Duration.format(waited)}`
    const late =
      reason === "no answer"
        ? `the view store has not said within ${Duration.format(waited)} whether ${view} has reached position ${wanted}`
        : `${view} has reached position ${reached}, ${reached < wanted ? `not yet ${wanted}` : "but does not answer queries yet"}${after}${whys[reason](this)}`
    return receipt === undefined ? late : `the command has happened, but ${late}`
  }
}

const unowned = ({ view }: WaitTimeout) => `; nobody works on it: is Projection.layer([${view}]) running?`

const whys = {
  late: () => "",
  unowned,
  unbuilt: unowned,
  stopped: ({ stoppedBy }: WaitTimeout) => {
    if (stoppedBy === undefined) return "; an event stopped it: see ProjectionMonitor.status"
    const { cause, position, stream, streamVersion, type } = stoppedBy
    return `; event ${streamVersion} of ${stream}, a "${type}" at position ${position}, stopped it: ${cause}`
  }
}
