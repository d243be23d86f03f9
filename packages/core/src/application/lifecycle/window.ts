/** What is remembered of the lines of a file: the latest of them only, so that memory is bounded. Pure, with a state. */

/** A map that forgets what was set long ago. */
export interface Window<K, V> {
  readonly get: (key: K) => V | undefined
  readonly set: (key: K, value: V) => void
  /** Whether anything was forgotten. */
  readonly hasForgotten: () => boolean
}

/**
 * A window that remembers at least so many entries, and at most twice as many. It is two maps, of which the older one
 * is given up when the newer one is full: a map from which one deletes all the time is rebuilt again and again.
 */
export const make = <K, V>(least: number): Window<K, V> => {
  let newer = new Map<K, V>()
  let older = new Map<K, V>()
  let forgotten = false
  return {
    get: (key) => newer.get(key) ?? older.get(key),
    set: (key, value) => {
      newer.set(key, value)
      if (newer.size < least) return
      if (older.size > 0) forgotten = true
      older = newer
      newer = new Map()
    },
    hasForgotten: () => forgotten
  }
}
