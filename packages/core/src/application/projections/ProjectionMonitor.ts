/** The status of projections, for operators, metrics and health checks. */
import * as Duration from "effect/Duration"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as View from "../../domain/View.ts"
import { distinct } from "../../domain/view/distinct.ts"
import { disconnect } from "../../internal/disconnect.ts"
import { reported, withMessage } from "../../internal/reported.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import type { ProjectionStore } from "../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import { Unhealthy } from "./errors.ts"
import { type Status, statusOf } from "./status.ts"
import * as statusMetrics from "./statusMetrics.ts"

export type { Held, Rebuild, State, Status } from "./status.ts"

/**
 * The status of views, whichever process runs their projections. An alarm should
 * look at `lagTime`: it grows while a view stands still, and stays small while
 * the view follows the events, however many there are. Throws if two of the views have
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
 *   for (const { lag, lagTime, state, view } of yield* ProjectionMonitor.status([AccountSummary])) {
 *     yield* Effect.log(`${view} is ${state}: its lag is ${lag} events and ${Duration.format(lagTime)}`)
 *   }
 * })
 * ```
 */
export const status = (
  views: ReadonlyArray<View.Any>
): Effect.Effect<ReadonlyArray<Status>, EventStoreError | ViewStoreError, EventStore | ProjectionStore | ViewStore> =>
  statusOf(distinct("ProjectionMonitor.status", views))

/** How often {@link watch} reads the status. */
export interface WatchOptions {
  /** The time between two readings, and the longest that one may take. 10 seconds by default. */
  readonly every?: Duration.Input
}

/**
 * Publishes the status of views as metrics at regular intervals, and never ends.
 * The gauges are, by view and version: `hexfold_projection_position`,
 * `_lag_events`, `_lag_seconds`, `_failed`, `_serves`, `_owners`,
 * `_events_per_second`, `_parked_keys` and `_skipped_dead_letters`. If the status
 * cannot be read, the gauges keep their values and the counter
 * `hexfold_projection_status_failures_total` goes up. It makes no spans.
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
): Effect.Effect<never, never, EventStore | ProjectionStore | ViewStore> => {
  distinct("ProjectionMonitor.watch", views)
  return Effect.suspend(() => {
    const report = reported({
      failing: "the status of the views could not be read",
      meanwhile: "their gauges stand still meanwhile",
      write: withMessage
    })
    // A reading that takes too long is interrupted but not waited for: its connection may give no answer.
    return Effect.timeout(disconnect(status(views)), every).pipe(
      Effect.flatMap(Effect.forEach(statusMetrics.publish)),
      Effect.andThen(report.succeeded),
      Effect.catch((error) =>
        Effect.andThen(Metric.update(statusMetrics.unreadable, 1), report.failed(Cause.fail(error)))
      ),
      Effect.andThen(Effect.sleep(every)),
      Effect.forever,
      Effect.withTracerEnabled(false)
    )
  })
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
  views: ReadonlyArray<View.Any>,
  options?: WatchOptions
): Layer.Layer<never, never, EventStore | ProjectionStore | ViewStore> =>
  Layer.effectDiscard(Effect.forkScoped(watch(views, options)))

/** When {@link health} fails. */
export interface HealthOptions {
  /** The longest lag time of a healthy view. 1 minute by default. */
  readonly maxLagTime?: Duration.Input
  /** The most parked keys of a healthy view. Any number by default. */
  readonly maxParked?: number
}

/**
 * Succeeds with the status if all views are healthy. Fails with `Unhealthy` if an
 * event stopped a view, if the log does not have the position that a view has
 * reached, if another definition of the version has made the records, if the lag time of a view is above `maxLagTime`, also because appends
 * under way hold the horizon back, or if a view has more parked keys than
 * `maxParked`. A version that a projection still
 * builds is healthy whatever its lag time is, because it does not answer queries yet.
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
  views: ReadonlyArray<View.Any>,
  { maxLagTime = "1 minute", maxParked = Infinity }: HealthOptions = {}
): Effect.Effect<
  ReadonlyArray<Status>,
  Unhealthy | EventStoreError | ViewStoreError,
  EventStore | ProjectionStore | ViewStore
> =>
  Effect.flatMap(status(views), (all) => {
    const unhealthy = all.flatMap((each): Unhealthy["views"] => {
      const { failure, held, lag, lagTime, parked, refusal, state, version, view } = each
      if (refusal !== undefined) return [{ view, version, reason: "refused", lag, lagTime, refusal }]
      if (state === "another definition") return [{ view, version, reason: state, lag, lagTime }]
      if (failure !== undefined) return [{ view, version, reason: "failed", lag, lagTime, failure }]
      const late = state !== "building" && Duration.isGreaterThan(lagTime, Duration.fromInputUnsafe(maxLagTime))
      if (late) return [{ view, version, reason: "late", lag, lagTime, ...(held && { holders: held.holders }) }]
      return parked > maxParked ? [{ view, version, reason: "parked", lag, lagTime, parked }] : []
    })
    return unhealthy.length === 0 ? Effect.succeed(all) : Effect.fail(new Unhealthy({ views: unhealthy }))
  })
