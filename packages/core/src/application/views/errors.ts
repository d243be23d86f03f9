import * as Schema from "effect/Schema"

/**
 * A projection cannot go beyond an event. All events before it are in the
 * view's records, and nothing of it is.
 */
export class ProjectionFailed extends Schema.TaggedError<ProjectionFailed>()("ProjectionFailed", {
  view: Schema.String,
  /** The generation of the view. */
  version: Schema.Int,
  stream: Schema.String,
  /** The event's place in its stream, */
  streamVersion: Schema.Int,
  /** and among all events. */
  position: Schema.Int,
  type: Schema.String,
  /**
   * What failed: to decode the event, to find its keys, to decode a record that
   * it touches, the view's handler, or to encode the state that this returned.
   */
  step: Schema.Literals(["decode", "key", "load", "evolve", "encode"]),
  /** The error as it came. */
  cause: Schema.Defect()
}) {
  override get message(): string {
    const { cause, streamVersion, position, step, stream, type, version, view } = this
    const event = `event ${streamVersion} of ${stream}, a "${type}" at position ${position}`
    return `${view}, version ${version}: ${step} failed for ${event}: ${String(cause)}`
  }
}

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
