/** When the executor tries a command again. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { ConcurrencyConflict, EventStoreError } from "../../ports/errors.ts"

/** A schedule that says when to try again after a conflict. */
export type RetryPolicy = Schedule.Schedule<unknown, ConcurrencyConflict>

/** A schedule that says when to try again while the store cannot be reached. */
export type StoreRetryPolicy = Schedule.Schedule<unknown, EventStoreError>

/**
 * For 10 seconds after the first conflict, with full jitter: each pause is chosen
 * at random between 0 and a limit, which is 5 ms at first and doubles up to 250 ms.
 *
 * The algorithm is "Full Jitter" of Marc Brooker, *Exponential Backoff And Jitter*,
 * AWS Architecture Blog, 2015
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). Of
 * the ways that are compared there it needs the fewest calls.
 */
export const defaultRetryPolicy: RetryPolicy = Schedule.max([
  Schedule.exponential("5 millis").pipe(
    Schedule.modifyDelay(({ duration }) =>
      Effect.map(Random.next, (share) => Duration.millis(share * Math.min(Duration.toMillis(duration), 250)))
    )
  ),
  Schedule.during("10 seconds")
])

/** The default policy after a conflict, for commands executed without `retry`. */
export const CurrentRetryPolicy = Context.Reference<RetryPolicy>("@hexfold/core/Executor/CurrentRetryPolicy", {
  defaultValue: () => defaultRetryPolicy
})

/** The default store-retry policy for commands executed without `retryStore`. By default they are not retried. */
export const CurrentStoreRetryPolicy = Context.Reference<StoreRetryPolicy>(
  "@hexfold/core/Executor/CurrentStoreRetryPolicy",
  { defaultValue: () => Schedule.recurs(0) }
)
