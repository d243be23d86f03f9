import * as Schema from "effect/Schema"
import { quote, shortened } from "../../domain/texts.ts"

/**
 * An id or a command, or an event that is published or its key, does not match its
 * schema, or is one that no store keeps, such as an id with NUL; or the time of a
 * deadline is one that no calendar has. Nothing was written.
 * It may have come from outside as JSON, or satisfy its TypeScript type and break a
 * check of its schema, like 1.5 for a `Schema.Int`.
 */
export class InvalidCommand extends Schema.TaggedError<InvalidCommand>()("InvalidCommand", {
  /** The aggregate, the boundary or the topic. */
  target: Schema.String,
  part: Schema.Literals(["id", "command", "commandId", "key", "event", "time"]),
  /** What does not match, with its path. */
  detail: Schema.String,
  /** The `SchemaError`, if the kind of command or event is known. */
  cause: Schema.optionalKey(Schema.Defect())
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "caller" {
    return "caller"
  }

  override get message(): string {
    return `${this.target}: not a valid ${this.part === "commandId" ? "command id" : this.part}: ${this.detail}`
  }
}

/**
 * A client has sent a version of a command that is higher than the highest that this program can read; nothing was
 * written. The same command succeeds in a process of the newer program, so it may be tried again during a deployment.
 */
export class UnknownCommandVersion extends Schema.TaggedError<UnknownCommandVersion>()("UnknownCommandVersion", {
  /** The aggregate or the boundary. */
  target: Schema.String,
  /** The tag of the command. */
  command: Schema.String,
  /** The version that the client has sent. */
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
    const { command, known, schemaVersion, target } = this
    return (
      `${target}: version ${schemaVersion} of the command ${quote(command)}: this program knows its versions up to ` +
      `${known}; a newer client has sent it`
    )
  }
}

/** A command would read more streams than its boundary allows; nothing was written. */
export class TooManyParticipants extends Schema.TaggedError<TooManyParticipants>()("TooManyParticipants", {
  boundary: Schema.String,
  limit: Schema.Int,
  /** How many streams had been named when the limit was passed. */
  found: Schema.Int
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "program" {
    return "program"
  }

  override get message(): string {
    return `${this.boundary}: ${this.found} streams take part, but at most ${this.limit} may`
  }
}

/** A decision wrote to one stream through several roles; nothing was written. */
export class StreamWrittenTwice extends Schema.TaggedError<StreamWrittenTwice>()("StreamWrittenTwice", {
  boundary: Schema.String,
  stream: Schema.String,
  /** The roles that the stream plays and for which there were events. */
  roles: Schema.Array(Schema.String)
}) {
  static {
    shortened(this)
  }

  get "~hexfold/concern"(): "program" {
    return "program"
  }

  override get message(): string {
    return `${this.boundary}: ${this.stream} has events as ${this.roles.join(" and as ")}`
  }
}
