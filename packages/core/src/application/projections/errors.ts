import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { shortened } from "../../domain/texts.ts"
import type * as EventStore from "../../ports/EventStore.ts"
import { isShared } from "../../ports/generation.ts"
import * as Reason from "../../ports/Reason.ts"

export { DefinitionDiffers } from "../views/errors.ts"

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
  error: Schema.optionalKey(
    Schema.Struct({ step: Schema.String, cause: Schema.String, part: Schema.optionalKey(Schema.Int) })
  ),
  at: Schema.DateTimeUtc
})

const Holder = Schema.Struct({
  pid: Schema.optionalKey(Schema.Int),
  application: Schema.optionalKey(Schema.String),
  since: Schema.optionalKey(Schema.DateTimeUtc),
  isPrepared: Schema.Boolean
})

/** What may be wrong with a view, the gravest first. */
export const faultReasons = [
  "refused",
  "another definition",
  "other keys",
  "failed",
  "unknown event",
  "unowned",
  "stalled",
  "held",
  "late",
  "overdue",
  "unsent",
  "parked",
  "skipped"
] as const

const Fault = Schema.Struct({
  view: Schema.String,
  version: Schema.Int,
  /**
   * - `refused`: the log does not have the position that the view has reached.
   * - `another definition`: another definition of the same version has made the records.
   * - `other keys`: a reactor waits for the parts of another version to end at one position.
   * - `failed`: an event stopped the view.
   * - `unknown event`: the view waits for a process of the newer program that has recorded the event.
   * - `unowned`: no projection works on the view, or on a part of it.
   * - `stalled`: the view is being built, but makes no progress.
   * - `held`: appends under way hold back what the view can read.
   * - `late`: its lag time is too long.
   * - `overdue`: a timer whose time is over has not fired for too long.
   * - `unsent`: a command that a process has recorded has no answer for too long.
   * - `parked`: too many keys are parked.
   * - `skipped`: too many events were skipped.
   */
  reason: Schema.Literals(faultReasons),
  /** The lag in events, as in `ProjectionMonitor.Status`. */
  lag: Schema.Int,
  /** The most events of the lag, if `lag` is only a lower bound. */
  lagAtMost: Schema.optionalKey(Schema.Int),
  /** The age of the oldest event that is not applied yet. */
  lagTime: Schema.Duration,
  /** For how long the fault has lasted, if it may pass by itself and `ProjectionMonitor.health` reports it. */
  lasted: Schema.optionalKey(Schema.Duration),
  /** The event that stopped the view. */
  failure: Schema.optionalKey(Failure),
  /** Why the event store refuses to be read from the view's position. */
  refusal: Schema.optionalKey(Reason.schema),
  /** The parts without an owner, counted from 0, and the number of all parts. */
  unowned: Schema.optionalKey(Schema.Struct({ parts: Schema.Array(Schema.Int), of: Schema.Int })),
  /** The message of the error by which the projection of this process has ended, if the view is `unowned`. */
  ended: Schema.optionalKey(Schema.String),
  /** The position at which the building stands still. */
  position: Schema.optionalKey(Schema.Int),
  /** The transactions that hold the view back, if it is `held`, or `late` while appends are under way. */
  holders: Schema.optionalKey(Schema.Array(Holder)),
  /** Since when the view is held back. */
  heldSince: Schema.optionalKey(Schema.DateTimeUtc),
  /** The version whose parts have to end at one position. */
  former: Schema.optionalKey(Schema.Int),
  /** For how long the oldest has waited, if the view is `overdue`, `unsent` or `parked`. */
  waited: Schema.optionalKey(Schema.Duration),
  /** The number of parked keys. */
  parked: Schema.optionalKey(Schema.Int),
  /** The number of dead letters of skipped events. */
  skipped: Schema.optionalKey(Schema.Int)
})

/** Something that is wrong with a view. */
export type Fault = typeof Fault.Type

