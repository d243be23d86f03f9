/** The keys that a request touches. Requests that would wait for each other in the server do not run at once. */
export interface Touches {
  /** Keys that no other request under way may touch. */
  readonly exclusive: ReadonlyArray<string>
  /** Keys that other requests may share. */
  readonly shared: ReadonlyArray<string>
}

/** The keys of the requests under way. */
export interface KeyLocks {
  /** Takes the keys if no request holds them and none of them is blocked; says whether it did. */
  readonly take: (touches: Touches, blocked: ReadonlySet<string>) => boolean
  readonly release: (touches: Touches) => void
}

export const make = (): KeyLocks => {
  const exclusive = new Set<string>()
  const shared = new Map<string, number>()
  return {
    take: ({ exclusive: writes, shared: reads }, blocked) => {
      const free =
        writes.every((key) => !exclusive.has(key) && !shared.has(key) && !blocked.has(key)) &&
        reads.every((key) => !exclusive.has(key) && !blocked.has(key))
      if (!free) return false
      for (const key of writes) exclusive.add(key)
      for (const key of reads) shared.set(key, (shared.get(key) ?? 0) + 1)
      return true
    },
    release: (touches) => {
      for (const key of touches.exclusive) exclusive.delete(key)
      for (const key of touches.shared) {
        const count = shared.get(key)! - 1
        if (count === 0) shared.delete(key)
        else shared.set(key, count)
      }
    }
  }
}
