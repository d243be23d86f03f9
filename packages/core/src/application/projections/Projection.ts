/**
 * Keeps the records of views up to date with the events.
 *
 * Any number of processes may run the projection of a view. One of them owns the
 * view and works; the others wait, and one takes over when the owner's lease
 * ends. Each event is applied exactly once, whatever happens to the processes.
 *
 * Each `version` of a view has records of its own. A process reads those of its own
 * version, and only once they have caught up with the events. {@link build} makes them
 * ahead of a deployment. {@link rebuild} makes the records of the same version anew;
 * {@link verify} reports whether that is needed.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type * as View from "../../domain/View.ts"
import { distinct } from "../../domain/view/distinct.ts"
import { nextBeat } from "../../internal/beat.ts"
import { isRetryable } from "../../internal/retryable.ts"
import type { ViewStoreError, WaitTimeout } from "../../ports/errors.ts"
import { EventStore, type Horizon, type Position } from "../../ports/EventStore.ts"
import type { ProjectionStore } from "../../ports/ProjectionStore.ts"
import { ViewStore } from "../../ports/ViewStore.ts"
import { servingOf } from "../../ports/generation.ts"
import * as Definitions from "./definitions.ts"
import { dropFormer } from "./drop.ts"
import type { DefinitionDiffers } from "./errors.ts"
import { type ViewName, waitFor as waiting } from "../queries/waitFor.ts"
import { confirm, horizonOf, reachedBy } from "../events/positions.ts"
import { endsOf } from "./worker/ends.ts"
import type { Reader } from "./reading/eventReader.ts"
import type { Ownership } from "./worker/lease.ts"
import { type Failure, type Options, type Report, type RunOptions, keepForOf, settingsOf } from "./worker/options.ts"
import * as SharedReader from "./reading/sharedReader.ts"
import { warnOfStop } from "./worker/reports.ts"
import { makeAll } from "./worker/parts.ts"
import * as Worker from "./worker/worker.ts"

export type { ViewName } from "../queries/waitFor.ts"

export { drop, type DropOptions } from "./drop.ts"
export { rebuild, type Rebuilt, type RebuildOptions } from "./rebuild.ts"
export { deadLetters, retryParked, type Retried, type RetryOptions } from "./retryParked.ts"
export { type Difference, type Verified, verify, type VerifyOptions } from "./verify.ts"
export type { Failure, Options, Report, RunOptions } from "./worker/options.ts"
export { Process } from "./worker/process.ts"

/** What a projection works on: it reads events, and reads and writes the records of views. */
export type Stores = EventStore | ProjectionStore | ViewStore

/**
 * Applies all events up to the store's present horizon to a view's records, and
 * ends. If another projection owns the view, it waits until that one has come so
 * far, or takes over when the lease ends. It can be run again at any time: it
 * goes on from the position that the records have reached. Appends maintain an
 * inline view from then on.
 *
 * If an event cannot be applied, `onPoison` decides: skip it, park its key, or
 * stop (see {@link deadLetters} and {@link retryParked}). An event that only a newer
 * program knows always stops the view. Stopping fails with a
 * `ProjectionFailed` after all earlier events have been applied; the view's
 * status then names the event. A view that parks also stops when the event's
 * keys cannot be determined. Store errors are passed on. If another definition of the
 * same version has made the records, it fails with a `DefinitionDiffers`.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Effect.gen(function*() {
 *   const { events, position } = yield* Projection.catchUp(AccountSummary)
 *   yield* Effect.log(`applied ${events} events, now at ${position}`)
 * })
 * ```
 */
export const catchUp = (
  view: View.Any,
  options: Options = {}
): Effect.Effect<Report, Failure | DefinitionDiffers, Stores> => catchingUp(view, options, true)

const catchingUp = (
  view: View.Any,
  options: Options,
  promotes: boolean
): Effect.Effect<Report, Failure | DefinitionDiffers, Stores> =>
  Effect.gen(function* () {
    const workers = yield* makeAll(view, options)
    const horizon = yield* Worker.untraced(horizonOf(yield* EventStore))
    const reached = Effect.forEach(workers, caughtUp(horizon, promotes), { concurrency: "unbounded" })
    const positions = yield* Worker.untraced(reached)
    return {
      position: Math.min(...positions),
      events: workers.reduce((sum, { applied }) => sum + applied.events, 0),
      commits: workers.reduce((sum, { applied }) => sum + applied.commits, 0)
    }
  }).pipe(Effect.tapError((error) => warnOfStop(view, error)))

