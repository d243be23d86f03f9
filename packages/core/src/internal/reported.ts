import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { memoized } from "./memoized.ts"

/** Reports work in the background that is tried again after each failure. */
export interface Reported {
  /** Logs a warning for the first failure, and for later ones at growing intervals. */
  readonly failed: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** Logs that the work succeeds again, if a failure was reported. */
  readonly succeeded: Effect.Effect<void>
}

/** What a report says. */
export interface Texts {
  /** What fails. */
  readonly failing: string
  /** What is cut off as long as it fails. Only warnings after the first one say it, unless `failing` does. */
  readonly meanwhile?: string
  /** What happens again. Without it nothing is logged. */
  readonly again?: string
  /** Writes a failure. By default the cause is logged beside the text. */
  readonly write?: (text: string, cause: Cause.Cause<unknown>) => Effect.Effect<void>
}

/**
 * Reports work that fails in the background and is tried again: a warning when it
 * begins to fail, then after a minute, two minutes, four, and so on up to an hour, and
 * a line when it succeeds again.
 *
 * @example
 * ```ts
 * import { Background } from "@hexfold/core/adapter"
 * import { Effect, Schedule } from "effect"
 *
 * declare const sweep: Effect.Effect<void, Error>
 *
 * const { failed, succeeded } = Background.reported({
 *   failing: "expired command ids cannot be swept, so they stay",
 *   again: "expired command ids are swept again"
 * })
 *
 * const sweeping = sweep.pipe(
 *   Effect.matchCauseEffect({ onFailure: failed, onSuccess: () => succeeded }),
 *   Effect.repeat(Schedule.spaced("1 minute"))
 * )
 * ```
 */
export const reported = ({ again, failing, meanwhile, write = Effect.logWarning }: Texts): Reported => {
  let failures = 0
  let since = 0
  let next = 0
  let pause = shortest
  return {
    failed: (cause) =>
      Effect.flatMap(Clock.monotonicTimeNanos, (nanos) => {
        const now = Number(nanos / 1_000_000_000n)
        failures++
        if (failures === 1) {
          since = now
          pause = shortest
        } else if (now < next) return Effect.void
        else pause = Math.min(pause * 2, longest)
        next = now + pause
        if (failures === 1) return write(failing, cause)
        const lasted = `for ${Duration.format(Duration.seconds(now - since))}, ${failures} failures`
        return write(`${failing} (${lasted}${meanwhile === undefined ? "" : `; ${meanwhile}`})`, cause)
      }),
    succeeded: Effect.suspend(() => {
      if (failures === 0) return Effect.void
      failures = 0
      return again === undefined ? Effect.void : Effect.logInfo(again)
    })
  }
}

/** Writes the message of an error after the text, instead of the whole cause; of one without a message its name. */
export const withMessage = (text: string, cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const error = Cause.squash(cause)
  return error instanceof Error
    ? Effect.logWarning(`${text}: ${error.message === "" ? error.name : error.message}`)
    : Effect.logWarning(text, cause)
}

/**
 * Like {@link reported}, but work that says the same of the same store is reported
 * once: a thousand subscriptions that wait for one store make one warning.
 */
export const reportedTogether = (store: object, texts: Texts): Reported => {
  const failing = memoized(known, store, () => new Map<string, Reported>())
  const current = (): Reported => {
    const found = failing.get(texts.failing)
    if (found !== undefined) return found
    const made = reported(texts)
    if (failing.size === mostTogether) failing.clear()
    failing.set(texts.failing, made)
    return made
  }
  return {
    failed: (cause) => Effect.suspend(() => current().failed(cause)),
    succeeded: Effect.suspend(() => {
      const found = failing.get(texts.failing)
      failing.delete(texts.failing)
      return found?.succeeded ?? Effect.void
    })
  }
}

// By store, the reports of what fails now, by its text.
const known = new WeakMap<object, unknown>()
const mostTogether = 1_000

// The times between two warnings, in seconds.
const shortest = 60
const longest = 3_600
