import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Timeout } from "../ports/Reason.ts"

/** Gives an operation up that gets no answer for so long. */
export const answered = <A, E, E2>(
  operation: Effect.Effect<A, E>,
  duration: Duration.Duration,
  failure: (reason: Timeout) => E2
): Effect.Effect<A, E | E2> =>
  Effect.timeoutOrElse(apart(operation), {
    duration,
    orElse: () => Effect.fail(failure(new Timeout({ detail: `no answer within ${Duration.format(duration)}` })))
  })

// An operation may wait for a silent connection where nothing interrupts it, as
// a transaction does at its beginning and its end. So it is told to stop, and
// not waited for: if it commits late, its epoch and position say whether it may.
export const apart = <A, E, R>(operation: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.forkDetach(Effect.interruptible(operation), { startImmediately: true }), (fiber) =>
    Effect.onInterrupt(Fiber.join(fiber), () => Effect.sync(() => fiber.interruptUnsafe()))
  )
