import { EventStoreError, Reason } from "@hexfold/core"
import { Duration, Effect, Exit, type Fiber } from "effect"
import type { SqlClient } from "effect/sql"
import { whetherJoined } from "./transactions.ts"

/** The limit of a statement, if the options of a store give none. */
export const defaultTimeout: Duration.Input = "10 seconds"

/** Waits for the end of a fiber that was interrupted. Says whether it has ended within the limit. */
const endWithin = (fiber: Fiber.Fiber<unknown, unknown>, limit: Duration.Duration): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => {
      done()
      resume(Effect.succeed(false))
    }, Duration.toMillis(limit))
    const done = fiber.addObserver(() => {
      clearTimeout(timer)
      resume(Effect.succeed(true))
    })
  })

/**
 * Gives a query up that gets no answer: it fails with `onTimeout`. The driver waits
 * for a silent connection, and for its answer to an interruption. So the query runs
 * in a fiber of its own, which is interrupted. The interruption cancels the statement
 * at the server. `leave` runs after the interruption; without it the fiber is not waited for.
 */
const disconnectWithin = <A, E, R, Failure>(
  query: Effect.Effect<A, E, R>,
  limit: Duration.Duration,
  onTimeout: (detail: string) => Failure,
  leave: ((fiber: Fiber.Fiber<A, E>) => Effect.Effect<void>) | undefined
): Effect.Effect<A, E | Failure, R> =>
  Effect.flatMap(Effect.forkDetach(Effect.interruptible(query), { startImmediately: true }), (fiber) => {
    const late = Effect.suspend(() => Effect.fail(onTimeout(`no answer within ${Duration.format(limit)}`)))
    // A query of a caller's transaction that has ended nevertheless has happened in it.
    const left =
      leave &&
      Effect.andThen(
        leave(fiber),
        Effect.suspend((): Effect.Effect<A, Failure> => {
          const exit = fiber.pollUnsafe()
          return exit !== undefined && Exit.isSuccess(exit) ? Effect.succeed(exit.value) : late
        })
      )
    return Effect.callback<A, E | Failure>((resume) => {
      const timer = setTimeout(() => {
        // A query that ends at once when it is interrupted must not answer before the timeout does.
        done()
        fiber.interruptUnsafe()
        resume(left === undefined ? late : Effect.uninterruptible(left))
      }, Duration.toMillis(limit))
      const done = fiber.addObserver((exit) => {
        clearTimeout(timer)
        resume(exit)
      })
      return Effect.suspend(() => {
        done()
        clearTimeout(timer)
        fiber.interruptUnsafe()
        return leave?.(fiber) ?? Effect.void
      })
    })
  })

/** There is no such savepoint. So the statement fails and aborts the transaction, whatever the search path is. */
const abort = "rollback to savepoint hexfold_statement_without_answer"

/**
 * Leaves a query that was given up inside a caller's transaction. Nothing that the caller does next is lost in silence.
 * (1) The query has usually ended, with its rollback to its savepoint, before the caller goes on. (2) If it does not end
 * in time, a statement that aborts the transaction is queued before all that the caller sends. (3) The connection keeps
 * the order. So the caller's next statements fail, and so does the commit.
 */
const leaveJoined =
  (sql: SqlClient.SqlClient, limit: Duration.Duration) =>
  (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> =>
    Effect.flatMap(endWithin(fiber, limit), (hasEnded) =>
      hasEnded
        ? Effect.void
        : Effect.asVoid(Effect.forkDetach(Effect.ignore(sql.unsafe(abort)), { startImmediately: true }))
    )

/** Limits the time of a statement. One without an answer fails with what `onTimeout` makes of a detail. */
export type Limiting = <Failure>(
  onTimeout: (detail: string) => Failure
) => <A, E, R>(query: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Failure, R>

/**
 * The limit of each statement. Inside a caller's transaction, a statement that is given up or interrupted is waited
 * for once more as long. With `waits` this holds outside of transactions too.
 */
export const limiting = (sql: SqlClient.SqlClient, limit: Duration.Duration, waits = false): Limiting => {
  const leave = waits ? (fiber: Fiber.Fiber<unknown, unknown>) => Effect.asVoid(endWithin(fiber, limit)) : undefined
  return (onTimeout) => (query) =>
    whetherJoined(sql, (joined) => disconnectWithin(query, limit, onTimeout, joined ? leaveJoined(sql, limit) : leave))
}

/** Limits the time of the statements of the event store. */
export type Limit = (
  operation: EventStoreError["operation"]
) => <A, E, R>(query: Effect.Effect<A, E, R>) => Effect.Effect<A, E | EventStoreError, R>

/** The limit of each statement of the event store. A statement without an answer fails with a `Timeout`. */
export const limitOf = (...limit: Parameters<typeof limiting>): Limit => {
  const limited = limiting(...limit)
  return (operation) => limited((detail) => new EventStoreError({ operation, reason: new Reason.Timeout({ detail }) }))
}
