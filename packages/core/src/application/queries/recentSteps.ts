import { jsonBytes } from "../../ports/jsonBytes.ts"
import type { Step } from "./stretches.ts"

/** The latest steps with an event, by number. Their memory is bounded, however many subscriptions have not taken them yet. */
export interface RecentSteps {
  /** Keeps a step, and gives its number. Each is higher than the one before. The oldest steps make room for it. */
  readonly add: (step: Step) => number
  readonly has: (number: number) => boolean
  readonly get: (number: number) => Step
}

/** Keeps no step yet. */
export const make = (): RecentSteps => {
  const steps: Array<Step> = []
  const sizes: Array<number> = []
  let first = 0
  let bytes = 0
  return {
    add: (step) => {
      const size = step.event === undefined ? 0 : jsonBytes(step.event.data)
      steps.push(step)
      sizes.push(size)
      bytes += size
      while (steps.length > 1 && (steps.length > mostSteps || bytes > mostBytes)) {
        steps.shift()
        bytes -= sizes.shift()!
        first++
      }
      return first + steps.length - 1
    },
    has: (number) => number >= first,
    get: (number) => steps[number - first]!
  }
}

const mostSteps = 4_096

/** The most bytes of JSON of all payloads. */
const mostBytes = 16 * 1024 * 1024
