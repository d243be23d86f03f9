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

/** A field that orders records. */
export interface Order {
  readonly path: Path
  readonly direction: "asc" | "desc"
}

/** A query for records of a view, made by {@link from}. */
export interface Query<out Row = unknown, out Name extends string = string> {
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
  /** Only for the type checker: what a record is in the result. */
  readonly "~row"?: Row
}

/** A query that gives the number of a view's records, made by {@link count}. */
export interface Count {
  readonly _tag: "Count"
  readonly view: string
  readonly where?: Filter
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

/**
 * Decodes a query that was sent as JSON. It refuses a filter that is too large
 * or too deep, a limit below 1, and a text with half of a surrogate pair. It does
 * not know the view: a field that the view lacks is null in every record.
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
  orderBy: Schema.Array(Schema.Struct({ path: PathSchema, direction: Schema.Literals(["asc", "desc"]) })).check(
    Schema.isMaxLength(maxFields)
  ),
  limit: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  after: Schema.optionalKey(Schema.String),
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
