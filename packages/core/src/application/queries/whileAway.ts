import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { isRetryable } from "../../internal/retryable.ts"

/** Tries again while a store is unavailable. Errors that waiting does not cure are passed on. */
export const whileAway = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.while(({ input }: { readonly input: unknown }) => isRetryable(input))
)

/**
 * Work that has no end: it begins again after each failure that waiting may cure, and after growing pauses. `succeeded`
 * says that the store is there, and the next pause is short again.
 */
export const kept = <E, R>(work: (succeeded: () => void) => Effect.Effect<unknown, E, R>): Effect.Effect<never, E, R> =>
  Effect.suspend(() => {
    let failures = 0
    const attempt = work(() => (failures = 0))
    return Effect.andThen(attempt, Effect.never).pipe(
      Effect.catch((error) => (isRetryable(error) ? Effect.sleep(pauseAfter(++failures)) : Effect.fail(error))),
      Effect.forever
    )
  })

/** The pause after the n-th failure in a row, in milliseconds. */
export const pauseAfter = (failures: number): number => Math.min(100 * 2 ** (failures - 1), 5_000)
