import { type InvalidCursor, type NotServing, type Query, Reason, ViewStore, ViewStoreError } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import { type Generations, notServing, positionsOf, serving, statesOf, statusOf } from "./generations.ts"

type Store = ViewStore.ViewStore["Service"]

/** A view store over generations. Several stores may share the same generations. */
export const viewStoreOf = (generations: Generations, leftAfter: number): Store => {
  const query = (query: Query.Query | Query.Count | Query.Groups, version: number) =>
    Effect.clockWith((clock): Effect.Effect<Answer, InvalidCursor | NotServing | ViewStoreError> => {
      const missing = notServing(
        generations,
        { view: query.view, version },
        { now: clock.currentTimeMillisUnsafe(), leftAfter }
      )
      if (missing !== undefined) return Effect.fail(missing)
      const stored = serving(generations, query.view, version)!.records
      const records = timed(query, stored, () => clock.currentTimeMillisUnsafe())
      try {
        if (query._tag === "Count") return Effect.succeed(QueryEvaluation.runCount(query, records))
        if (query._tag === "Groups") return Effect.succeed(QueryEvaluation.runGroups(query, records))
        return Effect.fromResult(QueryEvaluation.run(query, records))
      } catch (error) {
        if (error instanceof ViewStoreError) return Effect.fail(error)
        throw error
      }
    })

  return ViewStore.ViewStore.of({
    load: (of, keys) =>
      Effect.clockWith((clock): Effect.Effect<ViewStore.Loaded, NotServing> => {
        const missing = notServing(generations, of, { now: clock.currentTimeMillisUnsafe(), leftAfter })
        if (missing !== undefined) return Effect.fail(missing)
        const stored = serving(generations, of.view, of.version)!
        return Effect.succeed({ states: statesOf(stored, keys), positions: positionsOf(generations, stored) })
      }),

    query: query as Store["query"],

    status: Effect.clockWith((clock) =>
      Effect.sync(() => statusOf(generations, { now: clock.currentTimeMillisUnsafe(), leftAfter }))
    )
  })
}

type Answer = Query.Page<Schema.Json> | number | ReadonlyArray<Query.GroupValues>

// The records of a view, until the time for the query is over.
function* timed(
  { timeout = Infinity, view }: Pick<Query.Query, "timeout" | "view">,
  records: Iterable<readonly [string, Schema.Json]>,
  now: () => number
): Generator<Query.Row<Schema.Json>> {
  const end = now() + timeout
  let seen = 0
  for (const [key, state] of records) {
    if (seen++ % 100 === 99 && now() > end) {
      const detail = `the query took longer than its timeout of ${timeout} ms`
      throw new ViewStoreError({ operation: "query", view, reason: new Reason.Timeout({ detail }) })
    }
    yield { key, state }
  }
}
