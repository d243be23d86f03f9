/** The entries that wait for streams, and the streams that are held. */
export interface StreamQueue<A> {
  /** Takes streams at once, if all of them are free and no entry waits for one of them. */
  readonly take: (streams: ReadonlyArray<string>) => boolean
  /** Gives streams back that were taken, or with which a group has begun. The groups that can begin then begin. */
  readonly release: (streams: ReadonlyArray<string>) => void
  /**
   * Adds an entry that needs streams. It begins at once if they are free and no
   * other entry waits for them. Returns a function that takes the entry back. It
   * returns false if the entry has begun: then it stays with its group.
   */
  readonly submit: (streams: ReadonlyArray<string>, value: A) => () => boolean
  /** The number of entries that wait. */
  readonly waiting: () => number
  /** The number of streams that are held or waited for. */
  readonly streams: () => number
}

interface Entry<A> {
  readonly streams: ReadonlyArray<string>
  readonly value: A
  state: "waits" | "has begun" | "was taken back"
}

/** The entries that wait for one stream, in the order in which they came. */
interface Line<A> {
  isHeld: boolean
  /** Undefined until an entry waits. */
  entries: Array<Entry<A>> | undefined
  /** The place of the first entry that may still wait. */
  first: number
}

interface Group<A> {
  readonly values: Array<A>
  readonly streams: Set<string>
}

/**
 * Lets the commands of one process wait in memory for the streams that they name.
 * All that wait for a stream begin together, as one group.
 *
 * Why it is correct. (1) A stream belongs to at most one group that has begun,
 * because a group takes the streams of a member in one step, and only streams that
 * are free or its own. (2) An entry holds no stream while it waits, so no two
 * groups can wait for each other. (3) An entry begins only when it is the first of
 * every line that it stands in, and each release looks at the first of its lines.
 * So the entries of a line begin in the order in which they came, and none is left.
 */
export const make = <A>(options: {
  /** Begins a group. Its streams are released once, when the group has ended. */
  readonly begin: (values: ReadonlyArray<A>, streams: ReadonlyArray<string>) => void
  /** The most entries of a group. */
  readonly maxGroup: number
}): StreamQueue<A> => {
  // A line is there while its stream is held, or while an entry waits for it.
  const lines = new Map<string, Line<A>>()
  let waiting = 0
  // What was released while groups begin; a group may end before `begin` returns.
  let released: Array<string> = []
  let isSettling = false

  const firstOf = (line: Line<A>): Entry<A> | undefined => {
    const { entries } = line
    if (entries === undefined) return undefined
    while (line.first < entries.length && entries[line.first]!.state !== "waits") line.first++
    if (line.first === entries.length) line.entries = undefined
    else if (line.first > 64 && line.first * 2 > entries.length) line.entries = entries.slice(line.first)
    else return entries[line.first]
    line.first = 0
    return line.entries?.[0]
  }

  /** The group that an entry can begin with: one of those that are about to begin, or a new one. */
  const groupFor = (entry: Entry<A>, groups: Map<string, Group<A>>): Group<A> | undefined => {
    const joined = new Set<Group<A>>()
    for (const stream of entry.streams) {
      const line = lines.get(stream)!
      const group = groups.get(stream)
      if ((line.isHeld && group === undefined) || firstOf(line) !== entry) return undefined
      if (group !== undefined) joined.add(group)
    }
    let size = 1
    for (const { values } of joined) size += values.length
    if (joined.size > 0 && size > options.maxGroup) return undefined
    const [target = { values: [], streams: new Set<string>() }, ...others] = joined
    for (const other of others) {
      target.values.push(...other.values)
      for (const stream of other.streams) {
        target.streams.add(stream)
        groups.set(stream, target)
      }
    }
    return target
  }

  /** Begins what can begin after these streams have become free or their first entries have gone. */
  const settle = (streams: ReadonlyArray<string>): void => {
    const groups = new Map<string, Group<A>>()
    const candidates = [...streams]
    for (let stream = candidates.pop(); stream !== undefined; stream = candidates.pop()) {
      const line = lines.get(stream)
      if (line === undefined) continue
      const entry = firstOf(line)
      if (entry === undefined) {
        if (!line.isHeld) lines.delete(stream)
        continue
      }
      const group = groupFor(entry, groups)
      if (group === undefined) continue
      entry.state = "has begun"
      waiting--
      group.values.push(entry.value)
      for (const each of entry.streams) {
        lines.get(each)!.isHeld = true
        group.streams.add(each)
        groups.set(each, group)
        candidates.push(each)
      }
    }
    for (const { streams, values } of new Set(groups.values())) options.begin(values, [...streams])
  }

  const free = (streams: ReadonlyArray<string>): void => {
    released.push(...streams)
    if (isSettling) return
    isSettling = true
    try {
      while (released.length > 0) {
        const due = released
        released = []
        settle(due)
      }
    } finally {
      isSettling = false
    }
  }

  const hold = (stream: string): void => void lines.set(stream, { isHeld: true, entries: undefined, first: 0 })

  return {
    take: (streams) => {
      for (let i = 0; i < streams.length; i++) if (lines.has(streams[i]!)) return false
      for (let i = 0; i < streams.length; i++) hold(streams[i]!)
      return true
    },
    release: (streams) => {
      let wanted: Array<string> | undefined
      for (let i = 0; i < streams.length; i++) {
        const stream = streams[i]!
        const line = lines.get(stream)
        // A command may name a stream twice.
        if (line === undefined) continue
        if (line.entries === undefined) {
          lines.delete(stream)
          continue
        }
        line.isHeld = false
        if (wanted === undefined) wanted = [stream]
        else wanted.push(stream)
      }
      if (wanted !== undefined) free(wanted)
    },
    submit: (streams, value) => {
      const entry: Entry<A> = { streams: [...new Set(streams)], value, state: "waits" }
      for (const stream of entry.streams) {
        const line = lines.get(stream)
        if (line === undefined) lines.set(stream, { isHeld: false, entries: [entry], first: 0 })
        else if (line.entries === undefined) line.entries = [entry]
        else line.entries.push(entry)
      }
      waiting++
      free(entry.streams)
      return () => {
        if (entry.state !== "waits") return false
        entry.state = "was taken back"
        waiting--
        free(entry.streams)
        return true
      }
    },
    waiting: () => waiting,
    streams: () => lines.size
  }
}
