import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/**
 * A view did not reach a position in the time allowed. Where a command was
 * executed before the wait, the command has happened, and `receipt` is its
 * receipt: do not execute it again without a command id. To go on waiting, call
 * `Projection.waitUntil` with `wanted`.
 */
export class WaitTimeout<out Receipt = unknown> extends Schema.TaggedError<WaitTimeout<unknown>>()("WaitTimeout", {
  /** The first view of those waited for that is late. */
  view: Schema.String,
  /** The position that the view should have reached. */
  wanted: Schema.Int,
  /** The position that the view had reached when it was last seen; 0 if it has no records yet. */
  reached: Schema.Int,
  /** How long the wait lasted. */
  waited: Schema.Duration,
  /** Whether a projection owned the view when it was last seen. If none did, nobody works on the view. */
  hasOwner: Schema.Boolean,
  /** The receipt of the command that happened before the wait; undefined after `Projection.waitUntil`. */
  receipt: Schema.Unknown
}) {
  // The schema cannot have a type parameter.
  declare readonly receipt: Receipt

  get "~hexfold/concern"(): "operator" {
    return "operator"
  }

  override get message(): string {
    const { hasOwner, reached, receipt, view, waited, wanted } = this
    const late = `${view} has reached position ${reached}, not yet ${wanted}, after ${Duration.format(waited)}`
    const why = hasOwner ? "" : `; nobody works on it: is Projection.layer([${view}]) running?`
    return receipt === undefined ? `${late}${why}` : `the command has happened, but ${late}${why}`
  }
}
