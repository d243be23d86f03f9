import type { Speed } from "../../../ports/ViewStore.ts"

/** Measures how fast something works. */
export interface Speedometer {
  readonly add: (work: { readonly millis: number; readonly events: number; readonly positions: number }) => void
  /** Over the last seconds of work, the latest counting most; nothing before any time has passed. */
  readonly speed: () => Speed | undefined
}

/** A speedometer that has seen nothing yet. */
export const make = (): Speedometer => {
  let [millis, events, positions] = [0, 0, 0]
  return {
    add: (work) => {
      // What is older weighs half as much after each of these times.
      const weight = millis > memory ? 0.5 : 1
      millis = millis * weight + work.millis
      events = events * weight + work.events
      positions = positions * weight + work.positions
    },
    speed: () =>
      millis === 0 ? undefined : { events: (events / millis) * 1_000, positions: (positions / millis) * 1_000 }
  }
}

const memory = 5_000
