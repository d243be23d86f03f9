/** The status of projections, for operators, metrics and health checks. */
import * as Duration from "effect/Duration"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { Consumer } from "../../domain/view/consumer.ts"
import { distinct } from "../../domain/view/distinct.ts"
import { disconnect } from "../../internal/disconnect.ts"
import { monotonicMillis } from "../../internal/beat.ts"
import { reported, withMessage } from "../../internal/reported.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import type { ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { type Fault, Unhealthy } from "./errors.ts"
import { lastingFaults, type Limits, sightOf } from "./faults.ts"
import { allStatus, type Status, statusOf } from "./status.ts"
import * as statusMetrics from "./statusMetrics.ts"

export { describe, type Fault } from "./errors.ts"
export type { Held, Part, Rebuild, State, Status } from "./status.ts"

/**
 * The status of views, whichever process runs their projections: first of those that
 * are given, in their order, then of all other generations in the store, by view, version and
 * build. `isDeclared` tells them apart. An alarm should look at `lagTime`: it grows while a
 * view stands still, and stays small while the view follows the events, however many there are.
 * What the status of a generation costs has a bound: see `lag`. A store may keep many former generations:
 * with `others: false` only the status of the given views is measured. Throws if two of the views have
 * the same name and version.
 *
 * @example
 * ```ts
 * import { ProjectionMonitor, View } from "@hexfold/core"
 * import { Duration, Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const printing = Effect.gen(function*() {
 *   for (const { faults, lag, lagTime, state, view } of yield* ProjectionMonitor.status([AccountSummary])) {
 *     yield* Effect.log(`${view} is ${state}: its lag is ${lag} events and ${Duration.format(lagTime)}`)
 *     for (const fault of faults) yield* Effect.logWarning(ProjectionMonitor.describe(fault))
 *   }
 * })
 * ```
 */
export const status = (
  views: ReadonlyArray<Consumer>,
  { others = true }: StatusOptions = {}
): Effect.Effect<ReadonlyArray<Status>, EventStoreError | ViewStoreError, EventStore | ProjectionStore | ViewStore> =>
  (others ? allStatus : statusOf)(distinct("ProjectionMonitor.status", views))

/** Which generations {@link status} measures. */
export interface StatusOptions {
  /** Whether the status of all other generations in the store comes after that of the views. True by default. */
  readonly others?: boolean
}

/** How often {@link watch} reads the status, and which views it takes for healthy. */
export interface WatchOptions extends HealthOptions {
  /** The time between two readings, and the longest that one may take. 10 seconds by default. */
  readonly every?: Duration.Input
}

/**
 * Publishes the status of views as metrics at regular intervals, and never ends.
 * The gauges are, by view and version: `hexfold_projection_healthy`, `_position`,
 * `_lag_events`, `_lag_events_at_most`, `_lag_seconds`, `_failed`, `_serves`, `_owners`,
 * `_unowned_parts`, `_events_per_second`, `_parked_keys`, `_parked_seconds`, `_unsent_seconds`,
 * `_overdue_seconds` and `_skipped_dead_letters`. It makes no spans.
 *
 * If the status cannot be read, no gauge says that all is well: `_lag_seconds` grows by
 * the time since the last reading, `_healthy` is 0 after the grace time, the counter
 * `hexfold_projection_status_failures_total` goes up, and the gauge
 * `hexfold_projection_status_timestamp_seconds` keeps the time of the last reading. An alarm on
 * that time fires even if nothing publishes the gauges any more. The other gauges keep their values.
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
  views: ReadonlyArray<Consumer>,
  { every = "10 seconds", ...options }: WatchOptions = {}
): Effect.Effect<never, never, EventStore | ProjectionStore | ViewStore> => {
  // Of other generations nobody runs a projection here, and their gauges would never end.
  const reading = statusOf(distinct("ProjectionMonitor.watch", views))
  return Effect.gen(function* () {
    const store = yield* ViewStore
    const limits = limitsOf(options)
    const report = reported({
      failing: "the status of the views could not be read",
      meanwhile: "only the gauges that say so change meanwhile",
      write: withMessage
    })
    let read: ReadonlyArray<Status> = []
    let readAt = yield* monotonicMillis
    const published = Effect.fnUntraced(function* (all: ReadonlyArray<Status>) {
      const now = yield* monotonicMillis
      read = all
      readAt = now
      const faults = lastingOf(store, read, limits, now)
      yield* Effect.forEach(read, (each, i) => statusMetrics.publish(each, faults[i]!.length === 0), { discard: true })
      yield* Metric.update(statusMetrics.readAt, (yield* Clock.currentTimeMillis) / 1_000)
      yield* report.succeeded
    })
    const missed = Effect.fnUntraced(function* (error: Error) {
      const since = Duration.millis((yield* monotonicMillis) - readAt)
      yield* Metric.update(statusMetrics.unreadable, 1)
      if (Duration.isGreaterThanOrEqualTo(since, limits.grace)) {
        yield* Effect.forEach(views, statusMetrics.publishUnknown, { discard: true })
      }
      yield* Effect.forEach(read, (each) => statusMetrics.publishOld(each, since), { discard: true })
      yield* report.failed(Cause.fail(error))
    })
    // A reading that takes too long is interrupted but not waited for: its connection may give no answer.
    return yield* Effect.timeout(disconnect(reading), every).pipe(
      Effect.flatMap(published),
      Effect.catch(missed),
      Effect.andThen(Effect.sleep(every)),
      Effect.forever
    )
  }).pipe(Effect.withTracerEnabled(false))
}

/**
 * Runs {@link watch} in the background for as long as the layer lives.
 *
 * @example
 * ```ts
 * import { Projection, ProjectionMonitor, View } from "@hexfold/core"
 * import { Layer } from "effect"
 *
 * declare const AccountSummary: View.Any
 * declare const stores: Layer.Layer<Projection.Stores>
 *
 * const live = Layer.mergeAll(Projection.layer([AccountSummary]), ProjectionMonitor.layer([AccountSummary])).pipe(
 *   Layer.provideMerge(stores)
 * )
 * ```
 */
