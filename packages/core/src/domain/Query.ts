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
import { aggregations, type Aggregations, type AnyValues, type GroupOf, groupDecoder } from "./query/aggregations.ts"
import {
  type Count,
  type Filter,
  type Groups,
  GroupsSchema,
  type GroupValues,
  type Page,
  type Query,
  QuerySchema
} from "./query/data.ts"
import { checkOrdered, equalities, type Filters, filters } from "./query/filters.ts"
import {
  type Equatable,
  type Operand,
  type Ordered,
  pathOf,
  type PathTo,
  type Selected,
  selectedCodec
} from "./query/fields.ts"
import type { AnyLimits, QueryLimits } from "./query/limits.ts"
import { prepared } from "./query/prepare.ts"
import { groupsReader, recordsReader } from "./query/received.ts"
import { receivedSchema } from "./query/refusals.ts"

export {
  type Aggregation,
  type Count,
  CountSchema,
  type Filter,
  type Groups,
  GroupsSchema,
  type GroupValues,
  maxDepth,
  maxFields,
  maxOperands,
  type Missing,
  type Order,
  type Page,
  type Path,
  type Query,
  QuerySchema,
  type ReadAs,
  type Row,
  type Scalar
} from "./query/data.ts"
export type { Aggregations, Computed, Group, GroupOf } from "./query/aggregations.ts"
export type { Comparison, Filters, TextSearch } from "./query/filters.ts"
export type { ElementOf, Equatable, Operand, Ordered, PathTo, Selected } from "./query/fields.ts"

export type { QueryLimits } from "./query/limits.ts"

/** What a query asks: a view. */
export interface Source<State, Name extends string = string> {
  readonly name: Name
  readonly schemas: { readonly state: Schema.Codec<State, unknown> }
}

/** A version of a view, whose records answer. */
export interface Versioned<State, Name extends string = string> extends Source<State, Name> {
  readonly version: number
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
  /** Fields, each alone or with its direction, and with how it is ordered. The default is `asc`. */
  readonly orderBy?: ReadonlyArray<PathTo<State, Ordered> | OrderOf<State>> | undefined
  /** The most records of one page. By default there is one page with all records. */
  readonly limit?: number | undefined
  /** The cursor that a page of the same query gave as `next`. Without a cursor the query starts at the first record. */
  readonly after?: string | undefined
  /** The fields that a record has in the result. By default it has all. */
  readonly select?: Select
  /** Whether a page has `total`, the number of records on all pages at the same moment. */
  readonly total?: boolean | undefined
}

/** A field that orders records, with its direction. */
export type OrderOf<State> = readonly [
  path: PathTo<State, Ordered>,
  direction: "asc" | "desc",
  options?: OrderOptions | undefined
]

/** How a field is ordered. */
export interface OrderOptions {
  /** Where records stand that have null at the field, whatever the direction. By default they are first in `asc` and last in `desc`. */
  readonly nulls?: "first" | "last" | undefined
  /** Whether upper and lower case of a letter are equal. */
  readonly ignoreCase?: boolean | undefined
}

/**
 * Makes a query for records of a view.
 *
 * The paths are those of the view's state, with dots between the names. A dot in
 * a name may be written as `\\.`. An operand has the type of its field. `where`
 * takes a function of the filters, or an object of equalities:
 * `where: { status: "open" }`.
 *
 * Throws an `Error` for a field that the JSON of the state does not have under
 * this name, and for the order of values that the schema writes in another order,
 * such as numbers as texts. Throws a `SchemaError` for what {@link QuerySchema}
 * refuses.
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
  const { after, limit, orderBy = [], select, total, where } = options
  const { state } = view.schemas
  const query = Schema.decodeUnknownSync(QuerySchema)({
    _tag: "Records",
    view: view.name,
    ...whereOf(state, where),
    orderBy: orderBy.map((order) => {
      const [text, direction, options] = typeof order === "string" ? [order, "asc"] : (order as OrderOf<State>)
      const path = pathOf(state, text)
      checkOrdered(state, path, text)
      const { ignoreCase, nulls } = options ?? {}
      return {
        path,
        direction,
        ...(nulls === undefined ? {} : { nulls }),
        ...(ignoreCase === undefined ? {} : { ignoreCase })
      }
    }),
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { after }),
    ...(select === undefined ? {} : { select: select.map((path) => pathOf(state, path)) }),
    ...(total === undefined ? {} : { total })
  })
  // Throws for what has no single meaning.
  prepared(view, query)
  return query as Query<never, never>
}

const whereOf = <State>(state: Schema.Codec<State, unknown>, where: GroupOptions<State, never, never>["where"]) =>
  where === undefined ? {} : { where: typeof where === "function" ? where(filters(state)) : equalities(state, where) }

/** What a query for groups asks for. */
export interface GroupOptions<State, By extends ReadonlyArray<PathTo<State, Equatable>>, Values extends AnyValues> {
  /** Which records: as for {@link from}. */
  readonly where?: ((filters: Filters<State>) => Filter) | Equalities<State> | undefined
  /** The fields whose values make the groups. Without any field all records are one group. */
  readonly by?: By
  /** The values of each group. */
  readonly values: (compute: Aggregations<State>) => Values
  /** The most groups. They are in the order of their fields. By default there are all. */
  readonly limit?: number | undefined
}

