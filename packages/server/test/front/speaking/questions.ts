/** Questions in GraphQL, and records as their JSON. */
import type { Query } from "@hexfold/core"
import type { Schema } from "effect"

type Json = Schema.Json

const at = (path: Query.Path, comparison: object): object =>
  path.reduceRight<object>((inner, name) => ({ [name]: inner }), comparison)

/** A filter as the value of `where`. */
export const whereOf = (filter: Query.Filter): object => {
  switch (filter._tag) {
    case "And":
      return { and: filter.filters.map(whereOf) }
    case "Or":
      return { or: filter.filters.map(whereOf) }
    case "Not":
      return { not: whereOf(filter.filter) }
    case "IsNull":
      return at(filter.path, { isNull: true })
    case "Compare":
      return at(filter.path, { [filter.is]: filter.value })
    case "In":
      return at(filter.path, { in: filter.values })
    case "Overlaps":
      return at(filter.path, { overlaps: filter.values })
    case "Text":
      return at(filter.path, { [filter.is]: filter.text, ignoreCase: filter.ignoreCase })
    default:
      throw new Error(`no filter in GraphQL: ${JSON.stringify(filter)}`)
  }
}

/** An order as a value of `orderBy`. */
export const orderOf = ({ direction, ignoreCase, nulls, path }: Query.Order): object => ({
  field: path.join("_"),
  direction: direction.toUpperCase(),
  ...(nulls === undefined ? {} : { nulls: nulls.toUpperCase() }),
  ...(ignoreCase === undefined ? {} : { ignoreCase })
})

const byHead = (paths: ReadonlyArray<Query.Path>): ReadonlyMap<string, ReadonlyArray<Query.Path>> => {
  const found = new Map<string, ReadonlyArray<Query.Path>>()
  for (const [head, ...rest] of paths)
    found.set(head!, [...(found.get(head!) ?? []), ...(rest.length === 0 ? [] : [rest])])
  return found
}

/** The fields at some paths, as a selection. */
export const selectionOf = (paths: ReadonlyArray<Query.Path>): string =>
  Array.from(byHead(paths), ([name, below]) => (below.length === 0 ? name : `${name} { ${selectionOf(below)} }`)).join(
    " "
  )

/** The state that the selected fields of a record are. */
export const stateOf = (
  node: Readonly<Record<string, Json>>,
  paths: ReadonlyArray<Query.Path>
): Readonly<Record<string, Json>> =>
  Object.fromEntries(
    Array.from(byHead(paths), ([name, below]) => [
      name,
      below.length === 0 ? node[name]! : stateOf(node[name] as Readonly<Record<string, Json>>, below)
    ])
  )
