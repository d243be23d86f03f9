/** Computes the status of views from the generations that a store reports. */
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../../domain/View.ts"
import type { Unapplied } from "../../ports/deadLetter.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import { EventStore, type Horizon } from "../../ports/EventStore.ts"
import { buildsOf, currentOf, isOfAnother, type PartStatus, type Status as Generation } from "../../ports/generation.ts"
import type { Reason } from "../../ports/Reason.ts"
import { ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { horizonOf, refusalOf } from "../events/positions.ts"
import { eventsOf } from "./worker/eventReader.ts"

/**
 * What a view is doing. If several apply, the state is the first of them:
 *
 * - `another definition`: another definition of this version has made the records, and the projection of this one does not work;
 * - `inline`: appends maintain the view;
 * - `failed`: an event stopped the view or a part of it, or the log does not have the position that it has reached;
 * - `waiting`: no projection works on the view, or on a part of it;
 * - `building`: this version does not answer queries yet;
 * - `catching up`: the view answers queries, but its lag time is above 5 seconds;
 * - `live`: the view answers queries and follows the events.
 */
export type State = "another definition" | "inline" | "failed" | "waiting" | "building" | "catching up" | "live"

/** The status of a view. */
export interface Status {
  /** The name of the view. */
  readonly view: string
  /** The version of the view in this process. */
  readonly version: number
  /** What the view is doing. */
  readonly state: State
  /** Whether this version answers the queries to it. */
  readonly serves: boolean
  /** The position up to which events are in the records. 0 if no projection has begun. */
  readonly position: number
  /** The horizon of the event store. */
  readonly horizon: number
  /**
   * Set while appends under way hold the horizon back, which the view cannot read
   * beyond. It has the last position drawn, the time since which the horizon is held
   * back, and the transactions that hold it.
   */
  readonly held: Held | undefined
  /**
   * The number of positions from the oldest event that is not applied yet to the
   * last position drawn. It is an upper bound for the number of events to apply,
   * because unused positions and events that the view does not follow count too.
   */
  readonly lag: number
  /**
   * The age of the oldest event that is not applied yet, by the program's clock;
   * while the horizon is held back, at least the time for which it has been. Zero
   * if every event is applied.
   */
  readonly lagTime: Duration.Duration
  /** The share of the log that the view has passed, from 0 to 100, rounded down. */
  readonly percent: number
  /** The time until the view has caught up at the present throughput. Undefined if no owner has reported one. */
  readonly timeLeft: Duration.Duration | undefined
  /**
   * The number of events that the present owners apply per second of work, as
   * they last reported. It says how fast they are, not how many events arrive.
   */
  readonly eventsPerSecond: number
  /** The owner of each part, or undefined for a part without one. There is one part unless the keys are divided. */
  readonly owners: ReadonlyArray<string | undefined>
  /** The event that stopped the view, or a part of it. */
  readonly failure: Unapplied | undefined
  /**
   * Why the event store refuses to be read from the position that the view has
   * reached, as after a restored backup of the log alone. The lag is then that of a
   * view without any event, because its records have to be made anew.
   */
  readonly refusal: Reason | undefined
  /** The number of keys that are parked. */
  readonly parked: number
  /** The number of dead letters of skipped events. */
  readonly skipped: number
  /** A build of this version that some process makes beside the one that answers queries. */
  readonly rebuild: Rebuild | undefined
}

/** What holds the horizon back, as in `EventStore.Horizon`. */
export type Held = Pick<Horizon, "drawn" | "heldSince" | "holders">

/** The progress of a `Projection.rebuild`. Its fields mean the same as in {@link Status}. */
export interface Rebuild {
  readonly build: number
  readonly position: number
  readonly percent: number
  readonly timeLeft: Duration.Duration | undefined
  readonly eventsPerSecond: number
}

/** The status of views, whichever process runs their projections. */
export const statusOf = (
  views: ReadonlyArray<View.Any>
): Effect.Effect<ReadonlyArray<Status>, EventStoreError | ViewStoreError, EventStore | ProjectionStore | ViewStore> =>
  Effect.gen(function* () {
    const events = yield* EventStore
    const { deadLetters } = yield* ProjectionStore
    const generations = yield* (yield* ViewStore).status
    // Read after the positions, so that no view is ahead of the horizon.
    const log = yield* horizonOf(events)
    const { drawn, heldSince, holders, position: horizon } = log
    return yield* Effect.forEach(
      views,
      Effect.fnUntraced(function* (view) {
        const known = currentOf(view, generations)
        const refusal = yield* refusalOf(events, known, log)
        const position = known?.inline === true ? horizon : (known?.position ?? 0)
        const applied = refusal === undefined ? position : 0
        const oldest = yield* Stream.runHead(eventsOf(view, events, { after: applied, upTo: horizon, limit: 1 }))
        const now = yield* Clock.currentTimeMillis
        const since = (time: DateTime.Utc | undefined): number =>
          time === undefined ? 0 : Math.max(0, now - time.epochMilliseconds)
        // Beyond the horizon nobody can see whether an event is for the view.
        const held = drawn > horizon && known?.inline !== true
        const first = Option.isSome(oldest) ? oldest.value.position : held ? Math.max(applied, horizon) + 1 : drawn + 1
        const lag = drawn - first + 1
        const lagTime = Duration.millis(
          Math.max(since(Option.getOrUndefined(oldest)?.recordedAt), held ? since(heldSince) : 0)
        )
        const parts = known?.parts ?? []
        const counts = known === undefined ? { parked: 0, skipped: 0 } : yield* deadLetters(known, "count")
        return {
          view: view.name,
          version: view.version,
          state: isOfAnother(view, known)
            ? "another definition"
            : refusal === undefined
              ? stateOf(known, lagTime)
              : "failed",
          serves: known?.serves ?? false,
          position,
          horizon,
          held: drawn > horizon ? { drawn, holders, ...(heldSince === undefined ? {} : { heldSince }) } : undefined,
          lag,
          lagTime,
          percent: lag === 0 ? 100 : Math.floor((100 * applied) / drawn),
          timeLeft: lag === 0 ? Duration.zero : timeLeftOf(parts, horizon),
          eventsPerSecond: known === undefined ? 0 : eventsPerSecondOf(known),
          owners: known === undefined ? [undefined] : parts.map(({ owner }) => owner),
          failure: parts.find(({ failure }) => failure !== undefined)?.failure,
          refusal,
          ...counts,
          rebuild: rebuildOf(buildsOf(view, generations), known, horizon)
        }
      })
    )
  })

const stateOf = (known: Generation | undefined, lagTime: Duration.Duration): State => {
  if (known?.inline === true) return "inline"
  if (known?.parts.some(({ failure }) => failure !== undefined)) return "failed"
  if (known === undefined || known.parts.some(({ owner }) => owner === undefined)) return "waiting"
  if (!known.serves) return "building"
  return Duration.toSeconds(lagTime) > 5 ? "catching up" : "live"
}

// What a part's owner reported holds only as long as the part has an owner.
const throughputOf = ({ owner, throughput }: PartStatus) => (owner === undefined ? undefined : throughput)

// The appends of an inline view do not report a throughput.
const eventsPerSecondOf = ({ inline, parts }: Generation): number =>
  inline ? 0 : parts.reduce((sum, part) => sum + (throughputOf(part)?.events ?? 0), 0)

const rebuildOf = (
  builds: ReadonlyArray<Generation>,
  known: Generation | undefined,
  horizon: number
): Rebuild | undefined => {
  const made = builds.findLast(
    ({ build, parts }) => known !== undefined && build > known.build && parts.some(({ owner }) => owner !== undefined)
  )
  return (
    made && {
      build: made.build,
      position: made.position,
      percent: horizon === 0 ? 100 : Math.floor((100 * made.position) / horizon),
      timeLeft: timeLeftOf(made.parts, horizon),
      eventsPerSecond: eventsPerSecondOf(made)
    }
  )
}

// The time until the last of the parts has reached the horizon.
const timeLeftOf = (parts: ReadonlyArray<PartStatus>, horizon: number): Duration.Duration | undefined => {
  const seconds = parts
    .filter(({ position }) => position < horizon)
    .map((part) => (horizon - part.position) / (throughputOf(part)?.positions ?? 0))
  const longest = Math.max(...seconds)
  return Number.isFinite(longest) ? Duration.seconds(longest) : undefined
}