const caughtUp = (first: Horizon, promotes: boolean) => (worker: Worker.Worker) =>
  Effect.gen(function* () {
    let horizon = first
    const advancing = Effect.fnUntraced(function* (owned: Ownership) {
      if (owned.inline) return Math.max(owned.position, horizon.position)
      const reached = yield* worker.advance(owned, owned.position, horizon)
      if (!promotes) return reached
      // Every event is applied, even if a long transaction still keeps appends from maintaining the view.
      yield* Effect.retry(worker.promote(owned, reached, true), { while: isRetryable, times: 3 }).pipe(
        Effect.catchIf(isRetryable, () => Effect.succeed(false))
      )
      return reached
    })
    for (;;) {
      const done = yield* worker
        .asOwner(advancing)
        .pipe(Effect.catchTag(["CommitConflict", "HistoryEnded"], () => Effect.succeedNone))
      const position = Option.isSome(done) ? done.value : yield* worker.position(horizon)
      // Another owner may be beyond a log that has gone back.
      yield* confirm(worker.events, position, horizon)
      if (position >= horizon.position) return position
      yield* Effect.sleep(worker.pause)
      // Nothing can be read any more towards the end of a history that is over, and the log may never come so far again.
      const now = yield* horizonOf(worker.events)
      if (now.history !== horizon.history) horizon = now
    }
  })

/**
 * Makes the records of a version of a view ahead of its deployment, and ends when they
 * have caught up with the events: a process of that version, which begins soon after,
 * can read at once. It works like {@link catchUp}, beside the processes of other
 * versions, which it does not disturb. Appends do not maintain the records of an
 * inline view yet, because no process that knows the version appends.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Projection.build(AccountSummary).pipe(
 *   Effect.flatMap(({ position }) => Effect.log(`built up to position ${position}: deploy`))
 * )
 * ```
 */
export const build = (
  view: View.Any,
  options: Options = {}
): Effect.Effect<Report, Failure | DefinitionDiffers, Stores> => catchingUp(view, options, false)

/**
 * Waits until a version of a view answers queries, and works on it until then if no
 * other projection does: for a job before processes are rolled back to that version.
 * Works and fails like {@link catchUp}.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Projection.serve(AccountSummary)
 * ```
 */
export const serve = (
  view: View.Any,
  options: Options = {}
): Effect.Effect<Report, Failure | DefinitionDiffers, Stores> =>
  Effect.gen(function* () {
    const { status } = yield* ViewStore
    const { pause } = settingsOf(options)
    for (;;) {
      const report = yield* catchUp(view, options)
      if (servingOf(view, yield* Worker.untraced(status)) !== undefined) return report
      yield* Effect.sleep(pause)
    }
  })

/**
 * Keeps the records of a view up to date and never ends. It applies all present
 * events, then each new event soon after its append. It leaves an inline view to
 * the appends, and checks from time to time whether they still maintain it; if
 * one could not, it applies the events again until they can.
 *
 * While another projection owns the view, it waits to take over. While a store is
 * unavailable, it waits, and then goes on from the position that the records have
 * reached. If it is interrupted, it finishes the present commit and releases the
 * lease. While the records are of another definition of the same version, it does not
 * work: it logs a warning that says what to do, again at growing intervals, and goes on
 * once there are records of its own definition. Before an event that only a newer program
 * knows it gives up its lease, so that a process of that program takes over, and tries again
 * after a pause.
 *
 * It fails like {@link catchUp}, but not for errors that waiting cures. It makes
 * no spans, except `Projection.batch` for each batch that applies events, each in
 * a trace of its own.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Projection.run(AccountSummary, { lease: "30 seconds" }).pipe(
 *   Effect.catchTag("ProjectionFailed", (failed) => Effect.logError(failed.position, failed.cause))
 * )
 * ```
 */
export const run = (view: View.Any, options: Options = {}): Effect.Effect<never, Failure, Stores> =>
  Effect.tapError(runWith(view, options), (error) => warnOfStop(view, error))

const runWith = (view: View.Any, options: RunOptions, read?: Reader): Effect.Effect<never, Failure, Stores> =>
  Effect.gen(function* () {
    const ends = endsOf(yield* ViewStore)
    const workers = yield* makeAll(view, options, read)
    const definitions = Definitions.make(view, options)
    ends.begun(view)
    const working = Effect.forEach(workers, (worker) => following(view, worker, definitions), {
      concurrency: "unbounded",
      discard: true
    })
    return yield* working.pipe(
      Effect.andThen(Effect.never),
      Effect.tapError((error) => Effect.sync(() => ends.ended(view, error))),
      Worker.untraced
    )
  })

