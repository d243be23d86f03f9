import * as Schema from "effect/Schema"

/** A rebuild can no longer serve: a later build or version of the view does. What it has built stays until it is dropped. */
export class RebuildOvertaken extends Schema.TaggedError<RebuildOvertaken>()("RebuildOvertaken", {
  view: Schema.String,
  /** What it was to build, */
  version: Schema.Int,
  build: Schema.Int,
  /** and what serves. */
  serving: Schema.Struct({ version: Schema.Int, build: Schema.Int })
}) {
  override get message(): string {
    const { build, serving, version, view } = this
    return `${view}, version ${version}, build ${build}: version ${serving.version}, build ${serving.build} serves`
  }
}
