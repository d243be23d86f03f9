/** All events that a store may hold for some aggregates: each type in each of its versions. */
import type * as Schema from "effect/Schema"
import type { Declared } from "../storedTypes.ts"
import type { Tagged } from "../tagged.ts"

/**
 * What a version of an event is to this program. It writes the `current` one. A `former` one, and each version of a
 * `retired` type, becomes current events when it is read. It reads one that is `ahead` for the program that will write it.
 */
export type Status = "current" | "former" | "ahead" | "retired"

/** One version of one type of stored events. */
export interface StoredVersion {
  /** The name of the aggregate or the topic. */
  readonly aggregate: string
  /** The type under which the event is stored: its tag. */
  readonly type: string
  /** The number of the version, from 1 on. */
  readonly version: number
  readonly status: Status
  /** The schema of the event, with its tag. */
  readonly schema: Schema.Codec<Tagged, Tagged>
}

/** The versions in the order of the declarations, those of a type from 1 on. */
export const storedVersions = (aggregates: ReadonlyArray<Declared>): ReadonlyArray<StoredVersion> => {
  const names = new Set<string>()
  return aggregates.flatMap(({ name, schemas: { events, stored } }) => {
    if (names.has(name)) throw new Error(`two sources of the catalogue are called ${name}`)
    names.add(name)
    return [...new Set([...events.keys(), ...stored.keys()])].flatMap((type) => {
      const current = events.get(type)
      const known = stored.get(type)
      // The schemas of a declaration are those of its events.
      const versions = (known?.versions.map(({ schema }) => schema) ?? [current]) as ReadonlyArray<
        StoredVersion["schema"]
      >
      return versions.map((schema, i): StoredVersion => {
        const version = i + 1
        const present = known?.version ?? 1
        const status =
          current === undefined ? "retired" : version === present ? "current" : version < present ? "former" : "ahead"
        return { aggregate: name, type, version, status, schema }
      })
    })
  })
}
