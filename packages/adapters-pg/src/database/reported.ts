import { type Cause, Effect } from "effect"

/** Tells of work in the background that fails: once when it begins to fail, and once when it succeeds again. */
export const reported = (failing: string, again: string) => {
  let isFailing = false
  return {
    failed: (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (isFailing) return Effect.void
        isFailing = true
        return Effect.logWarning(failing, cause)
      }),
    succeeded: Effect.suspend(() => {
      if (!isFailing) return Effect.void
      isFailing = false
      return Effect.logInfo(again)
    })
  }
}
