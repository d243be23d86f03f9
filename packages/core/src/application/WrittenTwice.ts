import * as Schema from "effect/Schema"

/** A decision wrote to one stream through several roles; nothing was written. */
export class WrittenTwice extends Schema.TaggedError<WrittenTwice>()("WrittenTwice", {
  boundary: Schema.String,
  stream: Schema.String,
  /** The roles that the stream plays and for which there were events. */
  roles: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.boundary}: ${this.stream} has events as ${this.roles.join(" and as ")}`
  }
}
