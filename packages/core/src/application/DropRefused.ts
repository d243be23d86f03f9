import * as Schema from "effect/Schema"

/** A generation of a view was not dropped, because it answers the queries or a projection owns it. */
export class DropRefused extends Schema.TaggedError<DropRefused>()("DropRefused", {
  view: Schema.String,
  version: Schema.Int,
  build: Schema.Int,
  reason: Schema.Literals(["Serves", "Owned"]),
  /** Who owns it, if that was told. */
  owner: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const { build, owner = "a projection", reason, version, view } = this
    return `${view}, version ${version}, build ${build}: ${reason === "Serves" ? "serves" : `${owner} owns it`}`
  }
}
