/** When this process has heard of the first event that a live answer shows and the one before did not, in milliseconds. */
const times = new WeakMap<object, number>()

/** Remembers the time of an answer. Nothing is known of the first answer to a question, or of one that is no object. */
export const mark = (answer: unknown, time: number | undefined): void => {
  if (time !== undefined && typeof answer === "object" && answer !== null) times.set(answer, time)
}

/** The time of an answer. */
export const heardAt = (answer: unknown): number | undefined =>
  typeof answer === "object" && answer !== null ? times.get(answer) : undefined

/** The horizons that this process has heard of, and that a view has not reached yet as far as it knows. */
export interface Hearing {
  readonly hear: (horizon: Place, now: number) => void
  /** When this process has heard of the first of them. */
  readonly first: () => number | undefined
  /** Forgets those of a history that the view has reached. */
  readonly reached: (history: number, isReached: (position: number) => boolean) => void
}

interface Place {
  readonly history: number
  readonly position: number
}

/**
 * Nothing is heard at first. A view that is always a little behind the newest horizon still reaches each of them, so the
 * first one that is left is never older than what the view has to catch up with.
 */
export const hearing = (): Hearing => {
  let history: number | undefined
  let heard: Array<{ position: number; readonly time: number }> = []
  return {
    hear: (horizon, time) => {
      if (horizon.history !== history) heard = []
      history = horizon.history
      const last = heard.at(-1)
      if (last !== undefined && last.position >= horizon.position) return
      // The earlier time holds for all of them then.
      if (heard.length >= mostHeard) last!.position = horizon.position
      else heard.push({ position: horizon.position, time })
    },
    first: () => heard[0]?.time,
    reached: (of, isReached) => {
      if (of !== history) return
      const left = heard.findIndex(({ position }) => !isReached(position))
      heard = left === -1 ? [] : heard.slice(left)
    }
  }
}

// At 50 events a second, those of 20 seconds.
const mostHeard = 1_000
