import { EventStoreError, Reason } from "@hexfold/core"
import { Effect, Fiber } from "effect"

/**
 * Gives a query up that gets no answer: it fails with a `Timeout`, which may
 * succeed later. The driver waits for a silent connection, and for its answer to
 * an interruption. So the query runs in a fiber of its own, which is interrupted
 * and not waited for.
 */
export const disconnectWithin = <A, E, R>(
  query: Effect.Effect<A, E, R>,
  operation: EventStoreError["operation"]
): Effect.Effect<A, E | EventStoreError, R> =>
  Effect.forkDetach(Effect.interruptible(query), { startImmediately: true }).pipe(
    Effect.flatMap((fiber) => Effect.onInterrupt(Fiber.join(fiber), () => Effect.sync(() => fiber.interruptUnsafe()))),
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => {
        const reason = new Reason.Timeout({ detail: `no answer within ${patience}` })
        return Effect.fail(new EventStoreError({ operation, reason }))
      }
    })
  )

const patience = "10 seconds"
