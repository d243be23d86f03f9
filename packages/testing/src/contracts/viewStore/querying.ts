import { assert } from "@effect/vitest"
import { Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, Result, Schema } from "effect"
import fc from "fast-check"
import * as arbitrary from "../QueryArbitraries.ts"
import type { Cases } from "../plan.ts"
import { begin, newGeneration, open, type Store } from "../projectionStore/generations.ts"
import { meaning } from "./meaning.ts"

const serve = (store: Store, rows: ReadonlyArray<Query.Row<Schema.Json>>) =>
  Effect.gen(function* () {
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1, records: { put: rows, remove: [] } })
    return generation.view
  })

// An empty text is not a valid key, and JSON has no -0.
const records = arbitrary.records.map((rows) =>
  rows.map(({ key, state }) => ({ key: `k${key}`, state: JSON.parse(JSON.stringify(state)) as Schema.Json }))
)

const agree = Effect.fnUntraced(function* (
  store: Store,
  rows: ReadonlyArray<Query.Row<Schema.Json>>,
  queries: ReadonlyArray<Query.Query>
) {
  const view = yield* serve(store, rows)
  for (const query of queries.map((query) => ({ ...query, view }))) {
    const count = Query.count(query)
    assert.strictEqual(yield* store.views.query(count, 1), QueryEvaluation.runCount(count, rows), JSON.stringify(count))
    let page: Query.Query | undefined = query
    while (page !== undefined) {
      const answer: Query.Page<Schema.Json> = yield* store.views.query(page, 1)
      const meant = Result.getOrThrow(QueryEvaluation.run(page, rows))
      assert.deepStrictEqual(answer, meant, JSON.stringify(page))
      page = answer.next === undefined ? undefined : Query.after(query, answer.next)
    }
  }
})

