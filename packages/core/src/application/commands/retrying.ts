import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { CurrentRetryPolicy, CurrentStoreRetryPolicy, type RetryPolicy, type StoreRetryPolicy } from "./retryPolicy.ts"
import type { ConcurrencyConflict, EventStoreError } from "../../ports/errors.ts"

/** What a command says about trying again, and where the rest is found. */
export interface Policies {
  readonly retry?: RetryPolicy
  readonly retryStore?: StoreRetryPolicy
  readonly context: Context.Context<never>
}

/** What the engine knows about the attempts. */
export interface Attempts {
  readonly hasKey: boolean
  /** A conflict, with the number of attempts; called for each. */
  readonly conflict: (error: ConcurrencyConflict) => ConcurrencyConflict
  /** A failure of the store, with the streams and the number of attempts; called for each. */
  readonly unavailable: (error: EventStoreError) => EventStoreError
}

/**
 * Goes on after a first attempt that failed with `cause`: by one policy after
 * conflicts, by the other while the store cannot be reached. Whether an append
 * that failed so has happened is unknown: only one with a command's key is
 * repeated, for it has no second effect.
 */
export const retrying = <A, E>(
  cause: Cause.Cause<E>,
  attempt: () => Effect.Effect<A, E>,
  policies: Policies,
  attempts: Attempts
): Effect.Effect<A, E> => {
  const described = (error: E): E =>
    isConflict(error)
      ? (attempts.conflict(error) as E & ConcurrencyConflict)
      : isRetryable(error)
        ? (attempts.unavailable(error) as E & EventStoreError)
        : error
  const isSafe = (error: E): boolean => isRetryable(error) && (attempts.hasKey || error.operation === "readStreams")
  const failed = error(cause)
  if (failed === undefined) return Effect.failCause(cause)
  if (!isConflict(failed) && !isSafe(failed)) return Effect.fail(described(failed))

  // The first failure goes through the schedules too, so that there is a pause
  // already between the first attempt and the second.
  let first: Exit.Exit<A, E> | undefined = Exit.fail(failed)
  const next = Effect.suspend((): Effect.Effect<A, E> => {
    const exit = first
    first = undefined
    return exit ?? attempt()
  })
  const conflict = policies.retry ?? Context.get(policies.context, CurrentRetryPolicy)
  const store = policies.retryStore ?? Context.get(policies.context, CurrentStoreRetryPolicy)
  // One retry for both, so that a failure of the store does not begin the count of the conflicts anew.
  const steps = Effect.all([Schedule.toStep(conflict), Schedule.toStep(store)])
  const schedule = Schedule.fromStep(
    Effect.map(steps, ([afterConflict, afterFailure]) => (now: number, error: E) => {
      if (isConflict(error)) return afterConflict(now, error)
      return isSafe(error) ? afterFailure(now, error as E & EventStoreError) : Cause.done(undefined)
    })
  )
  return Effect.retry(Effect.mapError(next, described), schedule)
}

const error = <E>(cause: Cause.Cause<E>): E | undefined => {
  const reason = cause.reasons.length === 1 ? cause.reasons[0]! : undefined
  return reason !== undefined && Cause.isFailReason(reason) ? reason.error : undefined
}

// By their tags: an adapter may have been installed with another copy of this package.
const isConflict = (error: unknown): error is ConcurrencyConflict => Predicate.isTagged(error, "ConcurrencyConflict")
const isRetryable = (error: unknown): error is EventStoreError =>
  Predicate.isTagged(error, "EventStoreError") && (error as EventStoreError).isRetryable
