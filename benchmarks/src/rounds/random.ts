/** Draws numbers from 0 up to, but not including, 1. */
export type Random = () => number

/** A generator (mulberry32) of its own for each seed and purpose: the same pair gives the same numbers. */
export const randomOf = (seed: number, purpose: string): Random => {
  let state = seed >>> 0
  for (const char of purpose) state = Math.imul(state ^ char.codePointAt(0)!, 0x9e3779b1) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number from 0 up to, but not including, the limit. */
export const below = (random: Random, limit: number): number => Math.floor(random() * limit)
