/** Computes the status of views from the generations that a store reports. */
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Consumer } from "../../domain/view/consumer.ts"
import { isUnknown, type Unapplied } from "../../ports/deadLetter.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import { EventStore, type Horizon } from "../../ports/EventStore.ts"
import {
  buildsOf,
  currentOf,
  isOfAnother,
  isShared,
  type PartStatus,
  type Status as Generation
} from "../../ports/generation.ts"
import type { Reason } from "../../ports/Reason.ts"
import { type Loaded, ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { ownPositions } from "../events/ownPositions.ts"
import { horizonOf, refusalOf } from "../events/positions.ts"
import type { Fault } from "./errors.ts"
import { faultsOf } from "./faults.ts"
import * as Appended from "../events/appended.ts"
import * as Keys from "../events/partedKeys.ts"
import * as Lag from "./lag.ts"
import { oldestTimerOf } from "./waiting/timers.ts"
import * as Waits from "./waiting/waits.ts"
import { endsOf } from "./worker/ends.ts"
import { type Owner, ownerOf } from "./worker/process.ts"

/**
 * What a generation of a view, or a reactor, is doing. If several apply, the state is the first of them:
 *
 * - `standing by`: a reactor of another version has the work, and this version stands by;
 * - `other keys`: a reactor waits until the parts of another version, whose keys may be others, have ended at one position;
 * - `another definition`: another definition of this version has made the records, and the projection of this one does not work;
 * - `inline`: appends maintain the records;
 * - `replaced`: a later build of the same version answers, and nobody reads these records any more;
 * - `failed`: an event stopped the view or a part of it, or the log does not have the position that it has reached;
 * - `unknown event`: the view, or a part of it, stands before an event that only a newer program knows, and waits for a process of that program;
 * - `waiting`: no projection works on the view, or on a part of it;
 * - `building`: this version does not answer queries yet;
 * - `held`: the view has all events that can be read, but for more than 5 seconds appends under way have held the horizon back;
 * - `catching up`: the view answers queries, but its lag time is above 5 seconds;
 * - `live`: the view answers queries and follows the events.
 */
export type State =
  | "standing by"
  | "other keys"
  | "another definition"
  | "inline"
  | "replaced"
  | "failed"
  | "unknown event"
  | "waiting"
  | "building"
  | "held"
  | "catching up"
  | "live"

/** The status of a generation of a view. */
export interface Status {
  /** The name of the view. */
  readonly view: string
  /** The version of the view's definition. */
  readonly version: number
  /** The build of the version; undefined if no projection has begun one. */
  readonly build: number | undefined
  /**
   * Whether this is about one of the views that were asked about, of which the process has
   * the definition. Other generations in the store are those of former and later versions,
   * of other builds, and of views of other programs.
   */
  readonly isDeclared: boolean
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
   * The number of events that the view follows and has not applied yet. It is exact up to
   * 1,000 events, if these are found among the next 100,000 positions. Beyond that it is a
   * lower bound, so that a status is quick: see `lagAtMost`. Nobody can see yet what an
   * append under way records, so each position above the horizon counts as an event. Of a
   * generation that is not declared nobody knows which events it follows: then only
   * `lagAtMost` says something.
   */
  readonly lag: number
  /**
   * At most this many events are not applied yet. It is the same number as `lag` where that
   * is exact, and otherwise the number of positions up to the last one drawn.
   */
  readonly lagAtMost: number
  /**
   * The age of the oldest event that is not applied yet, by the program's clock;
   * while the horizon is held back, at least the time for which it has been. Zero
   * if every event is applied. If the view follows none of the next 100,000 positions, it
   * is the age of the first event after them.
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
  /**
   * The name of the owner of each part, or undefined for a part without one. There is one part unless the keys are
   * divided. A name such as `billing@web-1:4711#…` says where the projection runs: the application, the host and the process.
   */
  readonly owners: ReadonlyArray<string | undefined>
  /** What each part is doing. There is no part if no projection has begun the generation. */
  readonly parts: ReadonlyArray<Part>
  /** The event that stopped the view, or the first of its parts that was stopped. */
  readonly failure: Unapplied | undefined
  /**
   * Why the event store refuses to be read from the position that the view has
   * reached, as after a restored backup of the log alone. The lag is then that of a
   * view without any event, because its records have to be made anew.
   */
  readonly refusal: Reason | undefined
  /**
   * The message of the error by which the projection of the view in this process has ended by itself,
   * until it runs again. Another process may work on the view all the same.
   */
  readonly ended: string | undefined
  /**
   * The version whose parts have to end at one position before this one works, because its keys may be others. Undefined
   * unless it waits for that: see `KeysDiffer`.
   */
  readonly rekeyed: number | undefined
  /** The number of keys that are parked. */
  readonly parked: number
  /** The number of dead letters of skipped events. */
  readonly skipped: number
  /**
   * For how long the oldest event of a parked key has waited, the oldest command of a process that has no answer, and the
   * timer whose time was over first. Together with `lagTime` it is zero if nothing waits for an owner.
   */
  readonly waits: Waits.Waits
  /** A build of this version that some process makes beside the one that answers queries. */
  readonly rebuild: Rebuild | undefined
  /**
   * What is wrong at this moment, the gravest first. Some of it may pass by itself:
   * `ProjectionMonitor.health` says what has lasted. `ProjectionMonitor.describe` says it in words.
   */
  readonly faults: ReadonlyArray<Fault>
}

/** The status of a part of a generation. */
export interface Part {
  /** The position up to which events are in the records of the part. */
  readonly position: number
  /** The projection that owns the part, with the process in which it runs if that is known. */
  readonly owner: Owner | undefined
  /** For how long nobody has owned the part. Undefined if a projection owns it, or none ever has. */
  readonly unownedFor: Duration.Duration | undefined
  /** The event that stopped the part. */
  readonly failure: Unapplied | undefined
}

/** What holds the horizon back, as in `EventStore.Horizon`. */
export interface Held extends Pick<Horizon, "drawn" | "heldSince" | "holders"> {
  /** For how long the horizon has been held back, by the program's clock, if the store says since when. */
  readonly heldFor?: Duration.Duration
}

/** The progress of a `Projection.rebuild`. Its fields mean the same as in {@link Status}. */
export interface Rebuild {
  readonly build: number
  readonly position: number
  readonly percent: number
  readonly timeLeft: Duration.Duration | undefined
  readonly eventsPerSecond: number
}

/** The status of views, whichever process runs their projections. */
export const statusOf = (views: ReadonlyArray<Consumer>): Statuses => measured(views, false)

/** The status of views as in {@link statusOf}, and after it that of all other generations in the store. */
export const allStatus = (views: ReadonlyArray<Consumer>): Statuses => measured(views, true)

type Statuses = Effect.Effect<
  ReadonlyArray<Status>,
  EventStoreError | ViewStoreError,
  EventStore | ProjectionStore | ViewStore
>

const measured = (views: ReadonlyArray<Consumer>, withOthers: boolean): Statuses =>
  Effect.gen(function* () {
    const store = yield* ViewStore
    // Looked for before the horizon is read, so that a timer which fires meanwhile is an event that is not handled yet.
    const due = yield* oldestTimerOf(views)
    // A projection of this process may be further than the position that it has written.
    const generations = ownPositions(store).seen(yield* store.status)
    // Read after the positions, so that no view is ahead of the horizon.
    const log = yield* horizonOf(yield* EventStore)
    const declared = views.map((view): Measured => {
      const place = { view: view.name, version: view.version }
      return { view, place, known: currentOf(view, generations), generations, log, due }
    })
    const currents = declared.map(({ known }) => known)
    const others = generations
      .filter((each) => withOthers && !currents.includes(each))
      .map((known): Measured => ({ view: undefined, place: known, known, generations: [], log, due: undefined }))
    return yield* Effect.forEach([...declared, ...others], statusIn, { concurrency: 4 })
  })

/** A generation in a store, and what its status is measured against. */
interface Measured {
  /** The definition, if it is known. */
  readonly view: Consumer | undefined
  readonly place: Pick<Generation, "view" | "version">
  readonly known: Generation | undefined
  readonly generations: ReadonlyArray<Generation>
  readonly log: Horizon
  /** The time of the first timer that should have fired and has not. */
  readonly due: number | undefined
}

const statusIn = Effect.fnUntraced(function* ({ due, generations, known, log, place, view }: Measured) {
  const events = yield* EventStore
  const { deadLetters, load } = yield* ProjectionStore
  const { drawn, heldSince, holders, position: horizon } = log
  const lost = known?.replaced === true ? undefined : yield* refusalOf(events, known, log)
  const kept =
    known !== undefined && isShared(known.view) ? yield* load(known, [Keys.key, ...Appended.keys]) : undefined
  const refusal = lost ?? (kept && (yield* Appended.refusalOf(kept, events, log)))
  const rekeyed = kept && rekeyedOf(view, known, kept)
  const position = known?.inline === true ? horizon : (known?.position ?? 0)
  const applied = refusal === undefined ? position : 0
  const ends = { applied, log, now: yield* Clock.currentTimeMillis }
  const lag = yield* known?.inline === true
    ? Effect.succeed(Lag.none)
    : view === undefined
      ? Lag.lagOfUnknown(events, ends)
      : Lag.lagOf(view, events, ends)
  const parts = known?.parts ?? []
  const counts = known === undefined ? { parked: 0, skipped: 0 } : yield* deadLetters(known, "count")
  const held = drawn > horizon ? { drawn, holders, ...since(heldSince, ends.now) } : undefined
  const isHeld = held !== undefined && lag.atMost <= drawn - horizon
  const isMeasured = view !== undefined && known !== undefined && refusal === undefined && isShared(known.view)
  const waits = isMeasured
    ? yield* Waits.measure({ view, known, due, counts, applied, log, now: ends.now })
    : known === undefined || refusal !== undefined
      ? Waits.none
      : { ...Waits.none, parked: yield* Waits.parkedFor(known, counts, ends.now) }
  const status: Omit<Status, "faults"> = {
    view: place.view,
    version: place.version,
    build: known?.build,
    isDeclared: view !== undefined,
    state:
      rekeyed !== undefined
        ? "other keys"
        : view !== undefined && known !== undefined && known.version !== view.version
          ? "standing by"
          : view !== undefined && isOfAnother(view, known)
            ? "another definition"
            : refusal === undefined
              ? stateOf(known, lag.time, isHeld)
              : "failed",
    serves: known?.serves ?? false,
    position,
    horizon,
    held,
    lag: lag.atLeast,
    lagAtMost: lag.atMost,
    lagTime: lag.time,
    percent: lag.atMost === 0 ? 100 : Math.floor((100 * applied) / drawn),
    timeLeft: lag.atMost === 0 ? Duration.zero : timeLeftOf(parts, horizon),
    eventsPerSecond: known === undefined ? 0 : eventsPerSecondOf(known),
    owners: known === undefined ? [undefined] : parts.map(({ owner }) => owner),
    parts: parts.map(partOf),
    failure: failureOf(parts),
    refusal,
    ended: view && endsOf(yield* ViewStore).of(view),
    ...counts,
    waits,
    rekeyed,
    rebuild: view === undefined ? undefined : rebuildOf(buildsOf(view, generations), known, horizon)
  }
  return { ...status, faults: faultsOf(status) }
})

// While a higher version works, a lower one has nothing to wait for.
const rekeyedOf = (view: Consumer | undefined, known: Generation | undefined, kept: Loaded): number | undefined => {
  if (view === undefined || known === undefined) return undefined
  if (Keys.areLevel(known.parts.map(({ position }) => position))) return undefined
  const isAtWork = known.parts.every(({ owner }) => owner !== undefined)
  return view.version < known.version && isAtWork ? undefined : Keys.formerOf(view, kept)
}

const since = (heldSince: DateTime.Utc | undefined, now: number): Pick<Held, "heldSince" | "heldFor"> =>
  heldSince === undefined ? {} : { heldSince, heldFor: Duration.millis(Math.max(0, now - heldSince.epochMilliseconds)) }

// What does not pass by itself is graver.
const failureOf = (parts: ReadonlyArray<PartStatus>): Unapplied | undefined => {
  const failures = parts.flatMap(({ failure }) => failure ?? [])
  return failures.find((failure) => !isUnknown(failure)) ?? failures[0]
}

const partOf = ({ failure, owner, position, unownedFor }: PartStatus): Part => ({
  position,
  owner: owner === undefined ? undefined : ownerOf(owner),
  unownedFor,
  failure
})

const stateOf = (known: Generation | undefined, lagTime: Duration.Duration, isHeld: boolean): State => {
  if (known?.inline === true) return "inline"
  if (known?.replaced === true) return "replaced"
  const failures = known?.parts.flatMap(({ failure }) => failure ?? []) ?? []
  if (failures.length > 0) return failures.every(isUnknown) ? "unknown event" : "failed"
  if (known === undefined || known.parts.some(({ owner }) => owner === undefined)) return "waiting"
  if (!known.serves) return "building"
  if (Duration.toSeconds(lagTime) <= 5) return "live"
  return isHeld ? "held" : "catching up"
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
