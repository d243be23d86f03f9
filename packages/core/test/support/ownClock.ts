/** A clock that a test moves in the middle of synchronous work, as a slow fold does. Sleeps are those of the test's clock. */
import { Clock, Effect } from "effect"

export const ownClock = Effect.map(Clock.Clock, (test) => {
  let passed = 0
  let jumped = 0
  const nanos = () => BigInt(passed) * 1_000_000n
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => test.currentTimeMillisUnsafe() + passed + jumped,
    currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe()),
    currentTimeNanosUnsafe: () => test.currentTimeNanosUnsafe() + nanos(),
    currentTimeNanos: Effect.sync(() => test.currentTimeNanosUnsafe() + nanos()),
    monotonicTimeNanosUnsafe: () => test.monotonicTimeNanosUnsafe() + nanos(),
    monotonicTimeNanos: Effect.sync(() => test.monotonicTimeNanosUnsafe() + nanos()),
    sleep: (duration) => test.sleep(duration)
  }
  return {
    /** Lets milliseconds pass for what runs with this clock. */
    pass: (millis: number): void => {
      passed += millis
    },
    /** Corrects the wall clock, and nothing else. */
    jump: (millis: number): void => {
      jumped += millis
    },
    /** Runs an effect with the test's clock. */
    outside: Effect.provideService(Clock.Clock, test),
    within: Effect.provideService(Clock.Clock, clock)
  }
})

/** Runs work, and gives the different values of a number that the event loop has seen in its turns meanwhile. */
export const seenMeanwhile = <A, E, R>(number: () => number, work: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const seen = new Set<number>()
    let isOver = false
    const look = (): void => {
      seen.add(number())
      if (!isOver) setImmediate(look)
    }
    setImmediate(look)
    return Effect.as(
      Effect.ensuring(
        work,
        Effect.sync(() => void (isOver = true))
      ),
      seen
    )
  })
