/** The size of the next step of work that goes on step by step. */
export interface StepSize {
  readonly current: () => number
  /** Doubles the size, up to the largest. After a lost step some others have to come first. */
  readonly grow: () => void
  /** Makes the size no larger than `most`. */
  readonly limit: (most: number) => void
  /** Halves the size. */
  readonly shrink: () => void
  /** Halves the size after a step that was lost. False if the size is 1 already: then a smaller step does not help. */
  readonly lost: () => boolean
}

/**
 * Finds the size of steps that take a limited time. A lost step costs all of that time,
 * so after one some others have to succeed before the size grows again, and after each
 * further one twice as many.
 */
export const make = (first: number, most: number): StepSize => {
  let size = first
  let caution = leastCaution
  let wanting = 0
  const shrink = (): void => {
    size = Math.ceil(size / 2)
  }
  return {
    current: () => size,
    grow: () => {
      if (wanting > 0) wanting--
      else size = Math.min(most, size * 2)
      if (size === most) caution = leastCaution
    },
    limit: (most) => {
      size = Math.max(1, Math.min(size, most))
    },
    shrink,
    lost: () => {
      if (size === 1) return false
      shrink()
      wanting = caution
      caution = Math.min(caution * 2, mostCaution)
      return true
    }
  }
}

/** The number of steps that have to succeed after a lost one before their size grows again. */
const leastCaution = 4
const mostCaution = 256
