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

/** A text, a number or a truth value. */
export const scalars: fc.Arbitrary<Query.Scalar> = fc.oneof(texts, numbers, fc.boolean())

// A record never has the last two.
const operands = fc.oneof({ weight: 9, arbitrary: scalars }, { weight: 1, arbitrary: fc.constantFrom("\0", "a\0") })

const names = fc.constantFrom("a", "b", `'"%_\\`, "0")

/** The state of a record. */
export const states: fc.Arbitrary<Schema.Json> = fc.letrec<{ state: Schema.Json; value: Schema.Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    { weight: 4, arbitrary: scalars },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: fc.array(fc.oneof(scalars, fc.constant(null)), { maxLength: 3 }) },
    { weight: 2, arbitrary: tie("state") }
  ),
  state: fc.dictionary(names, tie("value"), { maxKeys: 4, noNullPrototype: true })
})).state

/** The records of a view, each with a key of its own. */
export const records: fc.Arbitrary<ReadonlyArray<Query.Row<Schema.Json>>> = fc.uniqueArray(
  fc.record({ key: texts, state: states }),
  { selector: ({ key }) => key, maxLength: 20 }
)

const paths = fc.array(names, { minLength: 1, maxLength: 2 })

/** A filter of every kind, nested up to three times. */
export const filters: fc.Arbitrary<Query.Filter> = fc.letrec<{ filter: Query.Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      _tag: fc.constant("Compare"),
      path: paths,
      is: fc.constantFrom("eq", "gt", "gte", "lt", "lte"),
      value: operands
    }),
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

/** A query without a cursor. */
export const queries: fc.Arbitrary<Query.Query> = fc.record(
  {
    _tag: fc.constant("Records"),
    view: fc.constant("Things"),
    where: filters,
    orderBy: fc.array(fc.record({ path: paths, direction: fc.constantFrom("asc", "desc") }), { maxLength: 3 }),
    limit: fc.integer({ min: 1, max: 5 }),
    select: fc.array(paths, { minLength: 1, maxLength: 3 })
  },
  { requiredKeys: ["_tag", "view", "orderBy"], noNullPrototype: true }
)
