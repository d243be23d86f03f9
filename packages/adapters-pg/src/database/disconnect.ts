import { EventStoreError, Reason } from "@hexfold/core"
import { Effect, Fiber } from "effect"

/**
 * Gives a query up that gets no answer, as one that may succeed later. The
 * driver waits for a silent connection where nothing interrupts it; so the query
 * is told to stop, and not waited for.
 */
export const answered = <A, E, R>(
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
