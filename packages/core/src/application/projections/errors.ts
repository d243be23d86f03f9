import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { shortened } from "../../domain/texts.ts"
import type * as EventStore from "../../ports/EventStore.ts"
import * as Reason from "../../ports/Reason.ts"

export { DefinitionDiffers } from "./worker/errors.ts"

/** A generation of a view was not dropped, because its queries would have no answer or because a projection owns it. */
export class DropRefused extends Schema.TaggedError<DropRefused>()("DropRefused", {
  view: Schema.String,
  version: Schema.Int,
  build: Schema.Int,
  /** `Serves`: the generation answers the queries, and no other could. `Owned`: a projection owns it. */
  reason: Schema.Literals(["Serves", "Owned"]),
  /** The owner, if the store named it. */
  owner: Schema.optionalKey(Schema.String)
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    const { owner, reason, view } = this
    const why =
      reason === "Serves"
        ? "it answers the queries, and nothing would answer them without it"
        : `${owner === undefined ? "a projection" : `the projection ${owner}`} owns it; stop the projections of this version first`
    return `${view}, ${nameOf(this)} is not dropped: ${why}`
  }
}

/**
 * A rebuild cannot take over any more, because a later build of the version
 * answers the queries. The records that it has built stay until they are
 * dropped.
 */
export class RebuildOvertaken extends Schema.TaggedError<RebuildOvertaken>()("RebuildOvertaken", {
  view: Schema.String,
  /** The version that was rebuilt. */
  version: Schema.Int,
  /** The build that was made. */
  build: Schema.Int,
  /** The generation that answers the queries. */
  serving: Schema.Struct({ version: Schema.Int, build: Schema.Int })
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    return `${this.view}, ${nameOf(this)} cannot take over: ${nameOf(this.serving)} answers the queries`
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

const Holder = Schema.Struct({
  pid: Schema.optionalKey(Schema.Int),
  application: Schema.optionalKey(Schema.String),
  since: Schema.optionalKey(Schema.DateTimeUtc),
  isPrepared: Schema.Boolean
})

const View = Schema.Struct({
  view: Schema.String,
  version: Schema.Int,
  /**
   * `refused`: the log does not have the position that the view has reached.
   * `another definition`: another definition of the version has made the records.
   * `failed`: an event stopped the view. `late`: its lag time is too long. `parked`: too many keys are parked.
   */
  reason: Schema.Literals(["refused", "another definition", "failed", "late", "parked"]),
  /** The lag in events, as in `ProjectionMonitor.Status`. */
  lag: Schema.Int,
  /** The age of the oldest event that is not applied yet. */
  lagTime: Schema.Duration,
  /** The event that stopped the view. */
  failure: Schema.optionalKey(Failure),
  /** Why the event store refuses to be read from the view's position. */
  refusal: Schema.optionalKey(Reason.schema),
  /** The transactions that hold the view back, if it is late while appends are under way. */
  holders: Schema.optionalKey(Schema.Array(Holder)),
  /** The number of parked keys, if there are too many. */
  parked: Schema.optionalKey(Schema.Int)
})

/** Some views are unhealthy. The error names each of them with the reason. */
export class Unhealthy extends Schema.TaggedError<Unhealthy>()("Unhealthy", {
  views: Schema.Array(View)
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    return this.views.map(describe).join("; ")
  }
}

/** The place of a generation in a message. The first build has no number there. */
const nameOf = ({ build, version }: { readonly version: number; readonly build: number }): string =>
  build === 1 ? `version ${version}` : `version ${version}, build ${build}`

const heldBy = ([oldest]: ReadonlyArray<EventStore.Holder>): string => {
  if (oldest === undefined) return ""
  const { application, isPrepared, pid } = oldest
  const names = [application === undefined ? [] : application, pid === undefined ? [] : `process ${pid}`].flat()
  const of = names.length === 0 ? "" : ` of ${names.join(", ")}`
  return `; a${isPrepared ? " prepared" : "n open"} transaction${of} holds it back`
}

const describe = ({
  failure,
  holders = [],
  lag,
  lagTime,
  parked,
  reason,
  refusal,
  version,
  view
}: typeof View.Type): string => {
  const name = `${view}, version ${version}`
  if (reason === "another definition") return `${name}: another definition of this version has made the records`
  if (refusal !== undefined) return `${name}: ${refusal.detail}`
  if (parked !== undefined) return `${name}: ${parked} ${parked === 1 ? "key is" : "keys are"} parked`
  if (failure === undefined)
    return `${name}: its lag is ${lag} ${lag === 1 ? "event" : "events"} and ${Duration.format(lagTime)}${heldBy(holders)}`
  const { streamVersion, error, position, stream, type } = failure
  const why = error === undefined ? "" : `, ${error.step}: ${error.cause}`
  return `${name}: stopped by event ${streamVersion} of ${stream}, a "${type}" at position ${position}${why}`
}