/** Some views are unhealthy. The error names each of their faults, with the facts. */
export class Unhealthy extends Schema.TaggedError<Unhealthy>()("Unhealthy", {
  /** The faults, in the order of the views. A view may have several. */
  views: Schema.Array(Fault)
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

const holderOf = (holders: ReadonlyArray<EventStore.Holder>): string => {
  const [oldest] = holders
  if (oldest === undefined) return "an append under way"
  const { application, isPrepared, pid } = oldest
  const names = [application === undefined ? [] : application, pid === undefined ? [] : `process ${pid}`].flat()
  const of = names.length === 0 ? "" : ` of ${names.join(", ")}`
  return `a${isPrepared ? " prepared" : "n open"} transaction${of}`
}

/** A fault in words. */
export const describe = (fault: Fault): string =>
  `${fault.view}, version ${fault.version}: ${descriptions[fault.reason](fault)}`

const descriptions: Record<Fault["reason"], (fault: Fault) => string> = {
  refused: ({ refusal }) => refusal?.detail ?? "",
  "another definition": ({ view }) =>
    isShared(view)
      ? "another definition of this version has the work"
      : "another definition of this version has made the records",
  "other keys": ({ former }) =>
    `its keys may be others than those of version ${former}, whose parts have not ended at one position: see KeysDiffer`,
  failed: ({ failure }) => {
    if (failure === undefined) return "stopped by an event"
    const { error, position, stream, streamVersion, type } = failure
    const part = error?.part === undefined ? "" : ` of part ${error.part}`
    const why = error === undefined ? "" : `, ${error.step}${part}: ${error.cause}`
    return `stopped by event ${streamVersion} of ${stream}, a "${type}" at position ${position}${why}`
  },
  "unknown event": ({ failure, lasted }) => {
    const since = lasted === undefined ? "" : `, for ${Duration.format(lasted)}`
    return `waits for a process of a newer program${since}: ${failure?.error?.cause ?? "this one does not know an event"}`
  },
  unowned: ({ ended, lasted = Duration.zero, unowned: { of, parts } = { of: 1, parts: [0] }, view }) => {
    const numbers = parts.map((index) => index + 1)
    const what =
      parts.length === of ? "it" : `${numbers.length === 1 ? "part" : "parts"} ${numbers.join(", ")} of ${of}`
    const isLasting = Duration.isPositive(lasted)
    const works = isLasting ? `has worked on ${what} for ${Duration.format(lasted)}` : `works on ${what}`
    const why =
      ended === undefined
        ? isShared(view)
          ? `is Reactor.layer([${view.slice(view.indexOf("/") + 1)}]) running?`
          : `is Projection.layer([${view}]) running?`
        : `the ${isShared(view) ? "reactor" : "projection"} of this process has ended: ${ended}`
    return `nobody ${works}: ${why}`
  },
  stalled: ({ lasted = Duration.zero, position }) =>
    `it is being built, but has stood at position ${position} for ${Duration.format(lasted)}`,
  held: ({ heldSince, holders = [], lasted }) => {
    const since = heldSince === undefined ? "" : ` since ${DateTime.formatIso(heldSince)}`
    return `held by ${holderOf(holders)}${since}${lasted === undefined ? "" : `, for ${Duration.format(lasted)}`}`
  },
  late: ({ holders, lag, lagAtMost, lagTime }) => {
    const count = lagAtMost === undefined ? `${lag}` : `${lag} to ${lagAtMost}`
    const events = count === "1" ? "event" : "events"
    const held = holders === undefined || holders.length === 0 ? "" : `; ${holderOf(holders)} holds it back`
    return `its lag is ${count} ${events} and ${Duration.format(lagTime)}${held}`
  },
  overdue: ({ waited = Duration.zero }) =>
    `a timer has not fired, and its time was over ${Duration.format(waited)} ago: is Reactor.layer running?`,
  unsent: ({ waited = Duration.zero }) =>
    `a command that was recorded ${Duration.format(waited)} ago has no answer: look at its dead letters`,
  parked: ({ parked, waited = Duration.zero }) => {
    const since = Duration.isPositive(waited) ? `, the first for ${Duration.format(waited)}` : ""
    return `${parked} ${parked === 1 ? "key is" : "keys are"} parked${since}`
  },
  skipped: ({ skipped }) => `${skipped} ${skipped === 1 ? "event was" : "events were"} skipped`
}
