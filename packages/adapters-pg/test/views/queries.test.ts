import { assert, it } from "@effect/vitest"
import { Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { indexedQueries, preparedQueries, records, states, texts } from "@hexfold/testing/QueryArbitraries"
import { Duration, Effect, Result, type Schema } from "effect"
import fc from "fast-check"
import { describe } from "vitest"
import { newSchema, openViews } from "../support/database.ts"

interface Case {
  readonly query: Query.Query
  readonly stored: Records
  /** The place after which the page begins; the beginning by default. */
  readonly place: Query.Row<Schema.Json> | undefined
}

type Records = ReadonlyArray<Query.Row<Schema.Json>>

const generation = { view: "Things", version: 1 }
const numRuns = Number(process.env["HEXFOLD_QUERY_RUNS"] ?? 50)

// A beginning such that the texts differ at the end of what an index holds: a key has one character more, a value none.
const long = (text: string): string => "😀".repeat(63) + text

// Replaces all records by these, and queries them.
const opened = Effect.gen(function* () {
  const { sql, store } = yield* openViews({ schema: yield* newSchema })
  const claimed = yield* store.claim({
    generation,
    owner: "test",
    lease: Duration.infinity,
    indexes: [[["a"], ["b"]], [["a", "b"]], [[`'"%_\\`]]]
  })
  assert.ok(claimed._tag === "Owned")
  const { epoch } = claimed
  let present = new Set<string>()
  const replace = (put: Records) => {
    const keys = new Set(put.map(({ key }) => key))
    const remove = [...present].filter((key) => !keys.has(key))
    present = keys
    return store.commit({ owner: { generation, epoch }, from: 0, to: 0, records: { put, remove }, asks: "serve" })
  }
  return { replace, sql, store }
})

const jsonOf = <A>(value: A, text = (text: string) => text): A =>
  JSON.parse(JSON.stringify(value), (_, value: unknown) => (typeof value === "string" ? text(value) : value)) as A

const withLongOperands = (filter: Query.Filter): Query.Filter => {
  const scalar = (value: Query.Scalar) => (typeof value === "string" ? long(value) : value)
  switch (filter._tag) {
    case "And":
    case "Or":
      return { ...filter, filters: filter.filters.map(withLongOperands) }
    case "Not":
      return { ...filter, filter: withLongOperands(filter.filter) }
    case "Compare":
      return { ...filter, value: scalar(filter.value) }
    case "In":
    case "Overlaps":
      return { ...filter, values: filter.values.map(scalar) }
    case "Text":
      return { ...filter, text: filter.is === "contains" ? filter.text : long(filter.text) }
    case "IsNull":
      return filter
  }
}

const withLongOperandsIn = (query: Query.Query): Query.Query =>
  query.where === undefined ? query : { ...query, where: withLongOperands(query.where) }

const withLongTexts = ({ key, state }: Query.Row<Schema.Json>) => ({ key: long(key), state: jsonOf(state, long) })

// A place that need not be a record's: its texts may contain NUL, like those of an invented cursor.
const places = fc.record({ key: texts, state: states, cut: fc.boolean() }).map(({ cut, key, state }) => {
  const end = (text: string) => (cut ? `${text}\0` : text)
  return { key: end(key), state: jsonOf(state, end) }
})

const isNamed = ({ key }: Query.Row<unknown>) => key !== ""
const short = fc.record({
  query: fc.oneof(preparedQueries, indexedQueries),
  stored: records.map((all) => jsonOf(all.filter(isNamed))),
  place: fc.option(places, { nil: undefined })
})
const cases: fc.Arbitrary<Case> = fc.oneof(
  short,
  short.map(({ place, query, stored }) => ({
    query: withLongOperandsIn(query),
    stored: stored.map(withLongTexts),
    place: place && withLongTexts(place)
  }))
)

describe("queries on Postgres", () => {
  it.live(
    "have the answers of the evaluator in memory, page by page",
    () =>
      Effect.gen(function* () {
        const { replace, store } = yield* opened
        const check = Effect.fnUntraced(function* ({ place, query: given, stored }: Case) {
          yield* replace(stored)
          let query = place === undefined ? given : { ...given, after: QueryEvaluation.cursorOf(given, place) }
          for (let pages = 0; ; pages++) {
            const expected = Result.getOrThrow(QueryEvaluation.run(query, stored))
            const page = yield* store.views.query(query, 1)
            assert.deepStrictEqual(page, expected)
            if (page.next === undefined) break
            assert.isBelow(pages, stored.length)
            query = { ...query, after: page.next }
          }
          const count = Query.count(given)
          assert.strictEqual(yield* store.views.query(count, 1), QueryEvaluation.runCount(count, stored))
        })
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(cases, (each) => Effect.runPromise(check(each))),
            { numRuns }
          )
        )
      }),
    600_000
  )
})
