import type { StreamId } from "../../../../domain/StreamId.ts"

/** How many groups lock a stream first before one tries again without locks. */
const groups = 32
/** The most streams that are known to be contested. */
const capacity = 1_000

/**
 * The streams for which this process has lost races against others. Where it has
 * just lost two in a row, it would mostly lose the next two as well.
 */
export interface Contested {
  /** Whether one of these streams is contested. */
  readonly has: (streams: Iterable<StreamId>) => boolean
  /** Whether a group on these streams locks them first. Each time counts as one. */
  readonly locksFirst: (streams: () => Iterable<StreamId>) => boolean
  /** A group on these streams has needed locks. */
  readonly add: (streams: Iterable<StreamId>) => void
}

export const make = (): Contested => {
  // A Map keeps the order of insertion, so the oldest is the first.
  const left = new Map<StreamId, number>()
  return {
    has: (streams) => {
      if (left.size === 0) return false
      for (const stream of streams) if (left.has(stream)) return true
      return false
    },
    locksFirst: (streams) => {
      if (left.size === 0) return false
      let found = false
      for (const stream of streams()) {
        const count = left.get(stream)
        if (count === undefined) continue
        found = true
        if (count === 1) left.delete(stream)
        else left.set(stream, count - 1)
      }
      return found
    },
    add: (streams) => {
      for (const stream of streams) {
        left.delete(stream)
        left.set(stream, groups)
        if (left.size > capacity) left.delete(left.keys().next().value!)
      }
    }
  }
}
