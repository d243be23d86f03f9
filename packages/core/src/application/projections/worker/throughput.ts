import type { Throughput } from "../../../ports/generation.ts"

/** Measures how fast something works. */
export interface Meter {
  readonly add: (work: { readonly millis: number; readonly events: number; readonly positions: number }) => void
  /** The throughput of the last seconds of work. The latest work counts most. Undefined before any work was added. */
  readonly current: () => Throughput | undefined
}

/** A meter to which no work was added yet. */
export const make = (): Meter => {
  let [millis, events, positions] = [0, 0, 0]
  return {
    add: (work) => {
      // Older work counts half as much after each such time.
      const weight = millis > halfLife ? 0.5 : 1
      millis = millis * weight + work.millis
      events = events * weight + work.events
      positions = positions * weight + work.positions
    },
    current: () =>
      millis === 0 ? undefined : { events: (events / millis) * 1_000, positions: (positions / millis) * 1_000 }
  }
}

const halfLife = 5_000
