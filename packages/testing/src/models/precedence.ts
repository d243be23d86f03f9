/**
 * Which operations must stand before which in a serial order. Each rule is a
 * queue: an operation may be placed once the first so many members of the queue
 * are placed. So a search asks for the rules in constant time, however many
 * pairs of operations they order.
 */

/** What is known of the place of an operation. */
interface Bounds {
  /** The events in the order in which the operation recorded them. */
  readonly events: ReadonlyArray<{ readonly streamId: string; readonly version: number }>
  /** The lowest position of its events, or Infinity without events. */
  readonly first: number
  readonly after: number
  readonly began: number
  readonly ended: number
}

interface Queue<A> {
  readonly members: ReadonlyArray<Entry<A>>
  /** The first member that is not placed. */
  next: number
}

/** An operation, and where it stands in the queues. */
export interface Entry<A> {
  readonly operation: A
  readonly bounds: Bounds
  placed: boolean
  /** The queues it is a member of. */
  readonly stands: Array<{ readonly queue: Queue<A>; readonly index: number }>
  /** How many members of a queue come before it. */
  readonly waits: Array<{ readonly queue: Queue<A>; readonly count: number }>
}

/** Marks an entry as placed. */
export const place = (entry: Entry<unknown>): void => {
  entry.placed = true
  for (const { queue } of entry.stands) while (queue.members[queue.next]?.placed === true) queue.next++
}

/** Takes the mark of `place` back. */
export const remove = (entry: Entry<unknown>): void => {
  entry.placed = false
  for (const { index, queue } of entry.stands) queue.next = Math.min(queue.next, index)
}

/** An entry that must be placed before this one, and is not. It is the entry itself if its bounds contradict each other. */
export const blocker = <A>({ waits }: Entry<A>): Entry<A> | undefined => {
  for (const { count, queue } of waits) if (queue.next < count) return queue.members[queue.next]
  return undefined
}

/** The entries of operations: those with events by their positions, and those without by the time they began. */
export const arrange = <A>(
  operations: ReadonlyArray<A>,
  boundsOf: (operation: A) => Bounds
): { readonly writers: ReadonlyArray<Entry<A>>; readonly silent: ReadonlyArray<Entry<A>> } => {
  const entries = operations.map((operation): Entry<A> => ({
    operation,
    bounds: boundsOf(operation),
    placed: false,
    stands: [],
    waits: []
  }))
  const writers = sorted(
    entries.filter(({ bounds }) => bounds.events.length > 0),
    firstOf
  )
  const recorded = stand(writers)
  const ended = stand(
    sorted(
      entries.filter(({ bounds }) => bounds.ended < Infinity),
      endOf
    )
  )
  for (const entry of entries) {
    const { after, began } = entry.bounds
    entry.waits.push(
      { queue: recorded, count: countWhile(recorded.members, (other) => firstOf(other) <= after) },
      { queue: ended, count: countWhile(ended.members, (other) => endOf(other) < began) }
    )
  }
  for (const [streamId, owners] of ownersOf(writers)) waitForVersions(streamId, owners)
  return {
    writers,
    silent: sorted(
      entries.filter(({ bounds }) => bounds.events.length === 0),
      ({ bounds }) => bounds.began
    )
  }
}

type Owners<A> = Array<readonly [version: number, entry: Entry<A>]>

const ownersOf = <A>(writers: ReadonlyArray<Entry<A>>): ReadonlyMap<string, Owners<A>> => {
  const streams = new Map<string, Owners<A>>()
  for (const entry of writers) {
    for (const { streamId, version } of entry.bounds.events) {
      const owners = streams.get(streamId)
      if (owners === undefined) streams.set(streamId, [[version, entry]])
      else owners.push([version, entry])
    }
  }
  return streams
}

const waitForVersions = <A>(streamId: string, owners: Owners<A>): void => {
  const inOrder = sorted(owners, ([version]) => version).filter(([version], i, all) => version !== all[i - 1]?.[0])
  const queue = stand(inOrder.map(([, entry]) => entry))
  const indexes = new Map(inOrder.map(([version], index) => [version, index]))
  for (const entry of new Set(owners.map(([, owner]) => owner))) {
    const versions = entry.bounds.events.filter((event) => event.streamId === streamId).map(({ version }) => version)
    const count = indexes.get(versions[0]!)!
    entry.waits.push({ queue, count })
    // Its events must be neighbours. Otherwise it would have to stand before and after another entry at once.
    const wrong = versions.findIndex(
      (version, i) => inOrder[count + i]?.[0] !== version || inOrder[count + i]?.[1] !== entry
    )
    if (wrong !== -1) {
      const other = inOrder[count + wrong]?.[1] ?? entry
      entry.waits.push({ queue: { members: [other], next: 0 }, count: 1 })
    }
  }
}

/** A queue of entries. An entry that stands in it several times has its first index. */
const stand = <A>(members: ReadonlyArray<Entry<A>>): Queue<A> => {
  const queue: Queue<A> = { members, next: 0 }
  for (const [index, entry] of members.entries()) {
    if (entry !== members[index - 1]) entry.stands.push({ queue, index })
  }
  return queue
}

const sorted = <A>(items: ReadonlyArray<A>, by: (item: A) => number): ReadonlyArray<A> =>
  [...items].sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0))

/** How many items at the beginning fulfil a condition that no later one fulfils after the first that does not. */
const countWhile = <A>(items: ReadonlyArray<A>, condition: (item: A) => boolean): number => {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (condition(items[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

const firstOf = ({ bounds }: Entry<unknown>): number => bounds.first
const endOf = ({ bounds }: Entry<unknown>): number => bounds.ended
