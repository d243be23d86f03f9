/** The values that describe a query. They are JSON. Decode a query that comes from outside. */
import * as Schema from "effect/Schema"

/** The names of the fields that lead from a state to one of its parts. */
export type Path = ReadonlyArray<string>

/** What a field is compared with. */
export type Scalar = string | number | boolean

/** A condition on the JSON of a state, made by the functions of {@link Filters}; see {@link matches} for its meaning. */
export type Filter =
  | {
      readonly _tag: "Compare"
      readonly path: Path
      readonly is: "eq" | "gt" | "gte" | "lt" | "lte"
      readonly value: Scalar
      readonly as?: ReadAs
    }
  | { readonly _tag: "In"; readonly path: Path; readonly values: ReadonlyArray<Scalar> }
  | { readonly _tag: "Overlaps"; readonly path: Path; readonly values: ReadonlyArray<Scalar> }
  | {
      readonly _tag: "Text"
      readonly path: Path
      readonly is: "contains" | "startsWith"
      readonly text: string
      readonly ignoreCase: boolean
    }
  | { readonly _tag: "IsNull"; readonly path: Path }
  | { readonly _tag: "And" | "Or"; readonly filters: ReadonlyArray<Filter> }
  | { readonly _tag: "Not"; readonly filter: Filter }

/**
 * How the texts of a field are read. A schema of numbers writes `NaN`,
 * `Infinity` and `-Infinity` as texts, because JSON has no such numbers. With
 * `number` these three texts are the numbers that they name.
 */
export type ReadAs = "number"

/** A field that orders records. */
export interface Order {
  readonly path: Path
  readonly direction: "asc" | "desc"
  /** Where records stand that have null at the field. By default null is the least value: first in `asc`, last in `desc`. */
  readonly nulls?: "first" | "last"
  /** Whether upper and lower case of a letter are equal, as for the filters of texts. */
  readonly ignoreCase?: boolean
  readonly as?: ReadAs
}

/** What a record has at a path where its JSON has no such field. */
export interface Missing {
  readonly path: Path
  readonly value: Schema.Json
}

/**
 * What `Records` and `Subscription` add to a query from the view's definition,
 * before a store gets it.
 */
interface Prepared {
  /** The values of fields that a record's JSON lacks, for schemas with decoding defaults. Outer fields come first. */
  readonly missing?: ReadonlyArray<Missing>
}

/** A query for records of a view, made by {@link from}. */
export interface Query<out Row = unknown, out Name extends string = string> extends Prepared {
  readonly _tag: "Records"
  /** The name of the view. */
  readonly view: Name
  readonly where?: Filter
  /** The first field counts most. Equal records are ordered by key. */
  readonly orderBy: ReadonlyArray<Order>
  /** The most records of one page. */
  readonly limit?: number
  /** The cursor that a page gave as `next`. */
  readonly after?: string
  /** The fields that a record has in the result. By default it has all. */
  readonly select?: ReadonlyArray<Path>
  /** Whether the page says how many records there are on all pages. */
  readonly total?: boolean
  /** The most milliseconds that the store may take. If it takes longer, it ends the query, which fails. */
  readonly timeout?: number
  /** The fields of an index that finds this page, if the view declares one. `Records` adds it; it is not part of the meaning. */
  readonly index?: ReadonlyArray<Path>
  /** Only for the type checker: what a record is in the result. */
  readonly "~row"?: Row
}

/** A query that gives the number of a view's records, made by {@link count}. */
export interface Count extends Prepared {
  readonly _tag: "Count"
  readonly view: string
  readonly where?: Filter
  /** As for a query of records. */
  readonly timeout?: number
}

/** One value that is computed from the records of a group. */
export type Aggregation =
  | { readonly _tag: "count" }
  | { readonly _tag: "sum" | "avg" | "min" | "max"; readonly path: Path; readonly as?: ReadAs }

/** A query for values of groups of records, made by {@link groups}. */
export interface Groups<out Group = unknown, out Name extends string = string> extends Prepared {
  readonly _tag: "Groups"
  readonly view: Name
  readonly where?: Filter
  /** The fields whose values make the groups. Without any field all records are one group. */
  readonly by: ReadonlyArray<Path>
  /** The values of each group, by name. */
  readonly values: { readonly [name: string]: Aggregation }
  /** The most groups. They are in the order of their fields. */
  readonly limit?: number
  /** As for a query of records. */
  readonly timeout?: number
  /** Only for the type checker: what a group is in the result. */
  readonly "~group"?: Group
}

/**
 * A group in the answer of a store. `by` has a value for each field of the query.
 * A count is a number. A sum is the exact sum as a decimal text, or `NaN`,
 * `Infinity` or `-Infinity`. An average is such a text for a number, or null. A
 * minimum or maximum is a value of the field, or null.
 */
export interface GroupValues {
  readonly by: ReadonlyArray<Schema.Json>
  readonly values: { readonly [name: string]: Schema.Json }
}

/** A record of a view or of a result. */
export interface Row<out State> {
  readonly key: string
  readonly state: State
}

/** The result of a query. */
export interface Page<out State> {
  readonly rows: ReadonlyArray<Row<State>>
  /** The cursor of the next page, or `undefined` if this is the last page. */
  readonly next: string | undefined
  /** The number of records on all pages, at the same moment, if the query asks for the `total`. */
  readonly total?: number
}

/** The most operands that a query's filter may have in all. */
export const maxOperands = 1_000

/** How deep `and`, `or` and `not` may be nested. */
export const maxDepth = 20

