import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Timeout } from "../ports/Reason.ts"

/** Gives an operation up, and fails, if it gets no answer within a time. */
export const disconnectWithin = <A, E, E2>(
  operation: Effect.Effect<A, E>,
  duration: Duration.Duration,
  failure: (reason: Timeout) => E2
): Effect.Effect<A, E | E2> =>
  Effect.timeoutOrElse(disconnect(operation), {
    duration,
    orElse: () => Effect.fail(failure(new Timeout({ detail: `no answer within ${Duration.format(duration)}` })))
  })

/**
 * Makes an operation end at once when it is interrupted. An operation may wait for
 * a silent connection where it cannot be interrupted, like a transaction at its
 * beginning and its end. So its fiber is interrupted but not awaited. If it
 * commits late, its epoch and position decide whether the store accepts that.
 */
export const disconnect = <A, E, R>(operation: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.forkDetach(Effect.interruptible(operation), { startImmediately: true }), (fiber) =>
    Effect.onInterrupt(Fiber.join(fiber), () => Effect.sync(() => fiber.interruptUnsafe()))
  )
