import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Measures the milliseconds since its beginning. A correction of the wall clock does not change them. */
export const stopwatch: Effect.Effect<() => number> = Effect.map(Clock.Clock, (clock) => {
  const began = clock.monotonicTimeNanosUnsafe()
  return () => Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6
})

/**
 * Uses one item after the other, until all are used or one use returns false. Lets
 * the event loop go on after every 10 ms: whatever the number of items, the process
 * answers meanwhile, and a lease is renewed. One use is one synchronous step.
 */
export const inSteps = <A>(items: Iterable<A>, use: (item: A) => boolean | void): Effect.Effect<void> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const rest = items[Symbol.iterator]()
    const slice = (): Effect.Effect<void> => {
      const began = clock.monotonicTimeNanosUnsafe()
      for (;;) {
        const next = rest.next()
        if (next.done === true || use(next.value) === false) return Effect.void
        if (clock.monotonicTimeNanosUnsafe() - began >= longest) return Effect.flatMap(Effect.yieldNow, slice)
      }
    }
    return Effect.suspend(slice)
  })

// Short enough for a server that answers requests beside it, and long enough that the pauses cost next to nothing.
const longest = 10_000_000n
