/** A whole number from 0 on and below an end. */
export type Below = (end: number) => number

/** Whole numbers from a seed, by mulberry32 of Tommy Ettinger (public domain): it is fast, and has a state of 32 bits. */
export const randomOf = (numbers: ReadonlyArray<number>): Below => {
  let state = numbers.reduce((mixed, each) => Math.imul(mixed ^ each, 0x85ebca6b) ^ (mixed >>> 13), 0x9e3779b9)
  return (end) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end
  }
}
