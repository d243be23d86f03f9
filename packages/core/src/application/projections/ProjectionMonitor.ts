/** How projections stand: for operators, metrics and health checks. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../../domain/View.ts"
import { disconnect } from "../../internal/disconnect.ts"
import { followed, horizonOf } from "./worker/eventReader.ts"
import { buildsOf, currentOf } from "../../ports/generation.ts"
import * as statusMetrics from "./statusMetrics.ts"
import { EventStore } from "../../ports/EventStore.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import { type Status as Generation, type Unapplied, ViewStore } from "../../ports/ViewStore.ts"
import { Unhealthy } from "./errors.ts"

/**
 * What a view is doing:
 *
 * - `inline`: appends maintain it;
 * - `failed`: an event stopped it, or a part of it;
 * - `waiting`: nobody works on it, or on a part of it;
 * - `building`: this version does not answer queries yet;
 * - `catching up`: it answers, but some event waits for more than 5 seconds;
 * - `live`: it answers, and follows the events.
 *
 * If several hold it is the first of them.
 */
export type State = "inline" | "failed" | "waiting" | "building" | "catching up" | "live"

/** How a view stands. */
export interface Status {
  readonly view: string
  readonly version: number
  readonly state: State
  /** Whether this version answers the queries to its view. */
  readonly serves: boolean
  /** The position up to which events are in the records; 0 if nobody has begun. */
  readonly position: number
  /** The store's horizon. */
  readonly horizon: number
  /** How many events are not applied yet, at most: positions that stayed unused, and events of others, count too. */
  readonly behind: number
  /** The age of the oldest event that is not applied yet, by the program's clock; zero if all are. */
  readonly age: Duration.Duration
  /** How much of the log the view has behind it, from 0 to 100, rounded down. */
  readonly percent: number
  /** How long it will take at the present speed until the view has caught up; none if nobody can tell. */
  readonly timeLeft: Duration.Duration | undefined
  /**
   * How many events are applied per second, as those who work last said: how
   * fast they were while they worked, not how many events come.
   */
  readonly eventsPerSecond: number
  /** Who works on each part, if anybody does; one part, unless the view's keys are divided. */
  readonly owners: ReadonlyArray<string | undefined>
  /** The event that stopped the view, or a part of it. */
  readonly failure: Unapplied | undefined
  /** How many keys are parked. */
  readonly parked: number
  /** How many dead letters tell of something skipped. */
  readonly skipped: number
  /** The build of this version that somebody makes beside the one that serves, if anybody does. */
  readonly rebuild: Rebuild | undefined
}

/** How far a `Projection.rebuild` is, each as in {@link Status}. */
export interface Rebuild {
  readonly build: number
  readonly position: number
  readonly percent: number
  readonly timeLeft: Duration.Duration | undefined
  readonly eventsPerSecond: number
}

/**
 * How views stand, whichever process runs their projections. The age is what an
 * alarm should look at: it grows while a view stands still, and stays small
 * while it follows, however much there is to do.
 *
 * @example
 * ```ts
 * import { ProjectionMonitor, View } from "@hexfold/core"
 * import { Duration, Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const printing = Effect.gen(function*() {
 *   for (const { age, behind, state, view } of yield* ProjectionMonitor.status([AccountSummary])) {
 *     yield* Effect.log(`${view} is ${state}: ${behind} events behind, for ${Duration.format(age)}`)
 *   }
 * })
 * ```
 */
export const status = (
  views: ReadonlyArray<View.Any>
): Effect.Effect<ReadonlyArray<Status>, EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const events = yield* EventStore
    const records = yield* ViewStore
    const generations = yield* records.status
    // After the positions, so that no view is ahead of it.
    const horizon = yield* horizonOf(events)
    return yield* Effect.forEach(views, (view) =>
      Effect.gen(function* () {
        const known = currentOf(view, generations)
        const position = known?.inline === true ? horizon : (known?.position ?? 0)
        const oldest = yield* Stream.runHead(followed(view, events, { after: position, upTo: horizon, limit: 1 }))
        const now = yield* Clock.currentTimeMillis
        const behind = Option.isNone(oldest) ? 0 : horizon - oldest.value.position + 1
        const age = Option.match(oldest, {
          onNone: () => Duration.zero,
          onSome: ({ recordedAt }) => Duration.millis(Math.max(0, now - recordedAt.epochMilliseconds))
        })
        const parts = known?.parts ?? []
        const counts = known === undefined ? noLetters : yield* records.deadLetterCounts(known)
        return {
          view: view.name,
          version: view.version,
          state: stateOf(known, age),
          serves: known?.serves ?? false,
          position,
          horizon,
          behind,
          age,
          percent: behind === 0 ? 100 : Math.floor((100 * position) / horizon),
          timeLeft: behind === 0 ? Duration.zero : timeLeft(parts, horizon),
          eventsPerSecond: known === undefined ? 0 : eventsPerSecond(known),
          owners: known === undefined ? [undefined] : parts.map(({ owner }) => owner),
          failure: parts.find(({ failure }) => failure !== undefined)?.failure,
          ...counts,
          rebuild: rebuildOf(buildsOf(view, generations), known, horizon)
        }
      })
    )
  })

