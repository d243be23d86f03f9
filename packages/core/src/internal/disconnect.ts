import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Runs an operation in a fiber of its own. An interruption stops the operation,
 * but does not wait for its end: a transaction that begins or ends cannot be
 * interrupted, and may wait for a connection that gives no answer. If such an
 * operation commits late, its epoch and its position decide whether it may.
 */
export const disconnect = <A, E, R>(operation: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.forkDetach(Effect.interruptible(operation), { startImmediately: true }), (fiber) =>
    Effect.onInterrupt(Fiber.join(fiber), () => Effect.sync(() => fiber.interruptUnsafe()))
  )

/** Runs an operation like {@link disconnect}, and fails if it takes longer than `duration`. */
export const disconnectWithin = <A, E, E2, R>(
  operation: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  failure: (detail: string) => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.timeoutOrElse(disconnect(operation), {
    duration,
    orElse: () => Effect.fail(failure(`no answer within ${Duration.format(duration)}`))
  })
