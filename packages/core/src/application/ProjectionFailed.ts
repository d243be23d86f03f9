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
  eventVersion: Schema.Int,
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
    const { cause, eventVersion, position, step, stream, type, version, view } = this
    const event = `event ${eventVersion} of ${stream}, a "${type}" at position ${position}`
    return `${view}, version ${version}: ${step} failed for ${event}: ${String(cause)}`
  }
}
