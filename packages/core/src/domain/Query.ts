/**
 * A query of a view as plain data: which records, in which order, how many, and
 * which of their fields.
 *
 * A query is a JSON value with a schema of its own, so it can be sent and kept.
 * Its meaning is defined once, by `QueryEvaluation.run`. Every store gives the
 * same answer.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Count, type Filter, type Page, type Query, QuerySchema } from "./query/data.ts"
import { equalities, type Filters, filters, pathOf } from "./query/filters.ts"
import {
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
export type { Comparison, Filters, TextSearch } from "./query/filters.ts"
export type { ElementOf, Equatable, Operand, Ordered, PathTo, Selected } from "./query/fields.ts"

/** What a query asks: a view. */
export interface Source<State, Name extends string = string> {
  readonly name: Name
  readonly schemas: { readonly state: Schema.Codec<State, unknown> }
}

/** Fields with the values that they must be equal to. */
export type Equalities<State> = { readonly [P in PathTo<State, Equatable>]?: Operand<State, P, Equatable> | undefined }

/** What a query asks for. Everything may be left out. */
export interface Options<State, Select extends ReadonlyArray<PathTo<State, unknown>>> {
  /**
   * Which records: a filter, or an object of fields with the values that they
   * must be equal to.
   */
  readonly where?: ((filters: Filters<State>) => Filter) | Equalities<State> | undefined
  /** Fields, each alone or with its direction. The default is `asc`. Values have the order of their JSON. */
  readonly orderBy?:
    | ReadonlyArray<PathTo<State, Ordered> | readonly [path: PathTo<State, Ordered>, direction: "asc" | "desc"]>
    | undefined
  /** The most records of one page. By default there is one page with all records. */
  readonly limit?: number | undefined
  /** The cursor that a page of the same query gave as `next`. Without a cursor the query starts at the first record. */
  readonly after?: string | undefined
  /** The fields that a record has in the result. By default it has all. */
  readonly select?: Select
}

/**
 * Makes a query for records of a view.
 *
 * The paths are those of the view's state, with dots between the names. An
 * operand has the type of its field. `where` takes a function of the filters, or
 * an object of equalities: `where: { status: "open" }`. Throws an `Error` for a field that the
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
    ...(where === undefined
      ? {}
      : { where: typeof where === "function" ? where(filters(state)) : equalities(state, where) }),
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
 * The query for the number of records on all pages of another query.
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
 * The query for the page after a cursor.
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
