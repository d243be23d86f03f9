/** What is remembered of the lines of a file: the latest of them only, so that memory is bounded. Pure, with a state. */

/** A map that forgets what was set longest ago. */
export interface Window<K, V> {
  readonly get: (key: K) => V | undefined
  readonly set: (key: K, value: V) => void
  /** Whether anything was forgotten. */
  readonly hasForgotten: () => boolean
}

/** A window of so many entries. */
export const make = <K, V>(most: number): Window<K, V> => {
  const entries = new Map<K, V>()
  let forgotten = false
  return {
    get: (key) => entries.get(key),
    set: (key, value) => {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size <= most) return
      forgotten = true
      entries.delete(entries.keys().next().value!)
    },
    hasForgotten: () => forgotten
  }
}
