import * as Schema from "effect/Schema"
import { quote, shortened, thrownText } from "../../domain/texts.ts"
import { changed } from "../../domain/view/fingerprint.ts"

/**
 * An event stopped a projection. All earlier events of the view are in its
 * records; this event is in none of them.
 */
export class ProjectionFailed extends Schema.TaggedError<ProjectionFailed>()("ProjectionFailed", {
  view: Schema.String,
  /** The version of the view. */
  version: Schema.Int,
  stream: Schema.String,
  /** The event's version in its stream. */
  streamVersion: Schema.Int,
  /** The event's position in the log. */
  position: Schema.Int,
  type: Schema.String,
  /** Which of the current events failed that the stored event has become, from 0 on, if it has become several. */
  part: Schema.optionalKey(Schema.Int),
  /**
   * The step that failed: `unknown` for an event of a newer program, for which the view waits; `decode` the event, find its keys with `key`, `load` a
   * record that it touches, call the handler in `evolve`, or `encode` the state
   * that the handler returned.
   */
  step: Schema.Literals(["unknown", "decode", "key", "load", "evolve", "encode"]),
  /** The error of that step. */
  cause: Schema.Defect()
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    const { cause, part, streamVersion, position, step, stream, type, version, view } = this
    const which = part === undefined ? "" : `part ${part} of `
    const event = `${which}event ${streamVersion} of ${stream}, a "${type}" at position ${position}`
    return `${view}, version ${version}: ${step} failed for ${event}: ${thrownText(cause)}`
  }
}

/**
 * A record does not match the schema of the view's state, because another
 * definition of the view wrote it. Reading never skips such a record: it fails.
 */
export class RecordDecodeError extends Schema.TaggedError<RecordDecodeError>()("RecordDecodeError", {
  view: Schema.String,
  key: Schema.String,
  /** The `SchemaError`. */
  cause: Schema.Defect()
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    return `record ${quote(this.key)} of ${this.view}: ${thrownText(this.cause)}`
  }
}

/**
 * Another definition of the same version has made the records of a view. A projection
 * neither goes on with them nor compares them with its own definition. Raise the version
 * of the view, or build the records anew with `Projection.rebuild`.
 */
export class DefinitionDiffers extends Schema.TaggedError<DefinitionDiffers>()("DefinitionDiffers", {
  view: Schema.String,
  version: Schema.Int,
  /** The fingerprint of the definition that has made the records. */
  stored: Schema.String,
  /** The fingerprint of the definition in this process, as in `View.fingerprint`. */
  own: Schema.String
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    const { own, stored, version, view } = this
    const parts = changed(stored, own)
    const what = `${parts.slice(0, -1).join(", ")}${parts.length > 1 ? " and " : ""}${parts.at(-1)}`
    return (
      `${view}, version ${version}: another definition of this version has made the records; it differs in ${what}. ` +
      `Raise the version of the view, or build the records anew with Projection.rebuild`
    )
  }
}