/**
 * Makes a query for values of groups of records: how many there are, sums,
 * averages, minima and maxima. Null is left out of all values but the count. A sum
 * is exact before it becomes a number. The average, the minimum and the maximum
 * of nothing are null. `Records.groups` answers the query.
 *
 * Throws as {@link from} does.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Accounts = {
 *   name: "Accounts",
 *   schemas: { state: Schema.Struct({ status: Schema.Literals(["open", "closed"]), balance: Schema.Int }) }
 * }
 *
 * const byStatus = Query.groups(Accounts, {
 *   by: ["status"],
 *   values: ({ count, max, sum }) => ({ accounts: count(), money: sum("balance"), most: max("balance") })
 * })
 * ```
 */
export const groups = <
  State,
  const Values extends AnyValues,
  const By extends ReadonlyArray<PathTo<State, Equatable>> = readonly [],
  Name extends string = string
>(
  view: Source<State, Name>,
  options: GroupOptions<State, By, Values>
): Groups<GroupOf<State, By, Values>, Name> => {
  const { by = [], limit, values, where } = options
  const { state } = view.schemas
  const query = Schema.decodeUnknownSync(GroupsSchema)({
    _tag: "Groups",
    view: view.name,
    ...whereOf(state, where),
    by: by.map((path) => pathOf(state, path as string)),
    values: values(aggregations(state)),
    ...(limit === undefined ? {} : { limit })
  })
  prepared(view, query)
  return query as Groups<never, never>
}

/**
 * The schema of queries for records of one view, for JSON that somebody else has
 * sent. It knows the fields of the view: an unknown key, field or operator, an
 * operand of another type and whatever is beyond the limits fail to decode, with
 * the path of what is wrong. Sizes are looked at first. The decoded query has a
 * `limit` and a `timeout`. Operands are brought to the form that the view's schema
 * writes, so `2026-01-31T10:00:00+01:00` finds the time that it means.
 *
 * Without limits of one's own it takes what an index of the view answers; see
 * {@link QueryLimits}. Paths are those of the state's JSON. Throws an `Error` for
 * limits that make no sense.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Accounts = {
 *   name: "Accounts",
 *   schemas: { state: Schema.Struct({ owner: Schema.String, balance: Schema.Int }) },
 *   indexes: ["owner"]
 * }
 *
 * const AccountsQuery = Query.schemaFor(Accounts, { maxLimit: 50, timeout: "1 second" })
 *
 * Schema.decodeUnknownResult(AccountsQuery)({
 *   _tag: "Records",
 *   view: "Accounts",
 *   where: { _tag: "Compare", path: ["owner"], is: "eq", value: "Ann" },
 *   orderBy: []
 * })
 * ```
 */
export const schemaFor = <State, Name extends string>(
  view: Source<State, Name> & Indexed,
  limits: QueryLimits<State> = {}
): Schema.Codec<Query<unknown, Name>, unknown> =>
  receivedSchema<Query<unknown, Name>>(`a query of ${view.name}`, recordsReader(view, limits as AnyLimits))

/**
 * Like {@link schemaFor}, but for queries that compute values of groups. They look
 * at all records, so they need limits with `scan`.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Accounts = { name: "Accounts", schemas: { state: Schema.Struct({ balance: Schema.Int }) } }
 *
 * const AccountsGroups = Query.groupsSchemaFor(Accounts, { scan: true, fields: ["balance"] })
 *
 * Schema.decodeUnknownResult(AccountsGroups)({
 *   _tag: "Groups",
 *   view: "Accounts",
 *   by: [],
 *   values: { money: { _tag: "sum", path: ["balance"] } }
 * })
 * ```
 */
export const groupsSchemaFor = <State, Name extends string>(
  view: Source<State, Name> & Indexed,
  limits: QueryLimits<State> = {}
): Schema.Codec<Groups<unknown, Name>, unknown> =>
  receivedSchema<Groups<unknown, Name>>(`a query for groups of ${view.name}`, groupsReader(view, limits as AnyLimits))

/** The indexes of a view, if it has any. */
export interface Indexed {
  readonly indexes?: ReadonlyArray<string | ReadonlyArray<string>>
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
export const count = ({ missing, timeout, view, where }: Query): Count => ({
  _tag: "Count",
  view,
  ...(where === undefined ? {} : { where }),
  ...(missing === undefined ? {} : { missing }),
  ...(timeout === undefined ? {} : { timeout })
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
  return ({ rows, ...page }) =>
    Result.map(
      Result.all(rows.map(({ key, state }) => Result.map(decode(state), (decoded) => ({ key, state: decoded })))),
      (decoded) => ({ rows: decoded, ...page })
    )
}

/**
 * Decodes a group of the answer that a store gave to a query for groups.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * const Accounts = { name: "Accounts", schemas: { state: Schema.Struct({ balance: Schema.Int }) } }
 * const money = Query.groups(Accounts, { values: ({ sum }) => ({ money: sum("balance") }) })
 *
 * Query.decoderOfGroups(Accounts, money)({ by: [], values: { money: "12" } }) // Result.succeed({ by: [], values: { money: 12 } })
 * ```
 */
export const decoderOfGroups = <G>(
  view: Source<unknown>,
  query: Groups<G>
): ((group: GroupValues) => Result.Result<G, Schema.SchemaError>) =>
  groupDecoder(view.schemas.state, query) as (group: GroupValues) => Result.Result<G, Schema.SchemaError>
