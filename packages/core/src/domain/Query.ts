/**
 * A question to a view, as plain data: which records, in which order, how many,
 * and which of their fields.
 *
 * A query is a JSON value with a schema of its own, so it can be sent and kept.
 * What it means is written down once, in {@link run}; every store gives the
 * same answer.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Count, type Filter, type Page, type Path, type Query, QuerySchema, type Scalar } from "./query/data.ts"
import {
  type ElementOf,
  elementCodec,
  type Equatable,
  fieldCodec,
  type Operand,
  type Ordered,
  type PathTo,
  type Selected,
  selectedCodec
} from "./query/fields.ts"

export {
  type Count,
  CountSchema,
  type Filter,
  maxDepth,
  maxFields,
  maxOperands,
  type Order,
  type Page,
  type Path,
  type Query,
  QuerySchema,
  type Row,
  type Scalar
} from "./query/data.ts"
export type { ElementOf, Equatable, Operand, Ordered, PathTo, Selected } from "./query/fields.ts"

/** What has records to ask for: a view. */
export interface Source<State, Name extends string = string> {
  readonly name: Name
  readonly schemas: { readonly state: Schema.Codec<State, unknown> }
}

/** Makes the filters of a query, typed by the state of its view; {@link matches} says what they mean. */
export interface Filters<State> {
  readonly eq: Comparison<State, Equatable>
  /** The opposite of `eq`: it holds for null too. */
  readonly ne: Comparison<State, Equatable>
  readonly gt: Comparison<State, Ordered>
  readonly gte: Comparison<State, Ordered>
  readonly lt: Comparison<State, Ordered>
  readonly lte: Comparison<State, Ordered>
  /** Both ends belong to it. */
  readonly between: <const P extends PathTo<State, Ordered>>(
    path: P,
    from: Operand<State, P, Ordered>,
    to: Operand<State, P, Ordered>
  ) => Filter
  /** Whether the field is one of these values. */
  readonly in: <const P extends PathTo<State, Equatable>>(
    path: P,
    values: ReadonlyArray<Operand<State, P, Equatable>>
  ) => Filter
  readonly contains: TextSearch<State>
  readonly startsWith: TextSearch<State>
  /** Whether the field is null or missing. */
  readonly isNull: (path: PathTo<State, unknown>) => Filter
  /** Whether the array has this element. */
  readonly includes: <const P extends PathTo<State, ReadonlyArray<unknown>>>(
    path: P,
    value: ElementOf<State, P>
  ) => Filter
  /** Whether the array has one of these elements. */
  readonly overlaps: <const P extends PathTo<State, ReadonlyArray<unknown>>>(
    path: P,
    values: ReadonlyArray<ElementOf<State, P>>
  ) => Filter
  /** Whether all hold; of no filter at all true. */
  readonly and: (...filters: ReadonlyArray<Filter>) => Filter
  /** Whether one holds; of no filter at all false. */
  readonly or: (...filters: ReadonlyArray<Filter>) => Filter
  readonly not: (filter: Filter) => Filter
}

/** Compares a field with a value of its own type. */
export type Comparison<State, Kind> = <const P extends PathTo<State, Kind>>(
  path: P,
  value: Operand<State, P, Kind>
) => Filter

/** Looks for a text in a field. */
export type TextSearch<State> = (
  path: PathTo<State, string>,
  text: string,
  options?: { readonly ignoreCase?: boolean }
) => Filter

/** What a query asks for; all of it may be left out. */
export interface Options<State, Select extends ReadonlyArray<PathTo<State, unknown>>> {
  readonly where?: (filters: Filters<State>) => Filter
  /** Fields, each alone or with its direction; `asc` if none is said. Values are ordered as the schema writes them. */
  readonly orderBy?: ReadonlyArray<
    PathTo<State, Ordered> | readonly [path: PathTo<State, Ordered>, direction: "asc" | "desc"]
  >
  readonly limit?: number
  /** The cursor that a page of the same query gave as `next`. */
  readonly after?: string
  readonly select?: Select
}

/**
 * Makes a query for records of a view.
 *
 * The paths are those of the view's state, with dots between the names, and an
 * operand has the type of its field. Throws an `Error` for a field that the
 * JSON of the state does not have under this name, and for an order comparison
 * with a number that the schema writes as text; throws a `SchemaError` for what
 * {@link QuerySchema} refuses.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Accounts = {
 *   name: "Accounts",
 *   schemas: {
 *     state: Schema.Struct({
 *       owner: Schema.Struct({ name: Schema.String }),
 *       status: Schema.Literals(["open", "closed"]),
 *       balance: Schema.Int
 *     })
 *   }
 * }
 *
 * const richest = Query.from(Accounts, {
 *   where: ({ and, eq, startsWith }) => and(eq("status", "open"), startsWith("owner.name", "a", { ignoreCase: true })),
 *   orderBy: [["balance", "desc"], "owner.name"],
 *   limit: 20,
 *   select: ["owner.name", "balance"]
 * })
 * ```
 */
export const from = <
  State,
  const Select extends ReadonlyArray<PathTo<State, unknown>> = never,
  Name extends string = string
