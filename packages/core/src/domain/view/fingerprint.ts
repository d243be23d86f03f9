/** What identifies the definition of a view, as far as it can be told from data. */
import type * as Schema from "effect/Schema"
import type { Index, Source } from "./definition.ts"
import { digest } from "./digest.ts"
import { jsonForm } from "./jsonForm.ts"

/** What is told of a definition. */
export interface Told {
  readonly sources: ReadonlyArray<Source>
  /** The names of the handlers. */
  readonly handlers: ReadonlyArray<string>
  readonly state: Schema.Codec<unknown, unknown>
  /** What makes the keys: the text of the id, the whole stream id, one key for each event, or a function of the view's own. */
  readonly keys: "id" | "stream" | "event" | "own" | `own${number}`
  readonly indexes: ReadonlyArray<Index>
}

/**
 * The fingerprint of a definition: a digest of its sources and their events, one of the
 * JSON of its state, the kind of its keys, and a digest of its indexes. It is the same
 * in every process, and does not depend on an order that has no meaning.
 */
export const fingerprintOf = ({ handlers, indexes, keys, sources, state }: Told): string =>
  [digest(eventsOf(sources, handlers)), jsonForm(state), keys, digest(indexesOf(indexes))].join("-")

/** Which parts of two definitions differ, in words, by their fingerprints. */
export const changed = (one: string, other: string): ReadonlyArray<string> => {
  const [a, b] = [one.split("-"), other.split("-")]
  return parts.filter((_, i) => a[i] !== b[i])
}

const parts = ["the events that it handles", "the Schema of its state", "its keys", "its indexes"]

// Of each source the events that have a handler, and whether it is that for all others.
const eventsOf = (sources: ReadonlyArray<Source>, handlers: ReadonlyArray<string>): string => {
  const given = new Set(handlers)
  const all = sources.map(({ name, schemas }) => {
    const tags = [...schemas.events.keys()].flatMap((tag) => {
      if (given.has(tag) || given.has(`${name}/${tag}`)) return [JSON.stringify(tag)]
      return given.has("*") ? [`* ${JSON.stringify(tag)}`] : []
    })
    return [name, ...tags.sort()].join(" ")
  })
  return all.sort().join("\n")
}

// An index has an order of fields. The indexes have none.
const indexesOf = (indexes: ReadonlyArray<Index>): string => {
  const all = indexes.map((index) => JSON.stringify(typeof index === "string" ? [index] : index))
  return [...new Set(all)].sort().join("\n")
}