const following = (
  view: View.Any,
  worker: Worker.Worker,
  { differs, same }: Definitions.Definitions
): Effect.Effect<never, Failure, Stores> =>
  worker
    .asOwner((owned) =>
      Effect.andThen(
        same,
        owned.inline ? worker.standBy(owned) : Effect.andThen(follow(worker, owned), worker.standBy(owned))
      )
    )
    .pipe(
      Effect.andThen(same),
      Effect.andThen(worker.whileHeld),
      Effect.catchTag("DefinitionDiffers", (error) => Effect.andThen(differs(error), Effect.sleep(worker.pause))),
      // Whether or not a commit has succeeded, the next claim says which position the records have reached.
      Effect.catch((error) => {
        const name = `${view.name}, version ${view.version}`
        if (error._tag === "HistoryEnded") {
          return Effect.andThen(Effect.logInfo(`${name}: begins anew: ${error.message}`), Effect.sleep(worker.pause))
        }
        if (error._tag === "CommitConflict") {
          return Effect.logInfo(`${name}: goes on after a commit of another projection: ${error.message}`)
        }
        // Its lease is given up: a process of the program that knows the event takes over.
        if (error._tag === "ProjectionFailed" && error.step === "unknown") {
          return Effect.andThen(worker.unknown.failed(Cause.fail(error)), Effect.sleep(worker.pause))
        }
        if (!isRetryable(error)) return Effect.fail(error)
        return Effect.andThen(worker.failures.failed(Cause.fail(error)), Effect.sleep(worker.pause))
      }),
      Effect.forever
    )

// Ends when appends maintain the view. If they cannot yet, as with parked keys or while processes append that do not know
// the definition, the view is followed like an async one. They are asked again after each pause, also if nothing is
// appended. So is the store whether the generation may answer: each part asks when it has reached a horizon, and is
// refused as long as another part has not. Two parts may have read different horizons, with no event in between, so
// without another question none would be the last to ask. Both loops write from the position that the records have
// reached, so only one of them works at a time.
const follow = (worker: Worker.Worker, owned: Ownership) =>
  Effect.suspend(() => {
    const alone = Semaphore.makeUnsafe(1)
    let position: number | undefined
    let latest: Horizon | undefined
    let askAgain = 0
    const promoted = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (position === undefined || now < askAgain) return false
      askAgain = now + Duration.toMillis(worker.pause)
      return yield* Effect.catchIf(worker.promote(owned, position), isRetryable, () => Effect.succeed(false))
    })
    const following = Stream.runForEachWhile(worker.events.horizons, (horizon) =>
      alone.withPermit(
        Effect.gen(function* () {
          latest = horizon
          position = yield* worker.advance(owned, position ?? owned.position, horizon)
          return !(yield* promoted)
        })
      )
    )
    const onBeats = <E>(work: Effect.Effect<boolean, E>) =>
      Effect.repeat(Effect.andThen(nextBeat(worker.pause), alone.withPermit(work)), { until: (done) => done })
    if (worker.promotes) return Effect.raceFirst(following, Effect.asVoid(onBeats(promoted)))
    if (!worker.asksAgain()) return following
    const answers = Effect.gen(function* () {
      if (latest === undefined || position === undefined) return false
      if (worker.asksAgain()) position = yield* worker.advance(owned, position, latest)
      return !worker.asksAgain()
    })
    return Effect.raceFirst(following, Effect.andThen(onBeats(answers), Effect.never))
  })

/**
 * Runs the projections of views in the background for as long as the layer lives.
 * Closing the layer interrupts them like {@link run}. If one fails, it logs an
 * error and stops; the others go on. It does not start again until the layer is
 * built again, for example by restarting the process. The views of one layer share what
 * they read of the events if their positions are close to each other.
 *
 * Throws if two of the views have the same name and version. Two versions of one view may
 * run side by side. Where the records of a view are of another definition of the same
 * version, its projection does not work, or with `onChange` builds them anew.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Layer } from "effect"
 *
 * declare const AccountSummary: View.Any
 * declare const Deposits: View.Any
 * declare const stores: Layer.Layer<Projection.Stores>
 *
 * const live = Projection.layer([AccountSummary, Deposits]).pipe(Layer.provideMerge(stores))
 * ```
 */