/** The most fields of one path, of an order and of a selection. */
export const maxFields = 100

const WellFormed = Schema.String.check(
  Schema.makeFilter((text: string) => (text.isWellFormed() ? undefined : "half of a surrogate pair"))
)
const PathSchema = Schema.Array(WellFormed).check(Schema.isMinLength(1), Schema.isMaxLength(maxFields))
const ScalarSchema = Schema.Union([WellFormed, Schema.Finite, Schema.Boolean])
const ScalarsSchema = Schema.Array(ScalarSchema).check(Schema.isMaxLength(maxOperands))

const leaves = [
  Schema.TaggedStruct("Compare", {
    path: PathSchema,
    is: Schema.Literals(["eq", "gt", "gte", "lt", "lte"]),
    value: ScalarSchema
  }),
  Schema.TaggedStruct("In", { path: PathSchema, values: ScalarsSchema }),
  Schema.TaggedStruct("Overlaps", { path: PathSchema, values: ScalarsSchema }),
  Schema.TaggedStruct("Text", {
    path: PathSchema,
    is: Schema.Literals(["contains", "startsWith"]),
    text: WellFormed,
    ignoreCase: Schema.Boolean
  }),
  Schema.TaggedStruct("IsNull", { path: PathSchema })
] as const

// One schema for each level instead of a recursive one, so that deep nesting cannot overflow the stack of the decoder.
const filterOfDepth = (depth: number): Schema.Codec<Filter> => {
  if (depth === 0) return Schema.Union(leaves)
  const inner = Schema.suspend(() => filterOfDepth(depth - 1))
  const filters = Schema.Array(inner).check(Schema.isMaxLength(maxOperands))
  return Schema.Union([
    ...leaves,
    Schema.TaggedStruct("And", { filters }),
    Schema.TaggedStruct("Or", { filters }),
    Schema.TaggedStruct("Not", { filter: inner })
  ])
}

// A leaf without an operand counts too, and so does an empty list.
const operandsOf = (filter: Filter): number => {
  switch (filter._tag) {
    case "In":
    case "Overlaps":
      return 1 + filter.values.length
    case "And":
    case "Or":
      return filter.filters.reduce((sum, each) => sum + operandsOf(each), 1)
    case "Not":
      return operandsOf(filter.filter)
    default:
      return 1
  }
}

const FilterSchema = filterOfDepth(maxDepth).check(
  Schema.makeFilter((filter: Filter) =>
    operandsOf(filter) <= maxOperands ? undefined : `more than ${maxOperands} operands`
  )
)

const LimitSchema = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/**
 * Decodes a query that was kept as JSON. It refuses a filter that is too large
 * or too deep, a limit below 1, and a text with half of a surrogate pair. It does
 * not know the view: a field that the view lacks is null in every record. It
 * does not bound the work of the query either. For a query that somebody else
 * has sent, take {@link schemaFor}.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * Schema.decodeUnknownResult(Query.QuerySchema)({
 *   _tag: "Records",
 *   view: "Accounts",
 *   where: { _tag: "Compare", path: ["balance"], is: "gt", value: 100 },
 *   orderBy: [{ path: ["balance"], direction: "desc" }],
 *   limit: 20
 * })
 * ```
 */
export const QuerySchema: Schema.Codec<Query> = Schema.TaggedStruct("Records", {
  view: WellFormed,
  where: Schema.optionalKey(FilterSchema),
  orderBy: Schema.Array(
    Schema.Struct({
      path: PathSchema,
      direction: Schema.Literals(["asc", "desc"]),
      nulls: Schema.optionalKey(Schema.Literals(["first", "last"])),
      ignoreCase: Schema.optionalKey(Schema.Boolean)
    })
  ).check(Schema.isMaxLength(maxFields)),
  limit: Schema.optionalKey(LimitSchema),
  after: Schema.optionalKey(Schema.String),
  total: Schema.optionalKey(Schema.Boolean),
  select: Schema.optionalKey(Schema.Array(PathSchema).check(Schema.isMinLength(1), Schema.isMaxLength(maxFields)))
})

/**
 * Like {@link QuerySchema}, but for a query that counts.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * Schema.decodeUnknownResult(Query.CountSchema)({ _tag: "Count", view: "Accounts" })
 * ```
 */
export const CountSchema: Schema.Codec<Count> = Schema.TaggedStruct("Count", {
  view: WellFormed,
  where: Schema.optionalKey(FilterSchema)
})

/**
 * Like {@link QuerySchema}, but for a query that computes values of groups.
 *
 * @example
 * ```ts
 * import { Query } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * Schema.decodeUnknownResult(Query.GroupsSchema)({
 *   _tag: "Groups",
 *   view: "Accounts",
 *   by: [["status"]],
 *   values: { accounts: { _tag: "count" }, money: { _tag: "sum", path: ["balance"] } }
 * })
 * ```
 */
export const GroupsSchema: Schema.Codec<Groups> = Schema.TaggedStruct("Groups", {
  view: WellFormed,
  where: Schema.optionalKey(FilterSchema),
  by: Schema.Array(PathSchema).check(Schema.isMaxLength(maxFields)),
  values: Schema.Record(
    Schema.String,
    Schema.Union([
      Schema.TaggedStruct("count", {}),
      ...(["sum", "avg", "min", "max"] as const).map((tag) => Schema.TaggedStruct(tag, { path: PathSchema }))
    ])
  ).check(Schema.isMaxProperties(maxFields)),
  limit: Schema.optionalKey(LimitSchema)
})
