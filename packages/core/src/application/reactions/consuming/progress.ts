/** What an owner has done of the events that it has read. Pure, with a state. */
export interface Progress {
  /** Takes note of an event that was read and is not done. Positions are given in ascending order. */
  readonly begin: (position: number) => void
  /** Takes note that an event is done. */
  readonly end: (position: number) => void
  /** Takes note that every event up to a position was read. */
  readonly read: (position: number) => void
  /** Every event up to this position was read. */
  readonly readTo: () => number
  /** All events up to this position are done. */
  readonly position: () => number
  /** The positions after it of the events that are done, in ascending order. There are no more than are read ahead. */
  readonly ahead: () => ReadonlyArray<number>
}

/** The progress of an owner that begins after a position. */
export const make = (after: number): Progress => {
  // In ascending order. What stands before `first` is done.
  let open: Array<number> = []
  let first = 0
  const done = new Set<number>()
  let read = after
  let latest = after

  return {
    begin: (position) => {
      open.push(position)
      read = Math.max(read, position - 1)
    },

    end: (position) => {
      done.add(position)
      latest = Math.max(latest, position)
      while (first < open.length && done.has(open[first]!)) done.delete(open[first++]!)
      if (first === open.length) read = Math.max(read, latest)
      if (first > open.length / 2) {
        open = open.slice(first)
        first = 0
      }
    },

    read: (position) => {
      read = Math.max(read, position)
    },

    readTo: () => read,

    position: () => (first < open.length ? open[first]! - 1 : read),

    ahead: () => [...done].sort((a, b) => a - b)
  }
}
