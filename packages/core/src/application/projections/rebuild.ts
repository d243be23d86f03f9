import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../../domain/View.ts"
import * as Dropping from "./drop.ts"
import { horizonOf } from "./worker/eventReader.ts"
import { type Build, buildsOf, isLater, isSame, servingOf } from "../../ports/generation.ts"
import { isRetryable } from "../../internal/retryable.ts"
import * as Worker from "./worker/worker.ts"
import { EventStore } from "../../ports/EventStore.ts"
import { type Generation, type Status, ViewStore } from "../../ports/ViewStore.ts"
import type { ViewStoreError } from "../../ports/errors.ts"
import { DropRefused, RebuildOvertaken } from "./errors.ts"
import type { Failure, Options, Report } from "./Projection.ts"

/** How a view is rebuilt. */
export interface RebuildOptions extends Omit<Options, "parts" | "workers"> {
  /**
   * Only the events behind this position are in the new records; all, if not
   * given. One that is not between 0 and the store's horizon is a defect.
   */
  readonly after?: number
}

/** What {@link rebuild} did. */
export interface Rebuilt extends Report {
  /** The number of the build that serves now, */
  readonly build: number
  /** and what was last seen to serve before: nothing, if there were no records yet. */
  readonly replaced: { readonly version: number; readonly build: number } | undefined
}

/**
 * Builds the records of a view anew beside those that serve, and lets them
 * serve as soon as they have caught up: then queries are answered from the new
 * ones at once. Until then the old ones serve, and the running projection keeps
 * them up to date; it goes on with the new ones by itself. The old ones stay
 * until {@link drop}.
 *
 * One worker makes them; where the running projection divides the keys, it does
 * so after the switch. How far it is can be seen from any process, as `rebuild`
 * in `ProjectionMonitor.status`.
 * While a store is away it waits and goes on. Interrupted or failed, it leaves
 * an unfinished build, which the next rebuild drops; two at once
 * build beside each other, and the build with the higher number stays.
 *
 * Fails with a `ProjectionFailed` for an event that cannot be applied, unless the
 * view skips or parks it; the new build has dead letters of its own then. Fails with a
 * `RebuildOvertaken` if a later build or version serves, and with what befell a
 * store that waiting does not cure.
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
): Effect.Effect<Rebuilt, Failure | RebuildOvertaken, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const { after = 0 } = options
    const records = yield* ViewStore
    const horizon = yield* horizonOf(yield* EventStore)
    if (!Number.isSafeInteger(after) || after < 0 || after > horizon) {
      throw new Error(`${after} is no position up to the horizon, ${horizon}`)
    }
    for (;;) {
      const all = yield* records.status
      const builds = buildsOf(view, all)
      const build = 1 + Math.max(0, ...builds.map((each) => each.build))
      const serving = servingOf(view, all)
      // Before anything is dropped: what has served before a later version is no unfinished build.
      if (serving !== undefined && serving.version > view.version) {
        return yield* overtaken(view, { build, after }, serving)
      }
      for (const unfinished of builds.filter(isNobodys)) {
        yield* Effect.catchTag(Dropping.drop(records, unfinished), "DropRefused", () => Effect.void)
      }
      const built = yield* building(view, options, { build, after })
      if (Option.isSome(built)) return built.value
    }
  })

/** Builds the generation; none if another one has taken its number. */
const building = Effect.fnUntraced(function* (view: View.Any, options: Options, target: Worker.Build) {
  const records = yield* ViewStore
  const worker = yield* Worker.make(view, options, { generation: target })
  let isOurs = false
  let replaced: Status | undefined
  const place = { version: view.version, build: target.build }
  const isTarget = (now: Status | undefined) => now !== undefined && isSame(now, place)
  const report = (position: number) => {
    const { applied } = worker
    return Option.some({ ...applied, position, build: target.build, replaced: replaced && placeOf(replaced) })
  }
  const serving = Effect.flatMap(records.status, (all) => {
    const found = servingOf(view, all)
    return found !== undefined && isLater(found, place)
      ? Effect.fail(overtaken(view, target, found))
      : Effect.succeed(found)
  })

  const working = Effect.flatMap(serving, (before) => {
    // What failed came after the switch: the running projection has the build now.
    if (isOurs && before !== undefined && isTarget(before)) return Effect.succeed(Option.some(report(before.position)))
    return worker.owned((owned) =>
      Effect.gen(function* () {
        // A build that another one has begun may hold other events, and is not ours to finish.
        if (!isOurs && owned.position !== target.after) return Option.none<Rebuilt>()
        isOurs = true
        let position = owned.position
        replaced = before
        // Whoever was ahead of us when we asked to serve stands at a horizon that comes yet.
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
        error._tag === "CommitConflict" || isRetryable(error)
          ? Effect.as(Effect.logWarning(`${view.name}: the rebuild goes on where its records stand`, error), undecided)
          : Effect.fail(error)
      )
    )
    if (Option.isSome(done)) return done.value
    if (!isOurs) return Option.none<Rebuilt>()
    yield* Effect.sleep(worker.pause)
  }
})

/** Which records of a view to drop. */
export interface DropOptions {
  readonly view: { readonly name: string }
  readonly version: number
  /** All builds of the version, if not given. */
  readonly build?: number
}

/**
 * Removes generations of a view with all their records, and returns them: none
 * if there are no such ones.
 *
 * A projection of a version that is dropped begins it anew: end it first.
 *
 * Fails with a `DropRefused`, and drops nothing, if one of them serves; and with
 * one for the first that a projection owns.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Projection.drop({ view: AccountSummary, version: 1 }).pipe(
 *   Effect.catchTag("DropRefused", (refused) => Effect.logWarning(refused.message))
 * )
 * ```
 */
export const drop = ({
  build,
  version,
  view
}: DropOptions): Effect.Effect<ReadonlyArray<Required<Generation>>, DropRefused | ViewStoreError, ViewStore> =>
  Effect.gen(function* () {
    const records = yield* ViewStore
    const named = buildsOf({ name: view.name, version }, yield* records.status).filter(
      (each) => build === undefined || each.build === build
    )
    const serving = named.find(({ serves }) => serves)
    if (serving !== undefined) {
      return yield* new DropRefused({ view: view.name, ...placeOf(serving), reason: "Serves" })
    }
    for (const each of named) yield* Dropping.drop(records, each)
    return named.map((each) => ({ view: view.name, ...placeOf(each) }))
  })

const undecided = Option.none<Option.Option<Rebuilt>>()

const isNobodys = ({ parts, replaced, serves }: Status): boolean =>
  !serves && !replaced && parts.every(({ owner }) => owner === undefined)

const placeOf = ({ build, version }: Build): Build => ({ version, build })

const overtaken = ({ name, version }: View.Any, { build }: Worker.Build, serving: Build) =>
  new RebuildOvertaken({ view: name, version, build, serving: placeOf(serving) })
