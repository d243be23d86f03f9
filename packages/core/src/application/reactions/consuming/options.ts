import * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import type { EventStoreError, ViewStoreError } from "../../../ports/errors.ts"
import type { ReactionFailed } from "../errors.ts"
import { type Options as Owning, settingsOf as owningOf } from "../../projections/worker/options.ts"

/** How reactors run. A number or a time that is not valid is a mistake in the program and throws an `Error`. */
export interface Options extends Pick<Owning, "lease" | "pause" | "parts" | "maxParts"> {
  /**
   * How many handlers run at once in each part. Events of one key are handled one after the other all the same. 16 by
   * default.
   */
  readonly concurrency?: number
  /**
   * How many events are read ahead of the first one that is not done, at most. They are in memory. 1,000 by default.
   */
  readonly window?: number
  /**
   * For how long handlers may go on when the process stops. Then they are interrupted, and their events are handled again
   * by the next owner. Half of the lease by default, and at most.
   */
  readonly stopWithin?: Duration.Input
  /**
   * When a step of a process that has failed is run again, and a handler of a reactor that has no `retry` of its own. It is
   * given the error. After 100 ms by default, then after twice the time, up to 30 seconds, ten times in all.
   */
  readonly retry?: Schedule.Schedule<unknown, unknown>
}

/** Why a reactor ends by itself. */
export type Failure = ReactionFailed | EventStoreError | ViewStoreError

/** The options with their defaults. Throws for those that are not valid. */
export const settingsOf = ({ concurrency = 16, retry = patience, stopWithin, window = 1_000, ...owning }: Options) => {
  const { lease, maxParts, parts, pause } = owningOf(owning)
  for (const [name, n] of [
    ["concurrency", concurrency],
    ["window", window]
  ] as const) {
    if (!Number.isSafeInteger(n) || n < 1) throw new Error(`${n} is not a valid ${name}: use a whole number from 1 on`)
  }
  const half = Duration.divideUnsafe(lease, 2)
  const asked = stopWithin === undefined ? half : Duration.fromInputUnsafe(stopWithin)
  return { concurrency, lease, maxParts, parts, pause, retry, stopWithin: Duration.min(asked, half), window }
}

const patience: Schedule.Schedule<unknown, unknown> = Schedule.max([
  Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("30 seconds")]).pipe(Schedule.jittered),
  Schedule.recurs(10)
])

/** The options with their defaults. */
export type Settings = ReturnType<typeof settingsOf>
