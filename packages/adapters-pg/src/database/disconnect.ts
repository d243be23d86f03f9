import { EventStoreError, Reason } from "@hexfold/core"
import { Duration, Effect } from "effect"

/**
 * Gives a query up that gets no answer: it fails with `onTimeout`. The driver waits
 * for a silent connection, and for its answer to an interruption. So the query runs
 * in a fiber of its own, which is interrupted and not waited for. The interruption
 * cancels the statement at the server.
 */
const disconnectWithin = <A, E, R, Failure>(
  query: Effect.Effect<A, E, R>,
  limit: Duration.Duration,
  onTimeout: (detail: string) => Failure
): Effect.Effect<A, E | Failure, R> =>
  Effect.flatMap(Effect.forkDetach(Effect.interruptible(query), { startImmediately: true }), (fiber) =>
    Effect.callback<A, E | Failure>((resume) => {
      const timer = setTimeout(() => {
        // A query that ends at once when it is interrupted must not answer before the timeout does.
        done()
        fiber.interruptUnsafe()
        resume(Effect.fail(onTimeout(`no answer within ${Duration.format(limit)}`)))
      }, Duration.toMillis(limit))
      const done = fiber.addObserver((exit) => {
        clearTimeout(timer)
        resume(exit)
      })
      return Effect.sync(() => {
        done()
        clearTimeout(timer)
        fiber.interruptUnsafe()
      })
    })
  )

/** Limits the time of the statements of the event store. */
export type Limit = (
  operation: EventStoreError["operation"]
) => <A, E, R>(query: Effect.Effect<A, E, R>) => Effect.Effect<A, E | EventStoreError, R>

/** The limit of each statement of the event store. A statement without an answer fails with a `Timeout`. */
export const limitOf =
  (limit: Duration.Duration): Limit =>
  (operation) =>
  (query) =>
    disconnectWithin(
      query,
      limit,
      (detail) => new EventStoreError({ operation, reason: new Reason.Timeout({ detail }) })
    )
