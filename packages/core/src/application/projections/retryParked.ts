/** What projections could not apply: dead letters, and another try for those that are parked. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../../domain/View.ts"
import * as ParkedKey from "./retryKey.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import type { EventStoreError, CommitConflict, ViewStoreError } from "../../ports/errors.ts"
import { type DeadLetter, type DeadLetterOptions, ViewStore } from "../../ports/ViewStore.ts"

/**
 * The dead letters of a view's present version, by position and key: the events that
 * were skipped, those that are parked, and those that wait behind them. Read in
 * pages, each as it is at that moment.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Projection.deadLetters(AccountSummary, { parked: false }).pipe(
 *   Stream.runForEach(({ key, error, position }) => Effect.log(`${key} lacks ${position}: ${error?.cause}`))
 * )
 * ```
 */
export const deadLetters = (
  { name, version }: View.Any,
  options: Omit<DeadLetterOptions, "limit"> = {}
): Stream.Stream<DeadLetter, ViewStoreError, ViewStore> =>
  Stream.paginate(options.after, (after) =>
    Effect.gen(function* () {
      const store = yield* ViewStore
      const place = after === undefined ? {} : { after }
      const page = yield* store.deadLetters({ view: name, version }, { ...options, ...place, limit: pageSize })
      const next = page.length < pageSize ? Option.none() : Option.some(page.at(-1))
      return [page, next] as const
    })
  )

const pageSize = 1_000

/** Which keys to try. */
export interface RetryOptions {
  /** All that are parked if not given. */
  readonly keys?: ReadonlyArray<string>
}

/** What {@link retryParked} did. */
export interface Retried {
  /** How many events were applied, each counted once for each of its keys that was parked. */
  readonly applied: number
  /** Of each key that is still parked, the event that fails now. */
  readonly parked: ReadonlyArray<DeadLetter>
}

/**
 * Tries the events again that a view's present version has parked, each key's
 * in order, and frees the keys whose events all succeed. It may run anywhere and
 * at any time, also while a projection of the view works.
 *
 * Each key stands for itself: what was done for one stays done whatever happens
 * with the next. Fails with `CommitConflict` if others get in its way at every try, and
 * with whatever befell a store. It can be run again after that.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Effect.gen(function*() {
 *   const { applied, parked } = yield* Projection.retryParked(AccountSummary)
 *   yield* Effect.log(`applied ${applied} events`)
 *   for (const { key, error } of parked) yield* Effect.logWarning(key, error?.cause)
 * })
 * ```
 */
export const retryParked = (
  view: View.Any,
  options: RetryOptions = {}
): Effect.Effect<Retried, CommitConflict | EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const keys = new Set(options.keys)
    if (options.keys === undefined) {
      yield* Stream.runForEach(deadLetters(view, { parked: true }), ({ key }) => Effect.sync(() => keys.add(key)))
    }
    const retried = yield* Effect.forEach(keys, (key) => ParkedKey.retry(view, key))
    return {
      applied: retried.reduce((sum, { applied }) => sum + applied, 0),
      parked: retried.flatMap(({ failed }) => failed ?? [])
    }
  })
