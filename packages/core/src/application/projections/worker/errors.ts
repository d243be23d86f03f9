import * as Schema from "effect/Schema"
import { shortened } from "../../../domain/texts.ts"
import { changed } from "../../../domain/view/fingerprint.ts"

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
