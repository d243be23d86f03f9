import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Reported } from "../../internal/reported.ts"
import { isRetryable } from "../../internal/retryable.ts"

/** Tries again while a store is unavailable. Errors that waiting does not cure are passed on. */
export const whileAway = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.while(({ input }: { readonly input: unknown }) => isRetryable(input))
)

/** Reports an error after which the work is tried again. */
export const reportRetryable = ({ failed }: Reported, error: unknown): Effect.Effect<void> =>
  isRetryable(error) ? failed(Cause.fail(error)) : Effect.void

/** Work that has no end. */
export interface Kept {
  /** Says that the store is there. So the failures before have ended, and the next pause is short again. */
  readonly succeeded: Effect.Effect<void>
  /** Begins work again after each failure that waiting may cure, and after growing pauses. The failures are reported. */
  readonly keep: <E, R>(work: Effect.Effect<unknown, E, R>) => Effect.Effect<never, E, R>
}

/** Work that has no end, and has not failed yet. */
export const kept = (report: Reported): Kept => {
  let failures = 0
  return {
    succeeded: Effect.suspend(() => {
      failures = 0
      return report.succeeded
    }),
    keep: (work) =>
      Effect.andThen(work, Effect.never).pipe(
        Effect.tapError((error) => reportRetryable(report, error)),
        Effect.catch((error) => (isRetryable(error) ? Effect.sleep(pauseAfter(++failures)) : Effect.fail(error))),
        Effect.forever
      )
  }
}

/** The pause after the n-th failure in a row, in milliseconds. */
export const pauseAfter = (failures: number): number => Math.min(100 * 2 ** (failures - 1), 5_000)
