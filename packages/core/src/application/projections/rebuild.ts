import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../../domain/View.ts"
import { reported, withMessage } from "../../internal/reported.ts"
import { isRetryable } from "../../internal/retryable.ts"
import { EventStore, type Position } from "../../ports/EventStore.ts"
import {
  type Build,
  buildsOf,
  isLater,
  isNobodys,
  isOfAnother,
  isSame,
  placeOf as generationOf,
  servingOf,
  type Status
} from "../../ports/generation.ts"
import { placeOf } from "../../ports/PositionCheck.ts"
import { ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { dropGeneration } from "./drop.ts"
import { RebuildOvertaken } from "./errors.ts"
import { confirm, horizonOf } from "../events/positions.ts"
import type { Failure, Options, Report } from "./worker/options.ts"
import { warnOfStop } from "./worker/reports.ts"
import * as Worker from "./worker/worker.ts"

/** How a view is rebuilt. */
export interface RebuildOptions extends Omit<Options, "parts" | "maxParts"> {
  /**
   * Only the events after this position are applied to the new records. By
   * default all are. A number that is not between 0 and the store's horizon is a
   * defect. A `Position` that the log does not have is refused by the store.
   */
  readonly after?: number | Position
}

/** What {@link rebuild} did. */
export interface Rebuilt extends Report {
  /** The number of the build that answers the queries now. */
  readonly build: number
  /** The generation that answered before. Undefined if the view had no records yet. */
  readonly replaced: { readonly version: number; readonly build: number } | undefined
}

/**
 * Builds the records of a view anew beside those that answer the queries. When
 * the new records have caught up, they answer instead, all at once. Until then
 * the running projection keeps the old records up to date; afterwards it goes on
 * with the new ones by itself. The old records stay until they are dropped with
 * `Projection.drop`.
 *
 * One worker builds the new records. If the running projection divides the keys,
 * it does so after the switch. Every process can see the progress, as `rebuild`
 * in `ProjectionMonitor.status`. While a store is unavailable, the rebuild waits
 * and then goes on. If it is interrupted or fails, it leaves an unfinished build,
 * which the next rebuild drops. Two rebuilds at once work beside each other, and
 * the build with the higher number stays.
 *
 * If the definition has changed under the same version, the new records are those of the
 * definition in this process. From the switch on, the projections of processes with the
 * former definition do not work.
 *
 * Fails with a `ProjectionFailed` for an event that cannot be applied, unless the
 * view skips or parks such events; the new build has dead letters of its own.
 * Fails with a `RebuildOvertaken` if a later build answers the queries.
 * Errors of a store that waiting does not cure are passed on.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Effect.gen(function*() {
 *   const { build, events, replaced } = yield* Projection.rebuild(AccountSummary, { batch: 5_000 })
 *   yield* Effect.log(`build ${build} serves with ${events} events`)
 *   if (replaced !== undefined) yield* Projection.drop({ view: AccountSummary, ...replaced })
 * })
 * ```
 */
export const rebuild = (
  view: View.Any,
  options: RebuildOptions = {}
): Effect.Effect<Rebuilt, Failure | RebuildOvertaken, EventStore | ProjectionStore | ViewStore> =>
  Effect.gen(function* () {
    const store = yield* ProjectionStore
    const { status } = yield* ViewStore
    const events = yield* EventStore
    const after = placeOf(options.after) ?? 0
    const log = yield* Worker.untraced(horizonOf(events))
    if (typeof options.after === "object") yield* Worker.untraced(confirm(events, options.after, log))
    const horizon = log.position
    if (!Number.isSafeInteger(after) || after < 0 || after > horizon) {
      throw new Error(`${after} is not a position up to the horizon, ${horizon}`)
    }
    for (;;) {
      const all = yield* Worker.untraced(status)
      const builds = buildsOf(view, all)
      const build = 1 + Math.max(0, ...builds.map((each) => each.build))
      for (const unfinished of builds.filter(isNobodys)) {
        const dropping = Effect.catchTag(dropGeneration(store, unfinished), "DropRefused", () => Effect.void)
        yield* Worker.untraced(dropping)
      }
      const built = yield* building(view, options, { build, after })
      if (Option.isSome(built)) return built.value
    }
  }).pipe(Effect.tapError((error) => warnOfStop(view, error)))

/** Builds the generation. Gives nothing if another rebuild has taken its number. */
const building = Effect.fnUntraced(function* (view: View.Any, options: Options, target: Worker.Build) {
  const { status } = yield* ViewStore
  const worker = yield* Worker.make(view, options, { generation: target })
  const failures = reported({
    failing: `${view.name}: the rebuild goes on after a failure`,
    write: withMessage
  })
  let isOurs = false
  let replaced: Status | undefined
  const place = { version: view.version, build: target.build }
  const isTarget = (now: Status | undefined) => now !== undefined && isSame(now, place) && !isOfAnother(view, now)
  const report = (position: number) => {
    const { applied } = worker
    return Option.some({ ...applied, position, build: target.build, replaced: replaced && generationOf(replaced) })
  }
  const serving = Effect.flatMap(status, (all) => {
    const found = servingOf(view, all)
    return found !== undefined && isLater(found, place)
      ? Effect.fail(overtaken(view, target, found))
      : Effect.succeed(found)
  })

  const working = Effect.flatMap(serving, (before) => {
    // The failure came after the switch, and the running projection owns the build now.
    if (isOurs && before !== undefined && isTarget(before)) return Effect.succeed(Option.some(report(before.position)))
    return worker.asOwner((owned) =>
      Effect.gen(function* () {
        // A build that another rebuild has begun may hold other events. It is not ours to finish.
        if (!isOurs && owned.position !== target.after) return Option.none<Rebuilt>()
        isOurs = true
        let position = owned.position
        replaced = before
        // If the former generation was ahead when this one asked to answer, it asks again at the next horizon.
        yield* Stream.runForEachWhile(worker.events.horizons, (horizon) =>
          Effect.gen(function* () {
            position = yield* worker.advance(owned, position, horizon)
            yield* worker.promote(owned, position)
            const now = yield* serving
            if (isTarget(now)) return false
            replaced = now
            return true
          })
        )
        return report(position)
      })
    )
  })

  for (;;) {
    const done = yield* working.pipe(
      Effect.catch((error) =>
        error._tag === "DefinitionDiffers"
          ? // A rebuild of another definition has taken the number, at once or after ours was dropped.
            isOurs
            ? Effect.fail(overtaken(view, target, place))
            : Effect.succeed(undecided)
          : error._tag === "CommitConflict" || error._tag === "HistoryEnded" || isRetryable(error)
            ? Effect.as(failures.failed(Cause.fail(error)), undecided)
            : Effect.fail(error)
      ),
      Worker.untraced
    )
    if (Option.isSome(done)) return done.value
    if (!isOurs) return Option.none<Rebuilt>()
    yield* Effect.sleep(worker.pause)
  }
})

const undecided = Option.none<Option.Option<Rebuilt>>()

const overtaken = ({ name, version }: View.Any, { build }: Worker.Build, serving: Build) =>
  new RebuildOvertaken({ view: name, version, build, serving: generationOf(serving) })
