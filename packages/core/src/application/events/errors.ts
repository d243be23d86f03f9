import * as Schema from "effect/Schema"
import { shortened } from "../../domain/texts.ts"

/**
 * A recorded event does not match the schema of its type, or the aggregate has
 * no event of that type. The event is never skipped: whatever needs it fails.
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
  /** The `SchemaError`, if the type is known. */
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
 * What the program decided cannot be carried out: an event that breaks its
 * schema, or participants of a boundary that cannot be named from the states.
 * Nothing was written.
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
