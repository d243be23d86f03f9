import * as StepSize from "../../../internal/stepSize.ts"
import type { Done } from "./batch.ts"

/** The number of events for which a projection reads at once. */
export interface BatchSize {
  readonly current: () => number
  /** To be called after a batch, with the milliseconds that it took in all. */
  readonly done: (batch: Pick<Done, "isCut" | "taken">, millis: number) => void
  /** Halves the size after a batch that was lost. False if a batch has a single event already. */
  readonly lost: () => boolean
}

/**
 * Finds the size of the batches of a projection. How long a batch takes depends on its
 * events, its records and the machine, so the size follows from the batches before.
 *
 * 1. A batch that ended before the end of what it had read is followed by one of its
 *    size, so that little is read twice.
 * 2. A batch that was lost, or that took half the lease, is followed by one of half its
 *    size. So a projection whose batches take too long comes to some that do not.
 * 3. A batch of the full size that took less than an eighth of the lease is followed by one
 *    of twice its size, up to `most`. One of twice its time would be no longer than a share
 *    of the lease.
 */
export const make = (most: number, lease: number): BatchSize => {
  const { current, grow, limit, lost, shrink } = StepSize.make(most, most)
  return {
    current,
    lost,
    done: ({ isCut, taken }, millis) => {
      if (isCut) limit(taken)
      if (millis >= lease / 2) shrink()
      else if (taken >= current() && millis < lease / 8) grow()
    }
  }
}
