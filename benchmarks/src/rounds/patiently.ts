import { Effect, Schedule } from "effect"

/** Asks a store again for a minute while it has no answer: the server may have been killed, and the machine may be busy. */
export const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(effect, {
    while: (error) =>
      typeof error === "object" && error !== null && "isRetryable" in error && error.isRetryable === true,
    schedule: Schedule.spaced("500 millis"),
    times: 120
  })
