/** The meaning of filters and orders. Every store gives the answers that these functions give. */
import type * as Schema from "effect/Schema"
import { foldCase } from "./caseFolding.ts"
import type { Filter, Missing, Order, Path, ReadAs, Scalar } from "./data.ts"

type Json = Schema.Json

/** The value as an object with fields, or `undefined` for an array and anything else. */
export const fieldsOf = (value: Json | undefined): { readonly [name: string]: Json } | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { readonly [name: string]: Json })
    : undefined

/** The value at a path, or `undefined` if there is none. */
export const valueAt = (state: Json, path: Path): Json | undefined => {
  let value: Json | undefined = state
  for (const name of path) {
    const fields = fieldsOf(value)
    if (fields === undefined || !Object.hasOwn(fields, name)) return undefined
    value = fields[name]
  }
  return value
}

// A surrogate stands for a character above all others that fit one unit.
const rankOfUnit = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit)

/**
 * The order of texts by code point, which is that of keys: negative if `a` is
 * first.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * ["😀", "\uffff"].sort(QueryEvaluation.compareTexts) // ["\uffff", "😀"]
 * ```
 */
export const compareTexts = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) return rankOfUnit(x) - rankOfUnit(y)
  }
  return a.length - b.length
}

// Both of the same kind; false is before true, and NaN comes after every number.
const compareScalars = (a: Scalar, b: Scalar): number =>
  typeof a === "string" && typeof b === "string" ? compareTexts(a, b) : compareNumbers(Number(a), Number(b))

const compareNumbers = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : a < b ? -1 : a > b ? 1 : 0

/** Whether a value can be compared. */
export const isScalar = (value: Json | undefined): value is Scalar =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"

/** A value as a query reads it: with `number`, the texts that name numbers are these numbers. */
export const readAs = <A>(value: A, as: ReadAs | undefined): A | number =>
  as === "number" && typeof value === "string" && isNamed(value) ? Number(value) : value

const isNamed = (text: string): boolean => text === "NaN" || text === "Infinity" || text === "-Infinity"

/**
 * A state with what its schema gives it where a field is missing. A field is only
 * added to an object that is there.
 */
export const completed = (state: Json, missing: ReadonlyArray<Missing> = []): Json =>
  // JSON has no -0, and a store answers with what JSON has.
  missing.reduce((whole, { path, value }) => withField(whole, path, Object.is(value, -0) ? 0 : value), state)

const withField = (state: Json, [name, ...rest]: Path, value: Json): Json => {
  const fields = fieldsOf(state)
  if (fields === undefined || name === undefined) return state
  const has = Object.hasOwn(fields, name)
  if (rest.length > 0 ? !has : has) return state
  return { ...fields, [name]: rest.length > 0 ? withField(fields[name]!, rest, value) : value }
}

const comparison = {
  eq: (order: number) => order === 0,
  gt: (order: number) => order > 0,
  gte: (order: number) => order >= 0,
  lt: (order: number) => order < 0,
  lte: (order: number) => order <= 0
}

/**
 * Whether a state, as the JSON that its schema writes, meets a filter.
 *
 * There are only true and false. A missing field is null. A comparison with
 * null or with a value of another kind is false; `not` makes it true. Texts are
 * ordered by code point, and `contains` and `startsWith` take every character
 * literally. `ignoreCase` folds the letters of {@link caseTable}. A path leads
 * through objects only, never into an array.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { QueryEvaluation } from "@hexfold/core/adapter"
 *
 * const over = { _tag: "Compare", path: ["balance"], is: "gt", value: 100 } as const
 *
 * QueryEvaluation.matches(over, { balance: 101 }) // true
 * QueryEvaluation.matches(over, { balance: "101" }) // false
 * QueryEvaluation.matches({ _tag: "Not", filter: over }, {}) // true
 * ```
 */
export const matches = (filter: Filter, state: Json): boolean => {
  switch (filter._tag) {
    case "And":
      return filter.filters.every((each) => matches(each, state))
    case "Or":
      return filter.filters.some((each) => matches(each, state))
    case "Not":
      return !matches(filter.filter, state)
    default:
      return matchesValue(filter, valueAt(state, filter.path))
  }
}

const matchesValue = (filter: Extract<Filter, { readonly path: Path }>, value: Json | undefined): boolean => {
  switch (filter._tag) {
    case "Compare": {
      const [found, wanted] = [readAs(value, filter.as), readAs(filter.value, filter.as)]
      // NaN equals itself and has no order.
      if (Number.isNaN(found) || Number.isNaN(wanted)) return filter.is === "eq" && Object.is(found, wanted)
      return isScalar(found) && typeof found === typeof wanted && comparison[filter.is](compareScalars(found, wanted))
    }
    case "In":
      return isScalar(value) && filter.values.includes(value)
    case "Overlaps":
      return Array.isArray(value) && value.some((each: Json) => isScalar(each) && filter.values.includes(each))
    case "Text": {
      if (typeof value !== "string") return false
      const [text, part] = filter.ignoreCase ? [foldCase(value), foldCase(filter.text)] : [value, filter.text]
      return filter.is === "contains" ? text.includes(part) : text.startsWith(part)
    }
    case "IsNull":
      return value === undefined || value === null
  }
}

/** What orders a record: a scalar, null for nothing, or `[]` for an array or an object, which are all equal. */
export type SortValue = Scalar | null | readonly []

/** A place in the order of a query's records. */
export interface Place {
  /** One for each field of `orderBy`. */
  readonly values: ReadonlyArray<SortValue>
  readonly key: string
}

/** Where a record stands in an order. */
export const placeOf = (orderBy: ReadonlyArray<Order>, key: string, state: Json): Place => ({
  key,
  values: orderBy.map(({ path }) => sortValueAt(state, path))
})

/** The value at a path, as it is ordered and grouped. */
export const sortValueAt = (state: Json, path: Path): SortValue => {
  const value = valueAt(state, path) ?? null
  return value === null || isScalar(value) ? value : []
}

const kinds = ["boolean", "number", "string", "object"]

/** The order of two values: null, booleans, numbers, texts, then arrays and objects. */
export const compareValues = (a: SortValue, b: SortValue): number => {
  if (isScalar(a) && isScalar(b) && typeof a === typeof b) return compareScalars(a, b)
  return rankOf(a) - rankOf(b)
}

const rankOf = (value: SortValue): number => (value === null ? -1 : kinds.indexOf(typeof value))

/** A value as an order compares it. */
export const sortable = (value: SortValue, { as, ignoreCase }: Order): SortValue => {
  const read = readAs(value, as)
  return ignoreCase === true && typeof read === "string" ? foldCase(read) : read
}

const compareBy = (order: Order, a: SortValue, b: SortValue): number => {
  if (order.nulls !== undefined && (a === null) !== (b === null)) {
    return (a === null) === (order.nulls === "first") ? -1 : 1
  }
  const compared = compareValues(sortable(a, order), sortable(b, order))
  return order.direction === "asc" ? compared : -compared
}

/**
 * The order of two records: null, booleans, numbers, texts, then arrays and
 * objects, all of it reversed by `desc`. `nulls` places null before or after all
 * others, whatever the direction. The key decides between equals, in ascending
 * order, so no two records have the same place.
 */
export const comparePlaces = (orderBy: ReadonlyArray<Order>, a: Place, b: Place): number => {
  for (const [i, order] of orderBy.entries()) {
    const compared = compareBy(order, a.values[i]!, b.values[i]!)
    if (compared !== 0) return compared
  }
  return compareTexts(a.key, b.key)
}
