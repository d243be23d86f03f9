import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** The time of the process in milliseconds. A correction of the wall clock does not change it. */
export const monotonicMillis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) =>
  Number(nanos / 1_000_000n)
)

/**
 * Waits for the next beat. All that wait for beats of one length go on at the same
 * moments, so what they ask then can be asked together. It comes within the length, or
 * a little later: a beat that is very near is left out.
 */
export const nextBeat = (length: Duration.Duration): Effect.Effect<void> =>
  Effect.flatMap(monotonicMillis, (now) => {
    const every = Duration.toMillis(length)
    const left = every - (now % every)
    return Effect.sleep(Duration.millis(left < every / 10 ? left + every : left))
  })