export const layer = (
  views: ReadonlyArray<Consumer>,
  options?: WatchOptions
): Layer.Layer<never, never, EventStore | ProjectionStore | ViewStore> =>
  Layer.effectDiscard(Effect.forkScoped(watch(views, options)))

/** When {@link health} fails. */
export interface HealthOptions {
  /**
   * How long a fault that may pass by itself must last before it counts: no projection works on a view,
   * appends under way hold it back, or it is built without progress. 1 minute by default. Where the store
   * knows since when the fault lasts, that counts. Otherwise it lasts since the first check of this process
   * that has seen it, if every check since then has seen it too.
   */
  readonly grace?: Duration.Input
  /** The longest lag time of a healthy view, and the longest time that a timer or a command may wait. 1 minute by default. */
  readonly maxLagTime?: Duration.Input
  /** The most parked keys of a healthy view. 0 by default, because their records are out of date. */
  readonly maxParked?: number
  /**
   * The most dead letters of skipped events of a healthy view. 0 by default, because their records lack
   * what those events say. A rebuild with a corrected view begins to count anew.
   */
  readonly maxSkipped?: number
}

/**
 * Succeeds with the status of the views that are given if all of them are healthy. Fails with `Unhealthy`, which names
 * each fault with the facts:
 *
 * - `refused`: the log does not have the position that the view has reached, as after a restored backup;
 * - `another definition`: another definition of the same version has made the records;
 * - `other keys`: a version of a reactor waits for the parts of another one, whose keys may be others, to end at one position;
 * - `failed`: an event stopped the view;
 * - `unknown event`: the view waits for a process of the newer program that has recorded the event;
 * - `unowned`: no projection works on the view, or on a part of it, whether or not it has a lag;
 * - `stalled`: the view is being built, and makes no progress;
 * - `held`: appends under way hold back what the view can read;
 * - `late`: its lag time is above `maxLagTime`;
 * - `overdue`: a timer whose time is over has not fired for longer than `maxLagTime`;
 * - `unsent`: a command that a process has recorded has had no answer for longer than `maxLagTime`;
 * - `parked` and `skipped`: more than `maxParked` keys are parked, or more than `maxSkipped` events were skipped.
 *
 * `other keys`, `unknown event`, `unowned`, `stalled` and `held` may pass by themselves, for example while processes restart. They count
 * after a grace time. The others are reported at once, and so is `unowned` if the projection of this process
 * has ended by an error, for example because its role may not create a table. A version that is built is healthy
 * whatever its lag is, as long as it makes progress, because it does not answer queries yet.
 * Other generations in the store are not judged.
 *
 * @example
 * ```ts
 * import { ProjectionMonitor, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const route = ProjectionMonitor.health([AccountSummary], { maxLagTime: "30 seconds" }).pipe(
 *   Effect.map(() => ({ status: 200, body: "healthy" })),
 *   Effect.catch((error) => Effect.succeed({ status: 503, body: error.message }))
 * )
 * ```
 */
export const health = (
  views: ReadonlyArray<Consumer>,
  options: HealthOptions = {}
): Effect.Effect<
  ReadonlyArray<Status>,
  Unhealthy | EventStoreError | ViewStoreError,
  EventStore | ProjectionStore | ViewStore
> => {
  const reading = statusOf(distinct("ProjectionMonitor.health", views))
  return Effect.gen(function* () {
    const declared = yield* reading
    const faults = lastingOf(yield* ViewStore, declared, limitsOf(options), yield* monotonicMillis).flat()
    return faults.length === 0 ? declared : yield* new Unhealthy({ views: faults })
  })
}

const limitsOf = ({
  grace = "1 minute",
  maxLagTime = "1 minute",
  maxParked = 0,
  maxSkipped = 0
}: HealthOptions): Limits => ({
  grace: Duration.fromInputUnsafe(grace),
  maxLagTime: Duration.fromInputUnsafe(maxLagTime),
  maxParked,
  maxSkipped
})

/** What has lasted of the faults of each status. */
const lastingOf = (
  store: ViewStore["Service"],
  all: ReadonlyArray<Status>,
  limits: Limits,
  now: number
): ReadonlyArray<ReadonlyArray<Fault>> =>
  all.map((each) => {
    const { end, lasted } = sightOf(store).look(each, now)
    const faults = lastingFaults(each, limits, lasted)
    end()
    return faults
  })
