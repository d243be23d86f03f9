import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { quote, shortened } from "../../domain/texts.ts"

/**
 * A recorded event does not match the schema of its type and version, or a step between versions gives something else
 * than a current event. The event is never skipped: whatever needs it fails.
 */
export class EventDecodeError extends Schema.TaggedError<EventDecodeError>()("EventDecodeError", {
  stream: Schema.String,
  /** The event's 1-based place in the stream. */
  version: Schema.Int,
  /** The event's position in the log, if it was read from the log. */
  position: Schema.optionalKey(Schema.Int),
  type: Schema.String,
  /** What does not match, as text. */
  detail: Schema.String,
  /** The `SchemaError`, or what a step between versions has thrown. */
  cause: Schema.optionalKey(Schema.Defect())
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "program" {
    return "program"
  }

  override get message(): string {
    return `event ${this.version} of ${this.stream}, a "${this.type}": ${this.detail}`
  }
}

/**
 * A newer program has recorded an event that this one does not know: its type is neither declared nor retired, or its
 * version is higher than the highest that this program can read. Nothing goes past such an event. The same operation
 * succeeds in a process of the newer program, so it may be tried again during a deployment.
 */
export class UnknownEvent extends Schema.TaggedError<UnknownEvent>()("UnknownEvent", {
  stream: Schema.String,
  /** The event's 1-based place in the stream. */
  version: Schema.Int,
  /** The event's position in the log, if it was read from the log. */
  position: Schema.optionalKey(Schema.Int),
  type: Schema.String,
  /** The version of the schema with which the event was written. */
  schemaVersion: Schema.Int,
  /** The highest version of the type that this program can read; without it, the program does not know the type. */
  known: Schema.optionalKey(Schema.Int)
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  /** Another process may know the event. */
  get isRetryable(): true {
    return true
  }

  override get message(): string {
    const { known, schemaVersion, stream, type, version } = this
    const why = known === undefined ? "does not know this type" : `knows its versions up to ${known}`
    return `event ${version} of ${stream}, a "${type}" of version ${schemaVersion}: this program ${why}; a newer one has recorded it`
  }
}

/**
 * A moment that lies ahead was asked for as if it were past: what the log has until then may still change. With
 * `settled`, the log has drawn the position, and an append that began before it has not ended: try again.
 */
export class MomentNotReached extends Schema.TaggedError<MomentNotReached>()("MomentNotReached", {
  /** The time that was asked for. */
  time: Schema.optionalKey(Schema.DateTimeUtc),
  /** The position that was asked for. */
  position: Schema.optionalKey(Schema.Int),
  /** The last position that the log has drawn. */
  drawn: Schema.optionalKey(Schema.Int),
  /** The last position below which no event can appear any more. */
  settled: Schema.optionalKey(Schema.Int),
  /** The stream whose version was asked for. */
  stream: Schema.optionalKey(Schema.String),
  /** The version that was asked for. */
  version: Schema.optionalKey(Schema.Int),
  /** The version that the stream has. */
  present: Schema.optionalKey(Schema.Int)
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "caller" {
    return "caller"
  }

  /** An append that is under way ends soon. */
  get isRetryable(): boolean {
    return this.settled !== undefined
  }

  override get message(): string {
    const { drawn, position, present, settled, stream, time, version } = this
    if (time !== undefined) return `the time ${DateTime.formatIso(time)} lies in the future`
    if (version !== undefined) return `${stream} has no version ${version} yet: it is at version ${present}`
    return settled === undefined
      ? `the log has no position ${position} yet: the last one is ${drawn}`
      : `events may still appear up to position ${position}: an append under way has held the log back at ${settled} for 10 seconds`
  }
}

/**
 * A field of the metadata of an event does not match the schema of its version, or a step between versions throws or
 * gives something else than a value of the field.
 */
export class MetadataDecodeError extends Schema.TaggedError<MetadataDecodeError>()("MetadataDecodeError", {
  field: Schema.String,
  /** The version of the schema with which the value was written. */
  schemaVersion: Schema.Int,
  /** What does not match, as text. */
  detail: Schema.String,
  /** The `SchemaError`, or what a step between versions has thrown. */
  cause: Schema.Defect()
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "program" {
    return "program"
  }

  override get message(): string {
    return `version ${this.schemaVersion} of the metadata ${quote(this.field)}: ${this.detail}`
  }
}

/**
 * A newer program has written a version of a field of the metadata that is higher than the highest that this one can
 * read. A view whose handler throws it waits for a process of the newer program, as before an {@link UnknownEvent}.
 */
export class UnknownMetadata extends Schema.TaggedError<UnknownMetadata>()("UnknownMetadata", {
  field: Schema.String,
  /** The version of the schema with which the value was written. */
  schemaVersion: Schema.Int,
  /** The highest version that this program can read. */
  known: Schema.Int
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  /** Another process may know the version. */
  get isRetryable(): true {
    return true
  }

  override get message(): string {
    const { field, known, schemaVersion } = this
    return (
      `version ${schemaVersion} of the metadata ${quote(field)}: this program knows its versions up to ${known}; ` +
      `a newer one has written it`
    )
  }
}

/** Why a field of the metadata cannot be read. */
export type MetadataReadError = MetadataDecodeError | UnknownMetadata

/** Why a recorded event cannot be read. */
export type EventReadError = EventDecodeError | UnknownEvent

/**
 * What the program decided cannot be carried out: an event that breaks its
 * schema, or participants of a boundary that cannot be named from the states. Or a
 * step from a former version of a command has thrown. Nothing was written.
 */
export class InvalidDecision extends Schema.TaggedError<InvalidDecision>()("InvalidDecision", {
  /** The aggregate or the boundary. */
  target: Schema.String,
  /** What is wrong, with its path. */
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "program" {
    return "program"
  }

  override get message(): string {
    return `${this.target}: ${this.detail}`
  }
}
