import { Effect, Schedule } from "effect"

/** Waits until something holds. What does not hold after two minutes is given up, so that the case says what it is. */
export const eventually = <E, R>(what: string, holds: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.repeat(holds, { until: (does) => does, schedule: Schedule.spaced("20 millis") }).pipe(
    Effect.timeoutOrElse({
      duration: "2 minutes",
      orElse: () => Effect.die(new Error(`it did not come to hold: ${what}`))
    }),
    Effect.asVoid
  )
