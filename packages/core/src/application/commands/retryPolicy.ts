/** When the executor tries a command again. */
import * as Context from "effect/Context"
import * as Schedule from "effect/Schedule"
import type { ConcurrencyConflict, EventStoreError } from "../../ports/errors.ts"

/** A schedule that says when to try again after a conflict. */
export type RetryPolicy = Schedule.Schedule<unknown, ConcurrencyConflict>

/** A schedule that says when to try again while the store cannot be reached. */
export type StoreRetryPolicy = Schedule.Schedule<unknown, EventStoreError>

/** At most 5 attempts. The pauses between them are 5, 10, 20 and 40 ms, each ± 20 %. */
export const defaultRetryPolicy: RetryPolicy = Schedule.max([
  Schedule.exponential("5 millis").pipe(Schedule.jittered),
  Schedule.recurs(4)
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
