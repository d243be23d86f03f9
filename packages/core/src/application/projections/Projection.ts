/**
 * Keeps the records of views up to date with the events.
 *
 * Any number of processes may run the projection of a view: one owns it and
 * works, the others wait and take over when its lease ends. Whatever happens to
 * them, each event is applied exactly once.
 *
 * A view with a new `version` is built beside the records of the one before,
 * and answers the queries from the moment when it has caught up. So is one that
 * is rebuilt; {@link verify} tells whether that is needed.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../../domain/View.ts"
import { horizonOf, type Reader } from "./worker/eventReader.ts"
import type { Owned } from "./worker/lease.ts"
import { isRetryable } from "../../internal/retryable.ts"
import * as SharedReader from "./worker/sharedReader.ts"
import * as Worker from "./worker/worker.ts"
import { type ViewName, waitFor as waiting } from "../queries/waitFor.ts"
import { EventStore } from "../../ports/EventStore.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import type { ProjectionFailed } from "../views/errors.ts"
import type { WaitTimeout } from "../queries/errors.ts"

export type { ViewName } from "../queries/waitFor.ts"

export { deadLetters, retryParked, type Retried, type RetryOptions } from "./retryParked.ts"

export { drop, type DropOptions, rebuild, type Rebuilt, type RebuildOptions } from "./rebuild.ts"
export { type Difference, type Verified, verify, type VerifyOptions } from "./verify.ts"

/** How a projection works. A time that is not above 0, or never ends, is a defect. */
export interface Options {
  /** The most events of one batch, which is in memory as a whole; 1,000 if not given. Less than 1 is a defect. */
  readonly batch?: number
  /**
   * How long the ownership lasts unless it is renewed, which a live projection
   * does thrice in this time: another one takes over after it. 10 seconds if
   * not given. No answer of the view store is waited for longer.
   */
  readonly lease?: Duration.Input
  /**
   * The time between two attempts to own a view, after a failure of a store, and
   * between two looks at an inline view that appends maintain; 1 second if not
   * given.
   */
  readonly pause?: Duration.Input
  /**
   * Divides the keys of the view into so many parts, each with an owner of its
   * own, so that several processes share the work; 1 if not given. Each reads
   * all events of the view and folds those that touch its keys. All processes
   * must say the same; another number takes effect once no projection with the
   * one before runs any more. At most 1,000. In more than one part an inline view
   * is kept as an async one.
   */
  readonly parts?: number
  /** The most parts that are owned here at once, so that there are some for other processes; all if not given. */
  readonly workers?: number
}

/** What {@link catchUp} did. */
export interface Report {
  /** The position that the view has reached. */
  readonly position: number
  /** How many events were applied here, not counting another owner's, */
  readonly events: number
  /** and in how many commits. */
  readonly commits: number
}

/** Why a projection ends by itself. */
export type Failure = ProjectionFailed | EventStoreError | ViewStoreError

