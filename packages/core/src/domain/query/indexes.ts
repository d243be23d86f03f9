/** Which queries an index of a view answers: the records that a store looks at are those of the page. */
import type * as Schema from "effect/Schema"
import type { Filter, Missing, Order, Path, Query } from "./data.ts"
import { pathOf } from "./fields.ts"

interface Indexed {
  readonly schemas: { readonly state: Schema.Codec<unknown, unknown> }
  readonly indexes?: ReadonlyArray<string | ReadonlyArray<string>>
}

// The most places in an index at which a store looks for one page.
const maxPlaces = 20

/** The most records of a page that an index answers. */
export const maxIndexed = 1_000

// The most fields of an index that stores are sure to have.
const maxFields = 8

type Leaf = Extract<Filter, { readonly path: Path }>

/** The fields of a view's indexes. Throws an `Error` for a field that the JSON of the state does not have. */
export const declaredIndexes = ({ indexes = [], schemas }: Indexed): ReadonlyArray<ReadonlyArray<Path>> =>
  indexes.map((index) => (typeof index === "string" ? [index] : index).map((path) => pathOf(schemas.state, path)))

/** Throws an `Error` that names the view if one of its indexes has a field that the JSON of the state does not have. */
export const checkIndexes = (name: string, view: Indexed): void => {
  try {
    declaredIndexes(view)
  } catch (error) {
    throw new Error(`${name}, indexes: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** The fields of a view's indexes that answer queries. */
export const indexesOf = (view: Indexed): ReadonlyArray<ReadonlyArray<Path>> =>
  declaredIndexes(view).map((index) => index.slice(0, maxFields))

// The most characters that name indexes in a message.
const maxNamed = 300

/**
 * Says that no index answers a query, and which indexes there are: those whose fields may all be asked for and named, as many
 * as fit into a message.
 */
export const noIndexFor = (
  view: Indexed,
  allowed: ReadonlyArray<Path> | undefined,
  unnamed: ReadonlyArray<Path>
): string => {
  const named = indexesOf(view)
    .filter((index) => allowed === undefined || index.every((path) => allowed.some((each) => isWithin(path, each))))
    .filter((index) => !index.some((path) => unnamed.some((each) => isWithin(path, each) || isWithin(each, path))))
    .map((index) => `[${index.map((path) => path.join(".")).join(", ")}]`)
  let characters = 0
  const shown = named.filter((text) => (characters += text.length) <= maxNamed)
  const others = named.length - shown.length
  const known = [...shown, ...(others === 0 ? [] : [`${others} more`])].join(", ")
  return `no index of the view answers this query, and the limits do not allow to look at all records: ${
    named.length > 0
      ? `its indexes are ${known}`
      : unnamed.length > 0
        ? "it has no index that may be named"
        : "it has no index"
  }`
}

/**
 * The fields of an index that answers a query, or `undefined` if there is none.
 *
 * An index answers a page if the filter is a conjunction, if its first fields are
 * compared with `eq`, `oneOf` or `isNull`, and if the others are the order, all in one
 * direction; the first of these may also have a range. The order by key alone
 * needs no index.
 */
export const indexOf = (view: Indexed, query: Query): ReadonlyArray<Path> | undefined => {
  if (query.limit === undefined || query.limit > maxIndexed || query.total === true) return undefined
  const leaves = query.where === undefined ? [] : leavesOf(query.where)
  if (leaves === undefined) return undefined
  return [[], ...indexesOf(view)].find((index) => answers(index, leaves, query))
}

// The parts of a conjunction, or `undefined` for another filter.
const leavesOf = (filter: Filter): ReadonlyArray<Leaf> | undefined => {
  if (filter._tag === "And") {
    const all = filter.filters.map(leavesOf)
    return all.every((each) => each !== undefined) ? all.flat() : undefined
  }
  return "path" in filter ? [filter] : undefined
}

const isSame = (a: Path, b: Path): boolean => a.length === b.length && a.every((name, i) => name === b[i])

// Whether a field is another one, or below it.
const isWithin = (path: Path, outer: Path): boolean => isSame(outer, path.slice(0, outer.length))

// The number of values that a filter compares its field with, or `undefined` if it is no such comparison.
const pointsOf = (leaf: Leaf): number | undefined =>
  leaf._tag === "In"
    ? leaf.values.length
    : leaf._tag === "IsNull" || (leaf._tag === "Compare" && leaf.is === "eq")
      ? 1
      : undefined

const answers = (index: ReadonlyArray<Path>, leaves: ReadonlyArray<Leaf>, query: Query): boolean => {
  let places = 1
  let fixed = 0
  while (fixed < index.length) {
    const points = leaves.filter((leaf) => isSame(leaf.path, index[fixed]!) && pointsOf(leaf) !== undefined)
    if (points.length !== 1) break
    places *= pointsOf(points[0]!)!
    fixed++
  }
  const isFixed = ({ path }: { readonly path: Path }) => index.slice(0, fixed).some((each) => isSame(each, path))
  const open = index.slice(fixed)
  const orderBy = query.orderBy.filter((order) => !isFixed(order))
  const named = orderBy[0]?.as !== undefined
  return (
    places <= (named ? maxPlaces / 5 : maxPlaces) &&
    (places === 1 || orderBy.length === query.orderBy.length) &&
    open.length === orderBy.length &&
    orderBy.every((order, i) => isSame(order.path, open[i]!) && isIndexed(order, orderBy[0]!, i)) &&
    leaves.every((leaf) =>
      isFixed(leaf)
        ? pointsOf(leaf) !== undefined
        : open.length > 0 && isSame(leaf.path, open[0]!) && leaf._tag === "Compare" && leaf.is !== "eq"
    ) &&
    !hasDefault(query.missing ?? [], [...index])
  )
}

// Only of the first field can a store take null and the numbers without JSON out of their place in the index.
const isIndexed = (order: Order, first: Order, i: number): boolean => {
  const natural = order.direction === "asc" ? "first" : "last"
  return (
    order.ignoreCase !== true &&
    order.direction === first.direction &&
    (i === 0 || ((order.nulls ?? natural) === natural && order.as === undefined))
  )
}

// An index holds what is stored.
const hasDefault = (missing: ReadonlyArray<Missing>, index: ReadonlyArray<Path>): boolean =>
  missing.some(({ path }) => index.some((each) => isWithin(each, path)))
