import { PgTypes } from "@effect/sql-pg"
import { type Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { type Column, indexed } from "../sql/records.ts"
import { array } from "../database/binds.ts"
import {
  type Bind,
  columnOf,
  type Ordered,
  orderColumns,
  parameters,
  type Reading,
  type Statement,
  valueOf
} from "./queryColumns.ts"
import { namedKeys, rangeOf, type SortKey, sortKey, textKey } from "./sortKey.ts"

/**
 * Translates a query to a statement on the table of the generation that serves. It
 * asks for one record more than a page has, to see whether there is a next page.
 * Operands are bound; the names of fields are quoted. With a total there is always
 * a row; its key is null if the page has no record, and rows come in any order.
 */
export const translate = (
  schema: string,
  table: string,
  query: Query.Query,
  after: QueryEvaluation.Place | undefined
): Statement => {
  const { bind, statement } = parameters()
  const reading = { schema, bind, missing: query.missing ?? [] }
  const columns = orderColumns(reading, query.orderBy)
  const conditions = query.where === undefined ? [] : [condition(reading, query.where)]
  const rest =
    after === undefined
      ? []
      : [
          isAfter(
            bind,
            columns,
            columns.map(({ at }) => at(after))
          )
        ]
  const order = columns.flatMap(({ descends, head, whole }) =>
    [head, whole].map((column) => `${column}${descends ? " desc" : ""}`)
  )
  const limit = query.limit === undefined ? "" : `limit ${bind(BigInt(query.limit) + 1n, "bigint")}`
  const page = `select key, state from ${table}${where([...conditions, ...rest])} order by ${order.join(", ")} ${limit}`
  if (query.total !== true) return statement(page)
  const counted = `select pg_catalog.count(*) as total from ${table}${where(conditions)}`
  return statement(`select key, state, total from (${counted}) as counted left join (${page}) as page on true`)
}

/** Like {@link translate}, but for a query that counts. */
export const translateCount = (schema: string, table: string, query: Query.Count): Statement => {
  const { bind, statement } = parameters()
  const reading = { schema, bind, missing: query.missing ?? [] }
  const conditions = query.where === undefined ? [] : [condition(reading, query.where)]
  return statement(`select pg_catalog.count(*) as count from ${table}${where(conditions)}`)
}

/** A clause for conditions that all hold. */
export const where = (conditions: ReadonlyArray<string>): string =>
  conditions.length === 0 ? "" : ` where ${conditions.join(" and ")}`

const all = (conditions: ReadonlyArray<string>): string => (conditions.length === 0 ? "true" : conditions.join(" and "))

const any = (conditions: ReadonlyArray<string>): string => (conditions.length === 0 ? "false" : conditions.join(" or "))

// A null of SQL stands for false. `and`, `or` and `where` treat both alike, and so does `is not true`.
/** Whether a record meets a filter. */
export const condition = (reading: Reading, filter: Query.Filter): string => {
  const { bind } = reading
  switch (filter._tag) {
    case "And":
      return `(${all(filter.filters.map((each) => condition(reading, each)))})`
    case "Or":
      return `(${any(filter.filters.map((each) => condition(reading, each)))})`
    case "Not":
      return `(${condition(reading, filter.filter)} is not true)`
    case "Overlaps": {
      const elements = filter.values.filter((value) => sortKey(value).exact).map((value) => [value])
      return `(${valueOf(reading, filter.path)} @> any (${bind(array(elements, PgTypes.OID.jsonb), "jsonb[]")}))`
    }
    case "Text":
      return filter.text.includes("\0") ? "false" : `(${search(reading, filter)})`
    case "In":
      return `(${oneOf(bind, columnOf(reading, filter.path), filter.values.map(sortKey))})`
    default: {
      const column = columnOf(reading, filter.path)
      return `(${any(intervalsOf(filter).map((interval) => isWithin(bind, column, interval)))})`
    }
  }
}

type Operator = "=" | ">" | ">=" | "<" | "<="

/** The keys for which all comparisons hold. */
export type Interval = ReadonlyArray<readonly [Operator, SortKey]>

/** A filter that holds for some intervals of a field's keys. */
export type Leaf = Extract<Query.Filter, { readonly _tag: "Compare" | "In" | "IsNull" }>

/** The intervals of keys for which a filter holds. No two of them have a key in common. */
export const intervalsOf = (leaf: Leaf): ReadonlyArray<Interval> => {
  if (leaf._tag === "IsNull") return [[["=", sortKey(null)]]]
  if (leaf._tag === "In") return [...new Set(leaf.values)].map((value) => [["=", sortKey(value)]])
  if (leaf.is === "eq") return [[["=", sortKey(leaf.value)]]]
  const holds = (number: number) => QueryEvaluation.matches({ ...leaf, path: ["n"] }, { n: number })
  const wanted = QueryEvaluation.readAs(leaf.value, leaf.as)
  if (leaf.as === undefined || typeof wanted === "boolean") return [rangeTo(leaf.is, leaf.value)]
  if (typeof wanted === "string") return textsBetween.map((texts) => [...texts, ...rangeTo(leaf.is, wanted)])
  // Outside of the numbers of JSON there are those that have names.
  const finite = Number.isFinite(wanted) ? [rangeTo(leaf.is, wanted)] : holds(0) ? [between(rangeOf(0))] : []
  const named = [-Infinity, Infinity].filter(holds).map((number): Interval => [["=", sortKey(String(number))]])
  return [...finite, ...named]
}

/** The keys of texts that do not name numbers. */
export const textsBetween: ReadonlyArray<Interval> = ["5", ...namedKeys.map(([name]) => name).toSorted()].map(
  (from, i, all) => [
    [i === 0 ? ">=" : ">", textKey(from)],
    ["<", textKey(all[i + 1] ?? "6")]
  ]
)

const rangeTo = (is: Extract<Query.Filter, { readonly _tag: "Compare" }>["is"], value: Query.Scalar): Interval => {
  const [from, to] = rangeOf(value)
  const operator = operators[is]
  return is === "gt" || is === "gte"
    ? [
        [operator, sortKey(value)],
        ["<", textKey(to)]
      ]
    : [
        [operator, sortKey(value)],
        [">=", textKey(from)]
      ]
}

const between = ([from, to]: readonly [from: string, to: string]): Interval => [
  [">=", textKey(from)],
  ["<", textKey(to)]
]

/** Whether a field's key is in an interval. */
export const isWithin = (bind: Bind, column: Column, interval: Interval): string =>
  all(interval.map(([operator, key]) => compare(bind, column, operator, key)))

const operators: Record<Extract<Query.Filter, { readonly _tag: "Compare" }>["is"], Operator> = {
  eq: "=",
  gt: ">",
  gte: ">=",
  lt: "<",
  lte: "<="
}

// A truncated key sorts after its own text: compare with the text, exclude equality.
const inexact: Record<Operator, Operator | undefined> = { "=": undefined, ">": ">", ">=": ">", "<": "<=", "<=": "<=" }

const onHeads: Record<Operator, Operator> = { "=": "=", ">": ">=", ">=": ">=", "<": "<=", "<=": "<=" }

// If the key is shorter than the part that an index holds, the heads alone decide.
const compare = (bind: Bind, { head, whole }: Column, operator: Operator, { exact, text }: SortKey): string => {
  const actual = exact ? operator : inexact[operator]
  if (actual === undefined) return "false"
  return isShort(text)
    ? `${head} ${actual} ${bind(text, "text")}`
    : `${head} ${onHeads[actual]} ${bind(headOf(text), "text")} and ${whole} ${actual} ${bind(text, "text")}`
}

const oneOf = (bind: Bind, { head, whole }: Column, keys: ReadonlyArray<SortKey>): string => {
  const texts = keys.filter(({ exact }) => exact).map(({ text }) => text)
  const isIn = (column: string, texts: ReadonlyArray<string>) =>
    `${column} = any (${bind(array(texts, PgTypes.OID.text), "text[]")})`
  return texts.every(isShort) ? isIn(head, texts) : `${isIn(head, texts.map(headOf))} and ${isIn(whole, texts)}`
}

/** Whether an index holds a whole key. */
export const isShort = (text: string): boolean => text.length < indexed

const headOf = (text: string): string =>
  Array.from(text.slice(0, 2 * indexed))
    .slice(0, indexed)
    .join("")

const search = (reading: Reading, filter: Extract<Query.Filter, { readonly _tag: "Text" }>): string => {
  const { bind } = reading
  const { upper, lower } = QueryEvaluation.caseTable
  const fold = (text: string) =>
    filter.ignoreCase ? `pg_catalog.translate(${text}, ${bind(upper, "text")}, ${bind(lower, "text")})` : text
  const value = valueOf(reading, filter.path)
  const [text, part] = [fold(`${value} #>> '{}'::text[]`), fold(bind(filter.text, "text"))]
  const found =
    filter.is === "contains" ? `pg_catalog.strpos(${text}, ${part}) > 0` : `pg_catalog.starts_with(${text}, ${part})`
  return `pg_catalog.jsonb_typeof(${value}) = 'string' and ${found}`
}

// Whether a record comes after a place. The first comparison of each column follows from the others; it is there so that
// a search in an index begins at the place.
const isAfter = (bind: Bind, columns: ReadonlyArray<Ordered>, place: ReadonlyArray<SortKey>): string => {
  const [column, ...others] = columns
  const [key, ...rest] = place
  const beyond = compare(bind, column!, column!.descends ? "<" : ">", key!)
  if (others.length === 0) return `(${beyond})`
  const from = compare(bind, column!, column!.descends ? "<=" : ">=", key!)
  const level = compare(bind, column!, "=", key!)
  return `(${from} and (${beyond} or ${level} and ${isAfter(bind, others, rest)}))`
}
