import * as Schema from "effect/Schema"

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
