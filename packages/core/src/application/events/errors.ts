import * as Schema from "effect/Schema"

/**
 * A recorded event does not match the schema of its type, or no event of the
 * aggregate has that type. It is never skipped: what depends on it fails.
 */
export class EventDecodeError extends Schema.TaggedError<EventDecodeError>()("EventDecodeError", {
  stream: Schema.String,
  version: Schema.Int,
  type: Schema.String,
  /** What does not match, as text. */
  detail: Schema.String,
  /** The `SchemaError`, if the type is known. */
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `event ${this.version} of ${this.stream}, a "${this.type}": ${this.detail}`
  }
}