/**
 * Applies all events up to the store's present horizon to a view's records, and
 * ends. Where another projection owns the view it waits until that one has come
 * so far, or takes over.
 *
 * An event that cannot be applied is skipped or parked, where the view says so
 * with `onPoison`: see {@link deadLetters} and {@link retryParked}. Else this fails
 * with a `ProjectionFailed`, after the events before it are applied and the
 * view's status tells of it; so it does where a view parks keys and the event's
 * are not known. It fails too with whatever befell a store. It can be run again
 * at any time: it goes on where the records stand.
 *
 * An inline view is then left to the appends, which maintain it from that
 * moment on.
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
): Effect.Effect<Report, Failure, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const workers = yield* Worker.makeAll(view, options)
    const horizon = yield* horizonOf(yield* EventStore)
    const positions = yield* Effect.forEach(workers, caughtUp(horizon), { concurrency: "unbounded" })
    return {
      position: Math.min(...positions),
      events: workers.reduce((sum, { applied }) => sum + applied.events, 0),
      commits: workers.reduce((sum, { applied }) => sum + applied.commits, 0)
    }
  })

const caughtUp = (horizon: number) => (worker: Worker.Worker) =>
  Effect.gen(function* () {
    const advancing = Effect.fnUntraced(function* (owned: Owned) {
      if (owned.inline) return Math.max(owned.position, horizon)
      const reached = yield* worker.advance(owned, owned.position, horizon)
      // Everything is applied, also where a transaction that stays open keeps appends from maintaining the view yet.
      yield* Effect.retry(worker.promote(owned, reached), { while: isRetryable, times: 3 }).pipe(
        Effect.catchIf(isRetryable, () => Effect.succeed(false))
      )
      return reached
    })
    for (;;) {
      const done = yield* worker.owned(advancing).pipe(Effect.catchTag("CommitConflict", () => Effect.succeedNone))
      const position = Option.isSome(done) ? done.value : yield* worker.position(horizon)
      if (position >= horizon) return position
      yield* Effect.sleep(worker.pause)
    }
  })

/**
 * Keeps the records of a view up to date and never ends: works through what
 * there is, then applies each new event soon after its append. An inline view
 * it then leaves to the appends, and looks from time to time whether they still
 * maintain it: if one could not, it works again until they can.
 *
 * While another projection owns the view, it waits to take over. While a store
 * is away, it waits and goes on where the records stand. Interrupted, it ends
 * the commit under way and frees the view for the next owner.
 *
 * Fails as {@link catchUp} does, but for what waiting cures.
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
export const run = (view: View.Any, options: Options = {}): Effect.Effect<never, Failure, EventStore | ViewStore> =>
  runWith(view, options)

const runWith = (
  view: View.Any,
  options: Options,
  read?: Reader
): Effect.Effect<never, Failure, EventStore | ViewStore> =>
  Effect.flatMap(Worker.makeAll(view, options, read), (workers) =>
    Effect.andThen(
      Effect.forEach(workers, (worker) => following(view, worker), { concurrency: "unbounded", discard: true }),
      Effect.never
    )
  )

const following = (view: View.Any, worker: Worker.Worker): Effect.Effect<never, Failure> =>
  worker
    .owned((owned) =>
      owned.inline ? worker.standBy(owned) : Effect.andThen(follow(worker, owned), worker.standBy(owned))
    )
    .pipe(
      Effect.andThen(Effect.sleep(worker.pause)),
      // Whatever became of a commit, the next claim tells where the records stand.
      Effect.catch((error) => {
        if (error._tag === "CommitConflict") return Effect.logInfo(`${view.name}: the projection begins anew`, error)
        if (!isRetryable(error)) return Effect.fail(error)
        const logged = Effect.logWarning(`${view.name}: the projection begins anew`, error)
        return Effect.andThen(logged, Effect.sleep(worker.pause))
      }),
      Effect.forever
    )

// Ends when appends maintain the view. Where they do not yet, as beside parked
// keys, it stays like any other, and asks again at most once in a pause.
const follow = (worker: Worker.Worker, owned: Owned) =>
  Effect.suspend(() => {
    let position = owned.position
    let askAgain = 0
    return Stream.runForEachWhile(worker.events.horizons, (horizon) =>
      Effect.gen(function* () {
        position = yield* worker.advance(owned, position, horizon)
        const now = yield* Clock.currentTimeMillis
        if (now < askAgain) return true
        askAgain = now + Duration.toMillis(worker.pause)
        return !(yield* Effect.catchIf(worker.promote(owned, position), isRetryable, () => Effect.succeed(false)))
      })
    )
  })

/**
 * Runs the projections of views in the background for as long as the layer
 * lives; closing it ends them as interrupting {@link run} does. One that fails
 * is logged and stops, the others go on; it does not begin again here. Views that stand close to each other
 * share what is read of the events.
 *
 * @example
 * ```ts
 * import { EventStore, Projection, View, ViewStore } from "@hexfold/core"
 * import { Layer } from "effect"
 *
 * declare const AccountSummary: View.Any
 * declare const Deposits: View.Any
 * declare const stores: Layer.Layer<EventStore.EventStore | ViewStore.ViewStore>
 *
 * const live = Projection.layer([AccountSummary, Deposits]).pipe(Layer.provideMerge(stores))
 * ```
 */
export const layer = (
  views: View.Any | ReadonlyArray<View.Any>,
  options: Options = {}
): Layer.Layer<never, never, EventStore | ViewStore> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const all = "name" in views ? [views] : views
      const reader = SharedReader.make(all, yield* EventStore)
      yield* Effect.forEach(all, (view) =>
        runWith(view, options, all.length > 1 ? reader(view) : undefined).pipe(
          Effect.tapCause((cause) => Effect.logError(`${view.name}: the projection has stopped`, cause)),
          Effect.forkScoped
        )
      )
    })
  )

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
 * Fails with a `WaitTimeout` if a view is too late. The command has happened all
 * the same, and the error keeps its receipt: do not execute the command again
 * without a command id. To go on waiting, use {@link waitUntil}. Fails with a
 * `ViewStoreError` if the view store cannot say where the views stand; the
 * command has happened then, too.
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
  <Receipt extends { readonly position: number }, E, R>(
    executing: Effect.Effect<Receipt, E, R>
  ): Effect.Effect<Receipt, E | WaitTimeout<Receipt> | ViewStoreError, R | ViewStore> =>
    Effect.tap(executing, (receipt) => waiting(listOf(views), receipt.position, receipt, options.timeout))

/**
 * Waits until the records of views reflect all events up to a position, like
 * {@link waitFor} after a command.
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
  position: number,
  options: WaitOptions = {}
): Effect.Effect<void, WaitTimeout<undefined> | ViewStoreError, ViewStore> =>
  waiting(listOf(views), position, undefined, options.timeout)

const listOf = (views: ViewName | ReadonlyArray<ViewName>): ReadonlyArray<ViewName> =>
  "name" in views ? [views] : views
