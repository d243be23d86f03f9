import type { StreamId } from "../../../domain/StreamId.ts"
import type { Covered } from "./covered.ts"
import type { Committed } from "./snapshotting.ts"

/** What is to be done for one stream and one definition of its aggregate. */
export interface Item {
  readonly covered: Covered
  readonly streamId: StreamId
  /** The state to save, if there is one. */
  readonly committed: Committed | undefined
  /** Whether the store has a snapshot that is no state of the stream. */
  readonly removes: boolean
}

/** What waits for the background: one item for each stream and definition. */
export interface Queue {
  readonly size: () => number
  /** Adds an item, or merges it with the one that waits for the same stream. Gives the item for which there is no room any more. */
  readonly put: (item: Item) => Item | undefined
  /** Takes the items that have waited longest. */
  readonly take: (most: number) => ReadonlyArray<Item>
}

/**
 * Makes a queue with room for `capacity` items. A later state replaces an earlier one
 * of the same stream and keeps its place. When there is no room, the item that has
 * waited longest goes.
 */
export const make = (capacity: number): Queue => {
  // A Map keeps the order of insertion, so the oldest is the first.
  const items = new Map<string, Item>()
  return {
    size: () => items.size,
    put: (item) => {
      const key = `${item.covered.fingerprint} ${item.streamId}`
      const waiting = items.get(key)
      items.set(key, waiting === undefined ? item : merged(waiting, item))
      if (items.size <= capacity) return undefined
      const [oldest, dropped] = items.entries().next().value!
      items.delete(oldest)
      return dropped
    },
    take: (most) => {
      const taken = [...items].slice(0, most)
      for (const [key] of taken) items.delete(key)
      return taken.map(([, item]) => item)
    }
  }
}

const merged = (waiting: Item, item: Item): Item => ({
  ...item,
  committed: newest(waiting.committed, item.committed),
  removes: waiting.removes || item.removes
})

const newest = (one: Committed | undefined, other: Committed | undefined): Committed | undefined => {
  if (one === undefined || other === undefined) return one ?? other
  return one.history > other.history || (one.history === other.history && one.version > other.version) ? one : other
}