/** How often {@link watch} looks. */
export interface WatchOptions {
  /** 10 seconds if not given. */
  readonly every?: Duration.Input
}

/**
 * Publishes the status of views as metrics, again and again, and never ends.
 * The gauges are, by view and version: `hexfold_projection_position`,
 * `_behind`, `_age_seconds`, `_failed`, `_serves`, `_owners`,
 * `_events_per_second`, `_parked_keys` and `_skipped_letters`. The counter
 * `hexfold_projection_status_failures` tells how often the status could not be
 * read; then the gauges stay as they were.
 *
 * @example
 * ```ts
 * import { ProjectionMonitor, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const watching = ProjectionMonitor.watch([AccountSummary], { every: "30 seconds" })
 * ```
 */
export const watch = (
  views: ReadonlyArray<View.Any>,
  { every = "10 seconds" }: WatchOptions = {}
): Effect.Effect<never, never, EventStore | ViewStore> =>
  // Told to stop but not waited for: a silent connection may hold it.
  Effect.timeout(disconnect(status(views)), every).pipe(
    Effect.flatMap(Effect.forEach(statusMetrics.publish)),
    Effect.catch((error) =>
      Effect.andThen(Metric.update(statusMetrics.unknown, 1), Effect.logWarning("no status of the views", error))
    ),
    Effect.andThen(Effect.sleep(every)),
    Effect.forever
  )

/**
 * Runs {@link watch} in the background for as long as the layer lives.
 *
 * @example
 * ```ts
 * import { EventStore, Projection, ProjectionMonitor, View, ViewStore } from "@hexfold/core"
 * import { Layer } from "effect"
 *
 * declare const AccountSummary: View.Any
 * declare const stores: Layer.Layer<EventStore.EventStore | ViewStore.ViewStore>
 *
 * const live = Layer.mergeAll(Projection.layer([AccountSummary]), ProjectionMonitor.layer([AccountSummary])).pipe(
 *   Layer.provideMerge(stores)
 * )
 * ```
 */
export const layer = (
  views: ReadonlyArray<View.Any>,
  options?: WatchOptions
): Layer.Layer<never, never, EventStore | ViewStore> => Layer.effectDiscard(Effect.forkScoped(watch(views, options)))

/** What is well enough for {@link health}. */
export interface HealthOptions {
  /** How long an event may wait to be applied; 1 minute if not given. */
  readonly maxAge?: Duration.Input
}

/**
 * Succeeds with the status when all views are well, and fails with `Unhealthy`
 * if an event stopped one or waits for longer than `maxAge`. A version that
 * somebody builds is well however old its next event is: until it has caught
 * up, the records of the version before answer.
 *
 * @example
 * ```ts
 * import { ProjectionMonitor, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const route = ProjectionMonitor.health([AccountSummary], { maxAge: "30 seconds" }).pipe(
 *   Effect.map(() => ({ status: 200, body: "well" })),
 *   Effect.catch((error) => Effect.succeed({ status: 503, body: error.message }))
 * )
 * ```
 */
export const health = (
  views: ReadonlyArray<View.Any>,
  { maxAge = "1 minute" }: HealthOptions = {}
): Effect.Effect<ReadonlyArray<Status>, Unhealthy | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Effect.flatMap(status(views), (all) => {
    const unwell = all.flatMap(({ age, behind, failure, state, version, view }): Unhealthy["views"] => {
      if (failure !== undefined) return [{ view, version, reason: "failed", behind, age, failure }]
      const late = state !== "building" && Duration.isGreaterThan(age, Duration.fromInputUnsafe(maxAge))
      return late ? [{ view, version, reason: "late", behind, age }] : []
    })
    return unwell.length === 0 ? Effect.succeed(all) : Effect.fail(new Unhealthy({ views: unwell }))
  })

const stateOf = (known: Generation | undefined, age: Duration.Duration): State => {
  if (known?.inline === true) return "inline"
  if (known?.parts.some(({ failure }) => failure !== undefined)) return "failed"
  if (known === undefined || known.parts.some(({ owner }) => owner === undefined)) return "waiting"
  if (!known.serves) return "building"
  return Duration.toSeconds(age) > 5 ? "catching up" : "live"
}

const noLetters = { parked: 0, skipped: 0 }

/** What a part's owner said holds only as long as it has one. */
const speedOf = ({ owner, speed }: Generation["parts"][number]) => (owner === undefined ? undefined : speed)

// The appends of an inline view say nothing of theirs.
const eventsPerSecond = ({ inline, parts }: Generation): number =>
  inline ? 0 : parts.reduce((sum, part) => sum + (speedOf(part)?.events ?? 0), 0)

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
      timeLeft: timeLeft(made.parts, horizon),
      eventsPerSecond: eventsPerSecond(made)
    }
  )
}

/** Until the last of the parts is there. */
const timeLeft = (parts: Generation["parts"], horizon: number): Duration.Duration | undefined => {
  const seconds = parts
    .filter(({ position }) => position < horizon)
    .map((part) => (horizon - part.position) / (speedOf(part)?.positions ?? 0))
  const longest = Math.max(...seconds)
  return Number.isFinite(longest) ? Duration.seconds(longest) : undefined
}
