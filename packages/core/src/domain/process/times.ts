/** The times of deadlines and timeouts. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"

/** A time, or a duration until it. */
export type When = { readonly after: Duration.Input } | { readonly time: DateTime.DateTime }

/**
 * A time in whole milliseconds, where a duration is counted from another time; or why no clock comes to it, as the rest of
 * a sentence. A part of a millisecond counts as a whole one, so that nothing comes too early.
 */
export const timeOf = (when: When, from: number): Result.Result<number, string> =>
  Result.flatMap(
    Result.try({
      try: () => ("after" in when ? Duration.toMillis(when.after) : when.time.epochMilliseconds),
      catch: (cause) => `it is neither a time nor a duration: ${String(cause)}`
    }),
    (millis) => {
      const time = Math.ceil("after" in when ? from + millis : millis)
      if (Math.abs(time) <= last) return Result.succeed(time)
      const asked = `${millis} ms after ${"after" in when ? DateTime.formatIso(DateTime.makeUnsafe(from)) : "1970"}`
      return Result.fail(`no calendar has the time ${asked}`)
    }
  )

// A date is within 100 million days of 1970.
const last = 8.64e15
