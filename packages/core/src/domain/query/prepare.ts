/** What a query means for one view: its schema says what missing fields and texts of numbers stand for. */
import type * as Schema from "effect/Schema"
import type { Aggregation, Count, Filter, Groups, Missing, Order, Path, Query } from "./data.ts"
import { fieldAt, missingAt, type StateSchema } from "./fields.ts"
import { indexOf } from "./indexes.ts"
import { hasNamedNumbers } from "./kinds.ts"

/** What a query asks, as far as it concerns its meaning. */
interface Asked {
  readonly schemas: { readonly state: Schema.Codec<unknown, unknown> }
  readonly indexes?: ReadonlyArray<string | ReadonlyArray<string>>
}

/** A query with what the view's schema adds to its meaning. To prepare it twice changes nothing. */
export const prepared = <Q extends Query | Count | Groups>(view: Asked, query: Q): Q =>
  // The compiler does not follow which member of the union it is.
  preparedAny(view, query) as Q

const preparedAny = (view: Asked, given: Query | Count | Groups): Query | Count | Groups => {
  const { state } = view.schemas
  // What only a view's schema says is not taken from whoever has made the query.
  const { index: _, missing: __, ...asked }: Query | (Count & { index?: never }) | (Groups & { index?: never }) = given
  const query = ofKnown(state, asked)
  const where = query.where === undefined ? {} : { where: preparedFilter(state, query.where) }
  const selected = query._tag === "Records" ? (query.select ?? []) : []
  const missing = missingIn(state, pathsOf(query), selected)
  const added = { ...where, ...(missing.length === 0 ? {} : { missing }) }
  switch (query._tag) {
    case "Count":
      return { ...query, ...added }
    case "Groups":
      return { ...query, ...added, values: mapped(query.values, (each) => withReading(state, each)) }
    case "Records": {
      const whole: Query = { ...query, ...added, orderBy: query.orderBy.map((order) => withReading(state, order)) }
      const index = indexOf(view, whole)
      return index === undefined ? whole : { ...whole, index }
    }
  }
}

// No JSON has this name, so every record has null there.
const nowhere: Path = ["\0"]

/** The query with null for what the state does not have: the JSON of a record may have something there. */
const ofKnown = <Q extends Query | Count | Groups>(state: StateSchema<unknown>, query: Q): Q => {
  const known = (path: Path): Path => (fieldAt(state, path).length === 0 ? nowhere : path)
  const at = <A extends Aggregation | Order>(asked: A): A =>
    "path" in asked ? { ...asked, path: known(asked.path) } : asked
  const filter = (each: Filter): Filter => {
    switch (each._tag) {
      case "And":
      case "Or":
        return { ...each, filters: each.filters.map(filter) }
      case "Not":
        return { ...each, filter: filter(each.filter) }
      default:
        return { ...each, path: known(each.path) }
    }
  }
  return {
    ...query,
    ...(query.where === undefined ? {} : { where: filter(query.where) }),
    ...("orderBy" in query ? { orderBy: query.orderBy.map(at) } : {}),
    ...("by" in query ? { by: query.by.map(known), values: mapped(query.values, at) } : {})
  }
}

const mapped = (
  values: Groups["values"],
  f: (aggregation: Aggregation) => Aggregation
): { readonly [name: string]: Aggregation } =>
  Object.fromEntries(Object.entries(values).map(([name, each]) => [name, f(each)]))

const withReading = <A extends Aggregation | Order | Filter>(state: StateSchema<unknown>, asked: A): A =>
  "path" in asked && hasNamedNumbers(fieldAt(state, asked.path)) ? { ...asked, as: "number" } : asked

const preparedFilter = (state: StateSchema<unknown>, filter: Filter): Filter => {
  switch (filter._tag) {
    case "And":
    case "Or":
      return { ...filter, filters: filter.filters.map((each) => preparedFilter(state, each)) }
    case "Not":
      return { ...filter, filter: preparedFilter(state, filter.filter) }
    case "Compare":
      return withReading(state, filter)
    default:
      return filter
  }
}

const pathsIn = (filter: Filter): ReadonlyArray<Path> => {
  switch (filter._tag) {
    case "And":
    case "Or":
      return filter.filters.flatMap(pathsIn)
    case "Not":
      return pathsIn(filter.filter)
    default:
      return [filter.path]
  }
}

const pathsOf = (query: Query | Count | Groups): ReadonlyArray<Path> => {
  const filtered = query.where === undefined ? [] : pathsIn(query.where)
  switch (query._tag) {
    case "Count":
      return filtered
    case "Groups": {
      const aggregated = Object.values(query.values).flatMap((each) => (each._tag === "count" ? [] : [each.path]))
      return [...filtered, ...query.by, ...aggregated]
    }
    case "Records":
      return [...filtered, ...query.orderBy.map(({ path }) => path), ...(query.select ?? [])]
  }
}

const missingIn = (
  state: StateSchema<unknown>,
  paths: ReadonlyArray<Path>,
  selected: ReadonlyArray<Path>
): ReadonlyArray<Missing> => {
  const found = [
    ...selected.flatMap((path) => unknownAt(state, path)),
    ...paths.flatMap((path) => missingAt(state, path))
  ]
  const all = new Map(found.map((each) => [JSON.stringify(each.path), each]))
  return [...all.values()].sort((a, b) => a.path.length - b.path.length)
}

// A field that the view does not have is null in what a query selects.
const unknownAt = (state: StateSchema<unknown>, path: Path): ReadonlyArray<Missing> => {
  const known = path.findIndex((_, i) => fieldAt(state, path.slice(0, i + 1)).length === 0)
  return known === -1 ? [] : [{ path: path.slice(0, known + 1), value: null }]
}
