import * as Schema from "effect/Schema"

/**
 * A record of a view does not match the schema of the view's state: another
 * version of the view wrote it. It is never skipped: what asks for it fails.
 */
export class RecordDecodeError extends Schema.TaggedError<RecordDecodeError>()("RecordDecodeError", {
  view: Schema.String,
  key: Schema.String,
  /** The `SchemaError`. */
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `record "${this.key}" of ${this.view}: ${String(this.cause)}`
  }
}