>(
  view: Source<State, Name>,
  options: Options<State, Select> = {}
): Query<[Select] extends [never] ? State : Selected<State, Select[number]>, Name> => {
  const { after, limit, orderBy = [], select, where } = options
  const { state } = view.schemas
  const query = Schema.decodeUnknownSync(QuerySchema)({
    _tag: "Records",
    view: view.name,
    ...(where === undefined ? {} : { where: where(filters(state)) }),
    orderBy: orderBy.map((order) => {
      const [path, direction] = typeof order === "string" ? [order, "asc"] : order
      return { path: pathOf(path), direction }
    }),
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { after }),
    ...(select === undefined ? {} : { select: select.map(pathOf) })
  })
  for (const { path } of query.orderBy) fieldCodec(state, path)
  for (const path of query.select ?? []) fieldCodec(state, path)
  return query as Query<never, never>
}

/**
 * The query that counts what another gives on all its pages.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 *
 * Query.count({ _tag: "Records", view: "Accounts", orderBy: [], limit: 20 }) // { _tag: "Count", view: "Accounts" }
 * ```
 */
export const count = ({ view, where }: Query): Count => ({
  _tag: "Count",
  view,
  ...(where === undefined ? {} : { where })
})

/**
 * The query for the page behind a cursor.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 *
 * declare const query: Query.Query
 * declare const page: Query.Page<unknown>
 *
 * const next = page.next === undefined ? undefined : Query.after(query, page.next)
 * ```
 */
export const after = <Row, Name extends string>(query: Query<Row, Name>, cursor: string): Query<Row, Name> => ({
  ...query,
  after: cursor
})

/**
 * Decodes the answer that a store gave to a query of this view.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Accounts = { name: "Accounts", schemas: { state: Schema.Struct({ openedAt: Schema.DateTimeUtc }) } }
 *
 * const decode = Query.decoder(Accounts, Query.from(Accounts))
 * decode({ rows: [{ key: "a", state: { openedAt: "2026-01-31T09:00:00.000Z" } }], next: undefined })
 * ```
 */
export const decoder = <Row>(
  view: Source<unknown>,
  query: Query<Row>
): ((page: Page<Schema.Json>) => Result.Result<Page<Row>, Schema.SchemaError>) => {
  const { state } = view.schemas
  const codec = query.select === undefined ? Schema.toCodecJson(state) : selectedCodec(state, query.select)
  const decode = Schema.decodeUnknownResult(codec as Schema.Codec<Row, unknown>)
  return ({ next, rows }) =>
    Result.map(
      Result.all(rows.map(({ key, state }) => Result.map(decode(state), (decoded) => ({ key, state: decoded })))),
      (decoded) => ({ rows: decoded, next })
    )
}

const pathOf = (path: string): Path => path.split(".")

// The paths and operands were checked by the compiler: `Filters` says how.
const filters = <State>(state: Schema.Codec<State, unknown>): Filters<State> => {
  const operand = (path: string, value: unknown) => scalarOf(fieldCodec(state, pathOf(path)), path, value)
  const element = (path: string, value: unknown) => scalarOf(elementCodec(state, pathOf(path)), path, value)
  const eq = (path: string, value: unknown): Filter => compare(path, "eq", operand(path, value))
  const ordered =
    (is: "gt" | "gte" | "lt" | "lte") =>
    (path: string, value: unknown): Filter => {
      const written = operand(path, value)
      if (typeof value === "number" && typeof written !== "number") {
        throw new Error(`the numbers of ${path} are written as text, which has another order`)
      }
      return compare(path, is, written)
    }
  const text =
    (is: "contains" | "startsWith") =>
    (path: string, text: string, { ignoreCase = false }: { readonly ignoreCase?: boolean } = {}): Filter => {
      fieldCodec(state, pathOf(path))
      return { _tag: "Text", path: pathOf(path), is, text, ignoreCase }
    }
  const overlaps = (path: string, values: ReadonlyArray<unknown>): Filter => ({
    _tag: "Overlaps",
    path: pathOf(path),
    values: values.map((value) => element(path, value))
  })
  const [gte, lte] = [ordered("gte"), ordered("lte")]
  return {
    eq,
    ne: (path, value) => not(eq(path, value)),
    gt: ordered("gt"),
    gte,
    lt: ordered("lt"),
    lte,
    between: (path, from, to) => ({ _tag: "And", filters: [gte(path, from), lte(path, to)] }),
    in: (path, values) => ({ _tag: "In", path: pathOf(path), values: values.map((value) => operand(path, value)) }),
    contains: text("contains"),
    startsWith: text("startsWith"),
    isNull: (path) => {
      fieldCodec(state, pathOf(path))
      return { _tag: "IsNull", path: pathOf(path) }
    },
    includes: (path, value) => overlaps(path, [value]),
    overlaps,
    and: (...filters) => ({ _tag: "And", filters }),
    or: (...filters) => ({ _tag: "Or", filters }),
    not
  }
}

const not = (filter: Filter): Filter => ({ _tag: "Not", filter })

const compare = (path: string, is: "eq" | "gt" | "gte" | "lt" | "lte", value: Scalar): Filter => ({
  _tag: "Compare",
  path: pathOf(path),
  is,
  value
})

const isScalar = Schema.is(Schema.Union([Schema.String, Schema.Number, Schema.Boolean]))

// The field's schema writes the operand. What the field itself could not hold, such as half a point where there are
// only whole ones, can still be compared with it.
const scalarOf = (codec: Schema.Codec<unknown, unknown>, path: string, value: unknown): Scalar => {
  const written = Result.getOrElse(Schema.encodeResult(codec)(value), () => value)
  if (!isScalar(written)) throw new Error(`the values of ${path} are not written as texts, numbers or truth values`)
  return written
}
