import { assert } from "@effect/vitest"
import { Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, Result, type Schema } from "effect"
import fc from "fast-check"
import * as arbitrary from "../QueryArbitraries.ts"
import type { Cases } from "../plan.ts"
import { newGeneration, open, own, type Store } from "./generations.ts"

const serve = (store: Store, rows: ReadonlyArray<Query.Row<Schema.Json>>) =>
  Effect.gen(function* () {
    const generation = newGeneration()
    const epoch = yield* own(store, generation)
    yield* store.commit({ generation, epoch, from: 0, to: 1, put: rows, remove: [] })
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
    assert.strictEqual(yield* store.query(count), QueryEvaluation.runCount(count, rows), JSON.stringify(count))
    let page: Query.Query | undefined = query
    while (page !== undefined) {
      const answer: Query.Page<Schema.Json> = yield* store.query(page)
      const meant = Result.getOrThrow(QueryEvaluation.run(page, rows))
      assert.deepStrictEqual(answer, meant, JSON.stringify(page))
      page = answer.next === undefined ? undefined : Query.after(query, answer.next)
    }
  }
})

/** Promise 5: a query means the same in every store. */
export const querying: Cases = {
  "5 a query answers as its definition does, page after page": Effect.gen(function* () {
    const store = yield* open
    const samples = fc.sample(fc.tuple(records, fc.array(arbitrary.queries, { minLength: 5, maxLength: 15 })), 40)
    for (const [rows, queries] of samples) yield* agree(store, rows, queries)
  }),

  "5 a cursor of another query is refused": Effect.gen(function* () {
    const store = yield* open
    const view = yield* serve(store, [
      { key: "a", state: { n: 1 } },
      { key: "b", state: { n: 2 } }
    ])
    const query: Query.Query = { _tag: "Records", view, orderBy: [{ path: ["n"], direction: "asc" }], limit: 1 }
    const { next } = yield* store.query(query)
    const error = yield* Effect.flip(store.query({ ...query, orderBy: [], after: next! }))
    assert.strictEqual(error._tag, "InvalidCursor")
    assert.strictEqual((yield* Effect.flip(store.query({ ...query, after: "?" })))._tag, "InvalidCursor")
  })
}
