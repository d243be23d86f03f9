/**
 * Records and queries for property tests with fast-check. The texts are those
 * that a careless translation of a query misreads. Names and values are few, so
 * that filters match records and orders have ties.
 */
import type { Query } from "@hexfold/core"
import type { Schema } from "effect"
import fc from "fast-check"

// Quotes, wildcards, characters above the surrogates and beyond the basic plane, letters with and without case folding.
const characters = [
  "a",
  "A",
  "b",
  "ä",
  "Ä",
  "Σ",
  "ς",
  "İ",
  "ß",
  "'",
  '"',
  "%",
  "_",
  "\\",
  "$",
  "?",
  "\ue000",
  "\uffff",
  "😀",
  "𐀀"
]

/** A text that a record may have. */
export const texts: fc.Arbitrary<string> = fc.string({ unit: fc.constantFrom(...characters), maxLength: 3 })

const numbers = fc.constantFrom(0, -0, 1, -1, 1.5, 10, 9, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, -Number.MAX_VALUE)

/** The texts that schemas write for numbers which JSON does not have. */
const named = fc.constantFrom("NaN", "Infinity", "-Infinity")

/** A text, a number or a truth value. */
export const scalars: fc.Arbitrary<Query.Scalar> = fc.oneof(
  { weight: 4, arbitrary: texts },
  { weight: 4, arbitrary: numbers },
  { weight: 2, arbitrary: fc.boolean() },
  { weight: 2, arbitrary: named }
)

// A record never has the last two.
const operands = fc.oneof({ weight: 9, arbitrary: scalars }, { weight: 1, arbitrary: fc.constantFrom("\0", "a\0") })

const names = fc.constantFrom("a", "b", `'"%_\\`, "0")

/** The state of a record: mostly an object, sometimes another value, also null. */
export const states: fc.Arbitrary<Schema.Json> = fc.letrec<{
  any: Schema.Json
  state: Schema.Json
  value: Schema.Json
}>((tie) => ({
  any: fc.oneof({ weight: 9, arbitrary: tie("state") }, { weight: 1, arbitrary: tie("value") }),
  value: fc.oneof(
    { maxDepth: 2 },
    { weight: 4, arbitrary: scalars },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: fc.array(fc.oneof(scalars, fc.constant(null)), { maxLength: 3 }) },
    { weight: 2, arbitrary: tie("state") }
  ),
  state: fc.dictionary(names, tie("value"), { maxKeys: 4, noNullPrototype: true })
})).any

/** The records of a view, each with a key of its own. */
export const records: fc.Arbitrary<ReadonlyArray<Query.Row<Schema.Json>>> = fc.uniqueArray(
  fc.record({ key: texts, state: states }),
  { selector: ({ key }) => key, maxLength: 20 }
)

const paths = fc.array(names, { minLength: 1, maxLength: 2 })

const filtersOf = (comparison: fc.Arbitrary<Query.Filter>): fc.Arbitrary<Query.Filter> =>
  fc.letrec<{ filter: Query.Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3 },
      comparison,
      fc.record({ _tag: fc.constantFrom("In", "Overlaps"), path: paths, values: fc.array(operands, { maxLength: 4 }) }),
      fc.record({
        _tag: fc.constant("Text"),
        path: paths,
        is: fc.constantFrom("contains", "startsWith"),
        text: fc.oneof(texts, fc.constant("\0")),
        ignoreCase: fc.boolean()
      }),
      fc.record({ _tag: fc.constant("IsNull"), path: paths }),
      fc.record({ _tag: fc.constantFrom("And", "Or"), filters: fc.array(tie("filter"), { maxLength: 3 }) }),
      fc.record({ _tag: fc.constant("Not"), filter: tie("filter") })
    )
  })).filter

const comparison = {
  _tag: fc.constant("Compare" as const),
  path: paths,
  is: fc.constantFrom("eq" as const, "gt" as const, "gte" as const, "lt" as const, "lte" as const),
  value: operands
}

/** A filter of every kind, nested up to three times. */
export const filters: fc.Arbitrary<Query.Filter> = filtersOf(fc.record(comparison))

const as = fc.constant("number" as const)

const preparedFilters = filtersOf(
  fc.record({ ...comparison, as }, { requiredKeys: ["_tag", "path", "is", "value"], noNullPrototype: true })
)

const order = {
  path: paths,
  direction: fc.constantFrom("asc" as const, "desc" as const),
  nulls: fc.constantFrom("first" as const, "last" as const),
  ignoreCase: fc.boolean()
}