export const layer = (
  views: View.Any | ReadonlyArray<View.Any>,
  options: RunOptions = {}
): Layer.Layer<never, never, Stores> => {
  const all = distinct("Projection.layer", "name" in views ? [views] : views)
  const keepFor = options.keepFor === undefined ? undefined : keepForOf(options.keepFor)
  return Layer.effectDiscard(
    Effect.gen(function* () {
      const reader = SharedReader.make(all, yield* EventStore)
      if (keepFor !== undefined) {
        yield* Effect.forEach(all, (view) => Effect.forkScoped(Worker.untraced(dropFormer(view, keepFor))))
      }
      yield* Effect.forEach(all, (view) =>
        runWith(view, options, all.length > 1 ? reader(view) : undefined).pipe(
          Effect.tapCause((cause) => logStop(view, cause)),
          Effect.forkScoped
        )
      )
    })
  )
}

const logStop = (view: View.Any, cause: Cause.Cause<Failure>) => {
  const text = `${view.name}, version ${view.version}: the projection has stopped`
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined) return Effect.logError(text, cause)
  const advice =
    error._tag === "ProjectionFailed"
      ? 'Correct the view or its events and restart the process, or let the view go on with `onPoison: "skip"` or "park"'
      : isLost(error)
        ? "The log has gone back before the view: build its records anew with `Projection.rebuild`, and restart the process"
        : "Remove the cause and restart the process"
  return Effect.logError(`${text}: ${error.message}. ${advice}.`)
}

// A projection reads only after positions that were checked, or that the store has given.
const isLost = (error: Failure): boolean =>
  error._tag === "EventStoreError" &&
  error.operation === "readAll" &&
  (error.reason._tag === "PositionFromAnotherHistory" || error.reason._tag === "Rejected")

/** How long {@link waitFor} and {@link waitUntil} wait. */
export interface WaitOptions {
  /**
   * How long to wait at most. 15 seconds by default, which is longer than the
   * default lease: so another projection can take over from one that died.
   */
  readonly timeout?: Duration.Input
}

/**
 * After a command, waits until the records of views reflect it, and passes its
 * receipt on. It does not matter which process applies the events. A receipt
 * without events is reflected at once, and so is every receipt by an inline view
 * that appends maintain. An event that was skipped or parked is not waited for.
 *
 * Fails with a `WaitTimeout` if a view is too late, and sooner if waiting does not
 * help: at once if an event has stopped the view, after 5 seconds if no projection has
 * begun to build its version, and after 12 seconds if none works on it. It goes on waiting while
 * a projection makes another build of the version. The command has happened all
 * the same, and the error keeps its receipt: do not execute the command again
 * without a command id. To go on waiting, use {@link waitUntil}. Fails with a
 * `ViewStoreError` if the view store cannot report the positions of the views; the
 * command has happened then, too.
 *
 * If the event store is in the context, a receipt that the log does not have, or not
 * any more, is refused at once, and so is a view whose position the log does not
 * have: a `ViewStoreError` with the reason `PositionFromAnotherHistory` or `Rejected`.
 *
 * @example
 * ```ts
 * import { Executor, Projection, View } from "@hexfold/core"
 * import type { Aggregate } from "@hexfold/core"
 *
 * interface Increment { readonly _tag: "Increment" }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, Increment, never, never>
 * declare const Counts: View.Any
 *
 * const program = Executor.execute(Counter, "visits", { _tag: "Increment" }).pipe(
 *   Projection.waitFor([Counts], { timeout: "30 seconds" })
 * )
 * ```
 */
export const waitFor =
  (views: ViewName | ReadonlyArray<ViewName>, options: WaitOptions = {}) =>
  <Receipt extends { readonly position: number; readonly history?: number }, E, R>(
    executing: Effect.Effect<Receipt, E, R>
  ): Effect.Effect<Receipt, E | WaitTimeout<Receipt> | ViewStoreError, R | ViewStore> =>
    Effect.tap(executing, (receipt) => waiting(listOf(views), reachedBy(receipt), receipt, options.timeout))

/**
 * Waits until the records of views reflect all events up to a position, like
 * {@link waitFor} after a command. A receipt is such a position. With a number
 * nobody can say of which history of the log it is. With position 0 it waits only until
 * the views answer queries.
 *
 * Fails with a `WaitTimeout` that says how far the first of the late views has
 * come.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 *
 * declare const Counts: View.Any
 *
 * const program = Projection.waitUntil([Counts], 17, { timeout: "2 seconds" })
 * ```
 */
export const waitUntil = (
  views: ViewName | ReadonlyArray<ViewName>,
  position: number | Position,
  options: WaitOptions = {}
): Effect.Effect<void, WaitTimeout<undefined> | ViewStoreError, ViewStore> =>
  waiting(listOf(views), position, undefined, options.timeout)

const listOf = (views: ViewName | ReadonlyArray<ViewName>): ReadonlyArray<ViewName> =>
  "name" in views ? [views] : views
