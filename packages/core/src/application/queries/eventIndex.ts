import * as StreamId from "../../domain/StreamId.ts"
import type { RecordedEvent } from "../../ports/EventStore.ts"
import type { Filters } from "./stretches.ts"

/** Finds the followers of an event by its aggregate and type. Followers of other events cost nothing. */
export interface EventIndex<Follower> {
  readonly add: (follower: Follower, filters: Filters) => void
  readonly remove: (follower: Follower, filters: Filters) => void
  readonly forEach: (event: RecordedEvent, f: (follower: Follower) => void) => void
  /** What to read so that every follower gets its events; undefined if nobody follows any event. */
  readonly filters: () => Filters | undefined
}

/** An index without followers. */
export const make = <Follower>(): EventIndex<Follower> => {
  const followers = new Map<Follower, Filters>()
  // The followers of each aggregate and type of which there was an event. A new follower is added to those that it selects.
  const found = new Map<string, { readonly aggregate: string; readonly type: string; readonly of: Set<Follower> }>()
  const counts = counting()

  return {
    add: (follower, filters) => {
      if (isEmpty(filters)) return
      followers.set(follower, filters)
      counts.count(filters, 1)
      for (const { aggregate, of, type } of found.values()) if (selects(filters, aggregate, type)) of.add(follower)
    },

    remove: (follower, filters) => {
      if (!followers.delete(follower)) return
      counts.count(filters, -1)
      for (const { of } of found.values()) of.delete(follower)
      if (followers.size === 0) found.clear()
    },

    forEach: ({ streamId, type }, f) => {
      if (followers.size === 0) return
      const aggregate = StreamId.aggregateOf(streamId)
      const place = `${aggregate}/${type}`
      let known = found.get(place)
      if (known === undefined) {
        const of = new Set<Follower>()
        for (const [follower, filters] of followers) if (selects(filters, aggregate, type)) of.add(follower)
        // Types may have any names: what is found is forgotten before it fills the memory.
        if (found.size >= mostFound) found.clear()
        found.set(place, (known = { aggregate, type, of }))
      }
      known.of.forEach(f)
    },

    filters: () => (followers.size === 0 ? undefined : counts.filters())
  }
}

const mostFound = 10_000

const selects = ({ aggregates, except, types }: Filters, aggregate: string, type: string): boolean =>
  aggregates?.includes(aggregate) !== false &&
  types?.includes(type) !== false &&
  except?.[aggregate]?.includes(type) !== true

const isEmpty = ({ aggregates, types }: Filters): boolean => aggregates?.length === 0 || types?.length === 0

/** How many follow the events of an aggregate, and which types they list or leave out. */
interface Group {
  followers: number
  /** How many of them list the types that they want. */
  listing: number
  readonly listed: Map<string, number>
  readonly left: Map<string, number>
}

/**
 * Counts what followers select, so that the union of their filters is found without asking each of them. A type of an
 * aggregate is left out if each follower of the aggregate leaves it out or does not list it.
 */
const counting = () => {
  const groups = new Map<string, Group>()
  const types = new Map<string, number>()
  let all = 0
  let listing = 0

  const isLeftOut = (group: Group | undefined, type: string): boolean =>
    group === undefined ||
    (group.left.get(type) ?? 0) + group.listing - (group.listed.get(type) ?? 0) === group.followers

  return {
    count: (filters: Filters, by: 1 | -1): void => {
      all += by
      if (filters.types !== undefined) listing += by
      for (const type of new Set(filters.types)) count(types, type, by)
      for (const name of new Set(filters.aggregates ?? [any])) {
        const group = groups.get(name) ?? { followers: 0, listing: 0, listed: new Map(), left: new Map() }
        groups.set(name, group)
        group.followers += by
        if (filters.types !== undefined) group.listing += by
        for (const type of new Set(filters.types)) count(group.listed, type, by)
        for (const type of new Set(filters.except?.[name])) {
          if (filters.types?.includes(type) !== false) count(group.left, type, by)
        }
        if (group.followers === 0) groups.delete(name)
      }
    },

    filters: (): Filters => {
      const aggregates = groups.has(any) ? undefined : [...groups.keys()]
      const ofAggregates = aggregates === undefined ? {} : { aggregates }
      if (listing === all) return { ...ofAggregates, types: [...types.keys()] }
      const except: Record<string, ReadonlyArray<string>> = {}
      for (const [name, group] of groups) {
        if (name === any) continue
        const left = [...group.left.keys()].filter((type) => isLeftOut(group, type) && isLeftOut(groups.get(any), type))
        if (left.length > 0) except[name] = left
      }
      return { ...ofAggregates, ...(Object.keys(except).length === 0 ? {} : { except }) }
    }
  }
}

// No aggregate has this name, because NUL is refused everywhere.
const any = "\0"

const count = (counts: Map<string, number>, name: string, by: 1 | -1): void => {
  const now = (counts.get(name) ?? 0) + by
  if (now === 0) counts.delete(name)
  else counts.set(name, now)
}
