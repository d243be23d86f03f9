import type { Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Array as Arr } from "effect"
import { type Column, fieldColumn, indexed, keyColumn, valueAt } from "../sql/records.ts"
import { namedKeys, type SortKey, sortKey, textKey } from "./sortKey.ts"

/** A statement with its binds. */
export interface Statement {
  readonly text: string
  readonly binds: ReadonlyArray<unknown>
}

export type Bind = (value: unknown, type: string) => string

/** Binds the values of a statement. */
export const parameters = () => {
  const binds: Array<unknown> = []
  const all: Array<string> = []
  const bind: Bind = (value, type) => {
    const bound = `$${binds.push(value)}::${type}`
    all.push(`${bound} as bound_${binds.length}`)
    return bound
  }
  // A part that is always false leaves its values out. The server wants to know the types of these too.
  const statement = (text: string): Statement => {
    const bound = Arr.chunksOf(all, mostColumns).map((each, i) => `bound_${i} as (select ${each.join(", ")})`)
    return { text: bound.length === 0 ? text : `with ${bound.join(", ")} ${text}`, binds }
  }
  return { bind, binds, statement }
}

// A select of Postgres has at most 1,664 columns. A query has at most 1,000 operands, and some bind several values.
const mostColumns = 1_000

/** How a statement reads the fields of the states. */
export interface Reading {
  readonly schema: string
  readonly bind: Bind
  /** What stands where the JSON of a state lacks a field. */
  readonly missing: ReadonlyArray<Query.Missing>
}

/** The JSON at a path, with what stands for missing fields. */
export const valueOf = ({ bind, missing }: Reading, path: Query.Path): string => {
  const defaults = path.map((_, i) => missing.find((each) => isSame(each.path, path.slice(0, i + 1))))
  if (defaults.every((each) => each === undefined)) return valueAt(path)
  return path.reduce((parent, name, i) => {
    const field = name.includes("\0") ? "null::jsonb" : `(${parent} -> ${bind(name, "text")})`
    const value = defaults[i]
    if (value === undefined) return field
    const filled = `coalesce(${field}, ${bind(JSON.stringify(value.value), "text")}::jsonb)`
    return `(case when pg_catalog.jsonb_typeof(${parent}) = 'object' then ${filled} end)`
  }, "state")
}

const isSame = (a: Query.Path, b: Query.Path): boolean => a.length === b.length && a.every((name, i) => name === b[i])

/** A field as its `sort_key`. An index holds it unless something stands for missing fields. */
export const columnOf = (reading: Reading, path: Query.Path): Column => {
  const value = valueOf(reading, path)
  return value === valueAt(path) ? fieldColumn(reading.schema, path) : derived(`${reading.schema}.sort_key(${value})`)
}

const derived = (key: string): Column => ({
  head: `pg_catalog.left(${key}, ${indexed}) collate "C"`,
  whole: `${key} collate "C"`
})

/** The key of a field, with the named numbers at their place among numbers. */
export const readColumn = (reading: Reading, path: Query.Path, as: Query.ReadAs | undefined): Column => {
  const column = columnOf(reading, path)
  if (as === undefined) return column
  const cases = namedKeys.map(([name, key]) => `when '${name}'::text then '${key}'::text`)
  return derived(`(case ${column.whole} ${cases.join(" ")} else ${column.whole} end)`)
}

/** One of the columns that order the records of a query. */
export interface Ordered extends Column {
  readonly descends: boolean
  /** The key that a place has here. */
  readonly at: (place: QueryEvaluation.Place) => SortKey
}

/** The columns of an order, the record's key last. */
export const orderColumns = (reading: Reading, orderBy: ReadonlyArray<Query.Order>): ReadonlyArray<Ordered> => [
  ...orderBy.flatMap((order, i) => columnsOf(reading, order, (place) => place.values[i]!)),
  { ...keyColumn, descends: false, at: ({ key }) => textKey(key) }
]

const columnsOf = (
  reading: Reading,
  order: Query.Order,
  value: (place: QueryEvaluation.Place) => QueryEvaluation.SortValue
): ReadonlyArray<Ordered> => {
  const column = readColumn(reading, order.path, order.as)
  const { lower, upper } = QueryEvaluation.caseTable
  const folded =
    order.ignoreCase === true
      ? derived(`pg_catalog.translate(${column.whole}, ${reading.bind(upper, "text")}, ${reading.bind(lower, "text")})`)
      : column
  const values: Ordered = {
    ...folded,
    descends: order.direction === "desc",
    at: (place) => sortKey(QueryEvaluation.sortable(value(place), order))
  }
  if (order.nulls === undefined) return [values]
  const [none, others] = order.nulls === "first" ? ["0", "1"] : ["1", "0"]
  const place = `(case ${column.head} when '0'::text then '${none}'::text else '${others}'::text end)`
  return [{ ...derived(place), descends: false, at: (each) => textKey(value(each) === null ? none! : others!) }, values]
}
