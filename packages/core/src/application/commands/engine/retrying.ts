import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type { ConcurrencyConflict, EventStoreError } from "../../../ports/errors.ts"
import type { ExecuteOptions } from "../options.ts"
import { CurrentRetryPolicy, CurrentStoreRetryPolicy } from "../retryPolicy.ts"

/** The policies of a command, and the context that has the default ones. */
export interface Policies extends Pick<ExecuteOptions, "retry" | "retryStore"> {
  readonly context: Context.Context<never>
  /** Whether the command is part of a caller's transaction. Then it is tried once. */
  readonly joined: boolean
}

/** What the engine knows about the attempts. */
export interface Attempts {
  readonly hasKey: boolean
  /** Whether the last attempt ended because the domain rejects the command, whatever its error is called. */
  readonly isRejected: () => boolean
  /** Describes a conflict with the number of attempts; called for each conflict. */
  readonly conflict: (error: ConcurrencyConflict) => ConcurrencyConflict
  /** Describes a failure of the store with the streams and the number of attempts; called for each failure. */
  readonly unavailable: (error: EventStoreError) => EventStoreError
}

/**
 * Goes on after a first attempt that failed with `cause`. One policy is for
 * conflicts, the other for a store that cannot be reached. In the latter case
 * nobody knows whether the append has happened, so it is repeated only if the
 * command has a key: then it has no second effect.
 *
 * Nothing is repeated inside a caller's transaction. After an error of the server
 * such a transaction only answers that it has failed, which would hide the error.
 * Only its owner can repeat it as a whole.
 */
export const retrying = <A, E>(
  cause: Cause.Cause<E>,
  attempt: () => Effect.Effect<A, E>,
  policies: Policies,
  attempts: Attempts
): Effect.Effect<A, E> => {
  const described = (error: E): E =>
    attempts.isRejected()
      ? error
      : isConflict(error)
        ? (attempts.conflict(error) as E & ConcurrencyConflict)
        : isRetryable(error)
          ? (attempts.unavailable(error) as E & EventStoreError)
          : error
  const isSafe = (error: E): boolean => isRetryable(error) && (attempts.hasKey || error.operation === "readStreams")
  const failed = error(cause)
  if (failed === undefined || attempts.isRejected()) return Effect.failCause(cause)
  if (policies.joined || (!isConflict(failed) && !isSafe(failed))) return Effect.fail(described(failed))

  // The first failure goes through the schedules too, so that there is a pause
  // between the first attempt and the second.
  let first: Exit.Exit<A, E> | undefined = Exit.fail(failed)
  const next = Effect.suspend((): Effect.Effect<A, E> => {
    const exit = first
    first = undefined
    return exit ?? attempt()
  })
  const conflict = policies.retry ?? Context.get(policies.context, CurrentRetryPolicy)
  const store = policies.retryStore ?? Context.get(policies.context, CurrentStoreRetryPolicy)
  // One retry for both, so that a failure of the store does not reset the count of the conflicts.
  const steps = Effect.all([Schedule.toStep(conflict), Schedule.toStep(store)])
  const schedule = Schedule.fromStep(
    Effect.map(steps, ([afterConflict, afterFailure]) => (now: number, error: E) => {
      if (attempts.isRejected()) return Cause.done(undefined)
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

// By their tags: an adapter may come with another copy of this package.
export const isConflict = (error: unknown): error is ConcurrencyConflict =>
  Predicate.isTagged(error, "ConcurrencyConflict")
const isRetryable = (error: unknown): error is EventStoreError =>
  Predicate.isTagged(error, "EventStoreError") && (error as EventStoreError).isRetryable

/** Whether the store has refused a request, which then never succeeds as it is. */
export const isRefused = (error: unknown): boolean =>
  Predicate.isTagged(error, "EventStoreError") && (error as EventStoreError).reason._tag === "Rejected"
