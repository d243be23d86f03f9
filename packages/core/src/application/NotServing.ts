import * as Schema from "effect/Schema"

/** The records of a view could not be verified: this version does not answer its queries, or another build took over meanwhile. */
export class NotServing extends Schema.TaggedError<NotServing>()("NotServing", {
  view: Schema.String,
  version: Schema.Int,
  /** The build that was being verified. */
  build: Schema.optionalKey(Schema.Int),
  /** What serves, if anything does. */
  serving: Schema.optionalKey(Schema.Struct({ version: Schema.Int, build: Schema.Int }))
}) {
  override get message(): string {
    const { serving, version, view } = this
    const now = serving === undefined ? "nothing" : `version ${serving.version}, build ${serving.build}`
    return `${view}: version ${version} was to be verified, but ${now} serves`
  }
}