const given = { requiredKeys: ["path", "direction"] as ["path", "direction"], noNullPrototype: true } as const

const orders: fc.Arbitrary<Query.Order> = fc.record(order, given)

const preparedOrders: fc.Arbitrary<Query.Order> = fc.record({ ...order, as }, given)

// Outer fields come first.
const missing: fc.Arbitrary<ReadonlyArray<Query.Missing>> = fc
  .uniqueArray(fc.record({ path: paths, value: fc.oneof(scalars, fc.constant(null), fc.constant({ a: 1 })) }), {
    selector: ({ path }) => JSON.stringify(path),
    maxLength: 2
  })
  .map((all) => all.toSorted((a, b) => a.path.length - b.path.length))

const parts = {
  _tag: fc.constant("Records" as const),
  view: fc.constant("Things"),
  where: filters,
  orderBy: fc.array(orders, { maxLength: 3 }),
  limit: fc.integer({ min: 1, max: 5 }),
  select: fc.array(paths, { minLength: 1, maxLength: 3 }),
  total: fc.boolean()
}

/** A query without a cursor. */
export const queries: fc.Arbitrary<Query.Query> = fc.record(parts, {
  requiredKeys: ["_tag", "view", "orderBy"],
  noNullPrototype: true
})

/** A query without a cursor, with what `Records` adds from the schema of a view. */
export const preparedQueries: fc.Arbitrary<Query.Query> = fc.record(
  { ...parts, where: preparedFilters, orderBy: fc.array(preparedOrders, { maxLength: 3 }), missing },
  { requiredKeys: ["_tag", "view", "orderBy"], noNullPrototype: true }
)

/** The fields of the index that answers {@link indexedQueries}. */
export const index: ReadonlyArray<Query.Path> = [["a"], ["b"]]

/** A query without a cursor that an index answers. */
export const indexedQueries: fc.Arbitrary<Query.Query> = fc
  .record({
    fixed: fc.integer({ min: 0, max: 2 }),
    points: fc.array(fc.oneof(fc.constant(null), operands, fc.array(operands, { maxLength: 3 })), {
      minLength: 2,
      maxLength: 2
    }),
    direction: fc.constantFrom("asc" as const, "desc" as const),
    limit: fc.integer({ min: 1, max: 5 }),
    nulls: fc.option(fc.constantFrom("first" as const, "last" as const), { nil: undefined }),
    as: fc.option(fc.constant("number" as const), { nil: undefined }),
    range: fc.option(fc.record({ is: fc.constantFrom("gt", "gte", "lt", "lte"), value: operands }), { nil: undefined })
  })
  .map(({ as, direction, fixed, limit, nulls, points, range }): Query.Query => {
    const reading = as === undefined ? {} : { as }
    const filters = points.slice(0, fixed).map((point, i): Query.Filter => {
      const path = index[i]!
      if (point === null) return { _tag: "IsNull", path }
      return Array.isArray(point)
        ? { _tag: "In", path, values: point }
        : { _tag: "Compare", path, is: "eq", value: point }
    })
    const open = index.slice(fixed)
    if (range !== undefined && open.length > 0) filters.push({ _tag: "Compare", path: open[0]!, ...range, ...reading })
    const first = { ...reading, ...(nulls === undefined ? {} : { nulls }) }
    return {
      _tag: "Records",
      view: "Things",
      where: { _tag: "And", filters },
      orderBy: open.map((path, i) => ({ path, direction, ...(i === 0 ? first : {}) })),
      limit,
      index
    }
  })

const aggregations: fc.Arbitrary<Query.Aggregation> = fc.oneof(
  fc.constant({ _tag: "count" as const }),
  fc.record(
    { _tag: fc.constantFrom("sum", "avg", "min", "max"), path: paths, as: fc.constant("number" as const) },
    { requiredKeys: ["_tag", "path"], noNullPrototype: true }
  )
)

/** A query for groups. */
export const groups: fc.Arbitrary<Query.Groups> = fc.record(
  {
    _tag: fc.constant("Groups"),
    view: fc.constant("Things"),
    where: preparedFilters,
    by: fc.array(paths, { maxLength: 2 }),
    values: fc.dictionary(fc.constantFrom("x", "y", "z"), aggregations, { noNullPrototype: true }),
    limit: fc.integer({ min: 1, max: 5 }),
    missing
  },
  { requiredKeys: ["_tag", "view", "by", "values"], noNullPrototype: true }
)