/** Promise 5: a query means the same in every store. */
export const querying: Cases = {
  ...meaning,

  "5 a query answers as its definition does, page after page": Effect.gen(function* () {
    const store = yield* open
    const samples = fc.sample(
      fc.tuple(records, fc.array(arbitrary.preparedQueries, { minLength: 5, maxLength: 15 })),
      20
    )
    for (const [rows, queries] of samples) yield* agree(store, rows, queries)
  }),

  "5 a page that an index answers is the same page": Effect.gen(function* () {
    const store = yield* open
    const samples = fc.sample(fc.tuple(records, fc.array(arbitrary.indexedQueries, { minLength: 5, maxLength: 15 })), 8)
    for (const [rows, queries] of samples) yield* agree(store, rows, queries)
  }),

  "5 a query may have as many operands as its schema allows": Effect.gen(function* () {
    const store = yield* open
    const rows = Array.from({ length: 3 }, (_, i) => ({ key: `k${i}`, state: { a: `a${i}`, n: i } }))
    const forms: ReadonlyArray<(i: number) => Query.Filter> = [
      (i) => ({ _tag: "Compare", path: ["a"], is: "gte", value: `a${i + 1}` }),
      (i) => ({ _tag: "Text", path: ["a"], is: "startsWith", text: `a${i + 1}`, ignoreCase: false }),
      (i) => ({ _tag: "Text", path: [`x${i}`], is: "contains", text: "a", ignoreCase: true })
    ]
    const queries = forms.map((form) => {
      const where: Query.Filter = { _tag: "Or", filters: Array.from({ length: 999 }, (_, i) => form(i)) }
      return Schema.decodeUnknownSync(Query.QuerySchema)({ _tag: "Records", view: "Any", orderBy: [], where })
    })
    yield* agree(store, rows, queries as ReadonlyArray<Query.Query>)
  }),

  "5 groups have the values of their definition": Effect.gen(function* () {
    const store = yield* open
    const samples = fc.sample(fc.tuple(records, fc.array(arbitrary.groups, { minLength: 5, maxLength: 15 })), 40)
    for (const [rows, queries] of [[[], [...samples[0]![1]]] as const, ...samples]) {
      const view = yield* serve(store, rows)
      for (const query of queries.map((query) => ({ ...query, view }))) {
        assert.deepStrictEqual(
          yield* store.views.query(query, 1),
          QueryEvaluation.runGroups(query, rows),
          JSON.stringify(query)
        )
      }
    }
    const view = yield* serve(store, [])
    const none: Query.Groups = { _tag: "Groups", view, by: [], values: { n: { _tag: "count" } } }
    assert.deepStrictEqual(yield* store.views.query(none, 1), [{ by: [], values: { n: 0 } }])
    const rows = [{ key: "k", state: {} }]
    const negative: Query.Groups = {
      ...none,
      view: yield* serve(store, rows),
      by: [["n"]],
      missing: [{ path: ["n"], value: -0 }]
    }
    assert.deepStrictEqual(yield* store.views.query(negative, 1), [{ by: [0], values: { n: 1 } }])
    assert.deepStrictEqual(QueryEvaluation.runGroups(negative, rows), [{ by: [0], values: { n: 1 } }])
  }),

  "5 a sum is exact, whatever the order and the size of the numbers": Effect.gen(function* () {
    const store = yield* open
    const numbers = [1e308, 0.1, 9007199254740991, 1e308, 0.2, 9007199254740991, -1e308, 5e-324, -5e-324, -1e308]
    const view = yield* serve(
      store,
      numbers.map((n, i) => ({ key: `k${i}`, state: { n } }))
    )
    const path = ["n"]
    const values = { sum: { _tag: "sum", path }, avg: { _tag: "avg", path } } as const
    assert.deepStrictEqual(yield* store.views.query({ _tag: "Groups", view, by: [], values }, 1), [
      { by: [], values: { sum: "18014398509481982.3", avg: "1801439850948198.2" } }
    ])
  }),

  "5 a query that takes longer than its timeout is ended": Effect.gen(function* () {
    const store = yield* open
    const rows = Array.from({ length: 3_000 }, (_, i) => ({ key: `k${i}`, state: { n: i } }))
    const view = yield* serve(store, rows)
    const long = (i: number) => Array.from({ length: 50 }, () => `x${i}`)
    const filters = Array.from({ length: 900 }, (_, i): Query.Filter => ({
      _tag: "Compare",
      path: [...long(i)],
      is: "gt",
      value: "5"
    }))
    const where: Query.Filter = { _tag: "Not", filter: { _tag: "Or", filters } }
    const query: Query.Query = { _tag: "Records", view, orderBy: [], where, timeout: 20 }
    const error = yield* Effect.flip(store.views.query(query, 1))
    assert.ok(error._tag === "ViewStoreError")
    assert.deepStrictEqual([error.operation, error.view, error.reason._tag], ["query", view, "Timeout"])
  }),

  "5 a cursor of another query is refused": Effect.gen(function* () {
    const store = yield* open
    const view = yield* serve(store, [
      { key: "a", state: { n: 1 } },
      { key: "b", state: { n: 2 } }
    ])
    const query: Query.Query = { _tag: "Records", view, orderBy: [{ path: ["n"], direction: "asc" }], limit: 1 }
    const { next } = yield* store.views.query(query, 1)
    const error = yield* Effect.flip(store.views.query({ ...query, orderBy: [], after: next! }, 1))
    assert.strictEqual(error._tag, "InvalidCursor")
    assert.strictEqual((yield* Effect.flip(store.views.query({ ...query, after: "?" }, 1)))._tag, "InvalidCursor")
  }),

  "5 a cursor that was forged leads to the same place among the records in every store": Effect.gen(function* () {
    const store = yield* open
    const rows = ["", "a", "b", "\uffff", "😀"].map((a, i) => ({ key: `k${i}`, state: { a } }))
    const view = yield* serve(store, rows)
    const query: Query.Query = { _tag: "Records", view, orderBy: [{ path: ["a"], direction: "asc" }], limit: 1 }
    const { next } = yield* store.views.query(query, 1)
    const text = Schema.decodeSync(Schema.StringFromBase64Url)(next!)
    const given = JSON.parse(text) as { readonly query: number }
    const forged = (value: Schema.Json, key: string) =>
      Query.after(
        query,
        Schema.encodeSync(Schema.StringFromBase64Url)(JSON.stringify({ ...given, values: [value], key }))
      )
    for (const value of ["", "\0", "a\0", "a", "\uffff", "😀", "b".repeat(3_000), null, true, 1e308, []]) {
      for (const key of ["", "\0", "k1\0", "k3", "😀"]) {
        const page = forged(value, key)
        const meant = Result.getOrThrow(QueryEvaluation.run(page, rows))
        assert.deepStrictEqual(yield* store.views.query(page, 1), meant, JSON.stringify([value, key]))
      }
    }
  })
}
