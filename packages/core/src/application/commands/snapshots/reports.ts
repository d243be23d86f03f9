import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { monotonicMillis } from "../../../internal/beat.ts"
import { reported, type Reported, type Texts, withMessage } from "../../../internal/reported.ts"

/**
 * Like {@link reported}, for work that is done often: it counts as mended only when it has not failed for a while. A
 * store that answers only sometimes is not reported each time that it fails.
 */
export const reportedSteadily = (texts: Texts): Reported => {
  const { failed, succeeded } = reported({ ...texts, write: withMessage })
  let failedAt: number | undefined
  return {
    failed: (cause: Cause.Cause<unknown>) =>
      Effect.flatMap(monotonicMillis, (now) => {
        failedAt = now
        return failed(cause)
      }),
    succeeded: Effect.suspend(() => {
      if (failedAt === undefined) return Effect.void
      return Effect.flatMap(monotonicMillis, (now) => {
        if (failedAt === undefined || now - failedAt < quiet) return Effect.void
        failedAt = undefined
        return succeeded
      })
    })
  }
}

// In milliseconds.
const quiet = 10_000
