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
  // The followers by aggregate, then by type. Where a follower takes all, it stands under `any`.
  const followers = new Map<string, Map<string, Set<Follower>>>()
  // How many follow each name, and under `any`, how many follow all.
  const aggregates = new Map<string, number>()
  const types = new Map<string, number>()

  const placesOf = (filters: Filters) => {
    const [names, kinds] = [unique(filters.aggregates), unique(filters.types)]
    // Who selects no type follows no event.
    return names.length === 0 || kinds.length === 0 ? { names: [], kinds: [] } : { names, kinds }
  }

  return {
    add: (follower, filters) => {
      const { kinds, names } = placesOf(filters)
      for (const name of names) {
        count(aggregates, name, 1)
        const byType = got(followers, name, () => new Map<string, Set<Follower>>())
        for (const kind of kinds) got(byType, kind, () => new Set<Follower>()).add(follower)
      }
      for (const kind of kinds) count(types, kind, 1)
    },

    remove: (follower, filters) => {
      const { kinds, names } = placesOf(filters)
      for (const name of names) {
        count(aggregates, name, -1)
        const byType = followers.get(name)
        for (const kind of kinds) {
          const set = byType?.get(kind)
          set?.delete(follower)
          if (set?.size === 0) byType?.delete(kind)
        }
        if (byType?.size === 0) followers.delete(name)
      }
      for (const kind of kinds) count(types, kind, -1)
    },

    forEach: ({ streamId, type }, f) => {
      for (const name of [StreamId.aggregateOf(streamId), any]) {
        const byType = followers.get(name)
        if (byType === undefined) continue
        byType.get(type)?.forEach(f)
        byType.get(any)?.forEach(f)
      }
    },

    filters: () =>
      aggregates.size === 0 ? undefined : { ...named("aggregates", aggregates), ...named("types", types) }
  }
}

// No aggregate and no type has this name, because NUL is refused everywhere.
const any = "\0"

const unique = (names: ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  names === undefined ? [any] : [...new Set(names)]

const named = (member: keyof Filters, names: ReadonlyMap<string, number>): Filters =>
  names.has(any) ? {} : { [member]: [...names.keys()] }

const count = (counts: Map<string, number>, name: string, by: 1 | -1): void => {
  const now = (counts.get(name) ?? 0) + by
  if (now === 0) counts.delete(name)
  else counts.set(name, now)
}

const got = <A>(map: Map<string, A>, name: string, make: () => A): A => {
  const found = map.get(name)
  if (found !== undefined) return found
  const made = make()
  map.set(name, made)
  return made
}
