import * as Schema from "effect/Schema"
import * as Duration from "effect/Duration"

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

const Failure = Schema.Struct({
  position: Schema.Int,
  stream: Schema.String,
  streamVersion: Schema.Int,
  type: Schema.String,
  error: Schema.optionalKey(Schema.Struct({ step: Schema.String, cause: Schema.String })),
  at: Schema.DateTimeUtc
})

const View = Schema.Struct({
  view: Schema.String,
  version: Schema.Int,
  /** It was stopped by an event, or its oldest event waits for too long. */
  reason: Schema.Literals(["failed", "late"]),
  behind: Schema.Int,
  /** Of the oldest event that is not applied yet. */
  age: Schema.Duration,
  /** The event that stopped it. */
  failure: Schema.optionalKey(Failure)
})

/** Some views are not well; it names each and tells why. */
export class Unhealthy extends Schema.TaggedError<Unhealthy>()("Unhealthy", {
  views: Schema.Array(View)
}) {
  override get message(): string {
    return this.views.map(describe).join("; ")
  }
}

const describe = ({ age, behind, failure, version, view }: typeof View.Type): string => {
  const name = `${view}, version ${version}`
  if (failure === undefined) return `${name}: ${behind} events behind, the oldest for ${Duration.format(age)}`
  const { streamVersion, error, position, stream, type } = failure
  const why = error === undefined ? "" : `, ${error.step}: ${error.cause}`
  return `${name}: stopped by event ${streamVersion} of ${stream}, a "${type}" at position ${position}${why}`
}
