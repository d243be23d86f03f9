/** The dead letters of views, and another try for the parked ones. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../../domain/View.ts"
import type { DeadLetter, DeadLetterOptions } from "../../ports/deadLetter.ts"
import type { CommitConflict, EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import { ProjectionStore } from "../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import type { DefinitionDiffers } from "./errors.ts"
import { retryKey } from "./retryKey.ts"

/**
 * The dead letters of a view's present version, by position and key. They are the
 * events that were skipped, those that are parked, and the later events of parked
 * keys. They are read page by page, each page as it is at that moment.
 *
 * @example
 * ```ts
 * import { Projection, View } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const program = Projection.deadLetters(AccountSummary, { parked: false }).pipe(
 *   Stream.runForEach(({ key, error, position }) => Effect.log(`${key}, event at ${position}: ${error?.cause}`))
 * )
 * ```
 */
export const deadLetters = (
  { name, version }: View.Any,
  options: Omit<DeadLetterOptions, "limit"> = {}
): Stream.Stream<DeadLetter, ViewStoreError, ProjectionStore> =>
  Stream.paginate(options.after, (after) =>
    Effect.gen(function* () {
      const store = yield* ProjectionStore
      const place = after === undefined ? {} : { after }
      const page = yield* store.deadLetters({ view: name, version }, { ...options, ...place, limit: pageSize })
      const next = page.length < pageSize ? Option.none() : Option.some(page.at(-1))
      return [page, next] as const
    })
  )

const pageSize = 1_000

/** Which keys to try again. */
export interface RetryOptions {
  /** The keys to try again. By default all parked keys are. */
  readonly keys?: ReadonlyArray<string>
}

/** What {@link retryParked} did. */
export interface Retried {
  /** The number of events that were applied. An event counts once for each of its parked keys. */
  readonly applied: number
  /** The event that fails now, for each key that is still parked. */
  readonly parked: ReadonlyArray<DeadLetter>
}

/**
 * Tries the parked events of a view's present version again, each key's in
 * order. A key whose events all succeed is no longer parked. This may run in any
 * process and at any time, also while a projection of the view works.
 *
 * Keys are independent: what was applied for one key stays applied, whatever
 * happens to the next. Fails with `CommitConflict` if every try met a commit of
 * another process, and with `DefinitionDiffers` if another definition of the version has
 * made the records. Errors of a store are passed on. After a failure it can be run again.
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
): Effect.Effect<
  Retried,
  CommitConflict | DefinitionDiffers | EventStoreError | ViewStoreError,
  EventStore | ProjectionStore | ViewStore
> =>
  Effect.gen(function* () {
    const keys = new Set(options.keys)
    if (options.keys === undefined) {
      yield* Stream.runForEach(deadLetters(view, { parked: true }), ({ key }) => Effect.sync(() => keys.add(key)))
    }
    const retried = yield* Effect.forEach(keys, (key) => retryKey(view, key))
    return {
      applied: retried.reduce((sum, { applied }) => sum + applied, 0),
      parked: retried.flatMap(({ failed }) => failed ?? [])
    }
  })
