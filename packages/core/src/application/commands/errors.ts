import * as Schema from "effect/Schema"

/** What came from outside is no command of the aggregate, or no id of it; nothing was executed. */
export class InvalidCommand extends Schema.TaggedError<InvalidCommand>()("InvalidCommand", {
  aggregate: Schema.String,
  part: Schema.Literals(["id", "command"]),
  /** What does not match, as text. */
  detail: Schema.String,
  /** The `SchemaError`, if the kind of command is known. */
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `${this.aggregate}: not a valid ${this.part}: ${this.detail}`
  }
}

/** A command would read more streams than its boundary allows; nothing was written. */
export class TooManyParticipants extends Schema.TaggedError<TooManyParticipants>()("TooManyParticipants", {
  boundary: Schema.String,
  limit: Schema.Int,
  /** How many streams were named when the limit was passed. */
  found: Schema.Int
}) {
  override get message(): string {
    return `${this.boundary}: ${this.found} streams take part, at most ${this.limit} may`
  }
}

/** A decision wrote to one stream through several roles; nothing was written. */
export class StreamWrittenTwice extends Schema.TaggedError<StreamWrittenTwice>()("StreamWrittenTwice", {
  boundary: Schema.String,
  stream: Schema.String,
  /** The roles that the stream plays and for which there were events. */
  roles: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.boundary}: ${this.stream} has events as ${this.roles.join(" and as ")}`
  }
}
