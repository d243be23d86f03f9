import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Measures the milliseconds since its beginning. A correction of the wall clock does not change them. */
export const stopwatch: Effect.Effect<() => number> = Effect.map(Clock.Clock, (clock) => {
  const began = clock.monotonicTimeNanosUnsafe()
  return () => Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6
})

/**
 * Runs synchronous work to its end, such as a generator that yields after each step.
 * Lets the event loop go on after every 10 ms: however long the work is, the process
 * answers meanwhile, and a lease is renewed. A single step is not interrupted.
 *
 * @example
 * ```ts
 * import { Background } from "@hexfold/core/adapter"
 *
 * declare const rows: ReadonlyArray<string>
 * const lengths: Array<number> = []
 *
 * const counting = Background.inSteps((function* () {
 *   for (const row of rows) yield lengths.push(row.length)
 * })())
 * ```
 */
export const inSteps = (work: Iterable<unknown>): Effect.Effect<void> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const steps = work[Symbol.iterator]()
    const slice = (): Effect.Effect<void> => {
      const began = clock.monotonicTimeNanosUnsafe()
      while (steps.next().done !== true) {
        if (clock.monotonicTimeNanosUnsafe() - began >= longest) return Effect.flatMap(Effect.yieldNow, slice)
      }
      return Effect.void
    }
    return Effect.suspend(slice)
  })

// Short enough for a server that answers requests beside it, and long enough that the pauses cost next to nothing.
const longest = 10_000_000n
