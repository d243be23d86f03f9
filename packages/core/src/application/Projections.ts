/** How projections stand: for operators and health checks. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as View from "../domain/View.ts"
import { followed, horizonOf } from "../internal/followed.ts"
import { currentOf } from "../internal/viewWorker.ts"
import { EventStore } from "../ports/EventStore.ts"
import type { EventStoreError } from "../ports/EventStoreError.ts"
import { ViewStore } from "../ports/ViewStore.ts"
import type { ViewStoreError } from "../ports/ViewStoreError.ts"

/** How a view stands. */
export interface Status {
  readonly view: string
  readonly version: number
  /** The position up to which events are in the records; 0 if nobody has begun. */
  readonly position: number
  /** The store's horizon. */
  readonly horizon: number
  /** How many events are not applied yet, at most: positions that stayed unused, and events of others, count too. */
  readonly behind: number
  /** The age of the oldest event that is not applied yet, by the program's clock; zero if all are. */
  readonly age: Duration.Duration
  /** Who works, if anybody does. */
  readonly owner: string | undefined
  /** Whether this version answers the queries to its view. */
  readonly serves: boolean
}

/**
 * How views stand, whichever process runs their projections. The age is what an
 * alarm should look at: it grows while a view stands still, and stays small
 * while it follows, however much there is to do.
 *
 * @example
 * ```ts
 * import { Projections, View } from "@hexfold/core"
 * import { Duration, Effect } from "effect"
 *
 * declare const AccountSummary: View.Any
 *
 * const isHealthy = Effect.map(Projections.status([AccountSummary]), (all) =>
 *   all.every(({ age, serves }) => serves && Duration.toSeconds(age) < 30)
 * )
 * ```
 */
export const status = (
  views: ReadonlyArray<View.Any>
): Effect.Effect<ReadonlyArray<Status>, EventStoreError | ViewStoreError, EventStore | ViewStore> =>
  Effect.gen(function* () {
    const events = yield* EventStore
    const generations = yield* (yield* ViewStore).status
    // After the positions, so that no view is ahead of it.
    const horizon = yield* horizonOf(events)
    return yield* Effect.forEach(views, (view) =>
      Effect.gen(function* () {
        const { name, version } = view
        const known = currentOf(view, generations)
        const position = known?.position ?? 0
        const oldest = yield* Stream.runHead(followed(view, events, { after: position, upTo: horizon, limit: 1 }))
        const now = yield* Clock.currentTimeMillis
        return {
          view: name,
          version,
          position,
          horizon,
          behind: Option.isNone(oldest) ? 0 : horizon - oldest.value.position + 1,
          age: Option.match(oldest, {
            onNone: () => Duration.zero,
            onSome: ({ recordedAt }) => Duration.millis(Math.max(0, now - recordedAt.epochMilliseconds))
          }),
          owner: known?.parts[0]?.owner,
          serves: known?.serves ?? false
        }
      })
    )
  })
