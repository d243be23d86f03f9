/** When the executor tries again. */
import * as Context from "effect/Context"
import * as Schedule from "effect/Schedule"
import type { ConcurrencyConflict, EventStoreError } from "../../ports/errors.ts"

/** A schedule that says when to try again after a conflict. */
export type RetryPolicy = Schedule.Schedule<unknown, ConcurrencyConflict>

/** A schedule that says when to try again while the store cannot be reached. */
export type StoreRetryPolicy = Schedule.Schedule<unknown, EventStoreError>

/** At most 5 attempts, 5, 10, 20 and 40 ms apart, each ± 20 %. */
export const defaultRetryPolicy: RetryPolicy = Schedule.max([
  Schedule.exponential("5 millis").pipe(Schedule.jittered),
  Schedule.recurs(4)
])

/** The policy after conflicts of commands that are executed without one. */
export const CurrentRetryPolicy = Context.Reference<RetryPolicy>("@hexfold/core/Executor/CurrentRetryPolicy", {
  defaultValue: () => defaultRetryPolicy
})

/** The policy after failures of the store of commands that are executed without one: none, unless provided. */
export const CurrentStoreRetryPolicy = Context.Reference<StoreRetryPolicy>(
  "@hexfold/core/Executor/CurrentStoreRetryPolicy",
  { defaultValue: () => Schedule.recurs(0) }
)
