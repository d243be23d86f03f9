import { PgTypes } from "@effect/sql-pg"
import { type Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { type Column, fieldColumn, indexed, keyColumn, valueAt } from "../sql/records.ts"
import { array } from "../database/binds.ts"
import { rangeOf, type SortKey, sortKey, textKey } from "./sortKey.ts"

/** A statement with its binds. */
export interface Statement {
  readonly text: string
  readonly binds: ReadonlyArray<unknown>
}

/**
 * Translates a query to a statement on the table of the generation that serves. It
 * asks for one record more than a page has, to see whether there is a next page.
 * Operands are bound; the names of fields are quoted.
 */
export const translate = (
  schema: string,
  table: string,
  query: Query.Query,
  after: QueryEvaluation.Place | undefined
): Statement => {
  const { bind, binds } = parameters()
  const columns: ReadonlyArray<Ordered> = [
    ...query.orderBy.map(({ direction, path }) => ({ ...fieldColumn(schema, path), descends: direction === "desc" })),
    { ...keyColumn, descends: false }
  ]
  const conditions = query.where === undefined ? [] : [condition(schema, bind, query.where)]
  if (after !== undefined) conditions.push(isAfter(bind, columns, [...after.values.map(sortKey), textKey(after.key)]))
  const order = columns.flatMap(({ descends, head, whole }) =>
    [head, whole].map((column) => `${column}${descends ? " desc" : ""}`)
  )
  const limit = query.limit === undefined ? "" : `limit ${bind(BigInt(query.limit) + 1n, "bigint")}`
  return { text: `select key, state from ${table}${where(conditions)} order by ${order.join(", ")} ${limit}`, binds }
}

/** Like {@link translate}, but for a query that counts. */
export const translateCount = (schema: string, table: string, query: Query.Count): Statement => {
  const { bind, binds } = parameters()
  const conditions = query.where === undefined ? [] : [condition(schema, bind, query.where)]
  return { text: `select pg_catalog.count(*) as count from ${table}${where(conditions)}`, binds }
}

type Bind = (value: unknown, type: string) => string

interface Ordered extends Column {
  readonly descends: boolean
}

const parameters = () => {
  const binds: Array<unknown> = []
  const bind: Bind = (value, type) => `$${binds.push(value)}::${type}`
  return { bind, binds }
}

const where = (conditions: ReadonlyArray<string>): string =>
  conditions.length === 0 ? "" : ` where ${conditions.join(" and ")}`

const all = (conditions: ReadonlyArray<string>): string => (conditions.length === 0 ? "true" : conditions.join(" and "))

const any = (conditions: ReadonlyArray<string>): string => (conditions.length === 0 ? "false" : conditions.join(" or "))

// A null of SQL stands for false. `and`, `or` and `where` treat both alike, and so does `is not true`.
const condition = (schema: string, bind: Bind, filter: Query.Filter): string => {
  switch (filter._tag) {
    case "And":
      return `(${all(filter.filters.map((each) => condition(schema, bind, each)))})`
    case "Or":
      return `(${any(filter.filters.map((each) => condition(schema, bind, each)))})`
    case "Not":
      return `(${condition(schema, bind, filter.filter)} is not true)`
    case "Compare": {
      const column = fieldColumn(schema, filter.path)
      const compared = compare(bind, column, operators[filter.is], sortKey(filter.value))
      if (filter.is === "eq") return `(${compared})`
      const [from, to] = rangeOf(filter.value)
      return filter.is === "gt" || filter.is === "gte"
        ? `(${compared} and ${column.head} < '${to}')`
        : `(${compared} and ${column.head} >= '${from}')`
    }
    case "In":
      return `(${oneOf(bind, fieldColumn(schema, filter.path), filter.values.map(sortKey))})`
    case "Overlaps": {
      const elements = filter.values.filter((value) => sortKey(value).exact).map((value) => [value])
      return `(${valueAt(filter.path)} @> any (${bind(array(elements, PgTypes.OID.jsonb), "jsonb[]")}))`
    }
    case "Text":
      return filter.text.includes("\0") ? "false" : `(${search(bind, filter)})`
    case "IsNull":
      return `(${compare(bind, fieldColumn(schema, filter.path), "=", sortKey(null))})`
  }
}

type Operator = "=" | ">" | ">=" | "<" | "<="

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

const isShort = (text: string): boolean => text.length < indexed

const headOf = (text: string): string =>
  Array.from(text.slice(0, 2 * indexed))
    .slice(0, indexed)
    .join("")

const search = (bind: Bind, filter: Extract<Query.Filter, { readonly _tag: "Text" }>): string => {
  const { upper, lower } = QueryEvaluation.caseTable
  const fold = (text: string) =>
    filter.ignoreCase ? `pg_catalog.translate(${text}, ${bind(upper, "text")}, ${bind(lower, "text")})` : text
  const value = valueAt(filter.path)
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
