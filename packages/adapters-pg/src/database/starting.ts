import type { EventStoreError } from "@hexfold/core"
import { Duration, Effect, Predicate, Schedule } from "effect"
import { SqlError } from "effect/sql"

/** How long a layer waits for a server that is starting, unless an option says otherwise. */
export const defaultStartTimeout: Duration.Input = "5 seconds"

/** Tries again while the server does not answer yet: it is starting, or nobody listens at its address. */
export const awaitServer =
  (within: Duration.Input) =>
  <A, R>(opening: Effect.Effect<A, EventStoreError, R>): Effect.Effect<A, EventStoreError, R> =>
    Effect.suspend(() => {
      const end = Date.now() + Duration.toMillis(Duration.fromInputUnsafe(within))
      return Effect.retry(opening, {
        while: (error) => isStarting(error) && Date.now() < end,
        schedule: Schedule.spaced("100 millis")
      })
    })

const isStarting = ({ reason }: EventStoreError): boolean => {
  const cause = SqlError.isSqlError(reason.cause) ? reason.cause.reason.cause : undefined
  return Predicate.hasProperty(cause, "code") && (cause.code === "57P03" || cause.code === "ECONNREFUSED")
}
