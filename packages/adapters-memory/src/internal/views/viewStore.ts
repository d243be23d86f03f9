import { type InvalidCursor, type NotServing, type Query, ViewStore, type ViewStoreError } from "@hexfold/core"
import { QueryAnswer } from "@hexfold/core/adapter"
import { Effect } from "effect"
import { type Generations, notServing, positionsOf, serving, statesOf, statusOf } from "./generations.ts"

type Store = ViewStore.ViewStore["Service"]

/** A view store over generations. Several stores may share the same generations. */
export const viewStoreOf = (generations: Generations, leftAfter: number): Store => {
  const query = (query: Query.Query | Query.Count | Query.Groups, version: number) =>
    Effect.clockWith((clock): Effect.Effect<QueryAnswer.Answer, InvalidCursor | NotServing | ViewStoreError> => {
      const missing = notServing(
        generations,
        { view: query.view, version },
        { now: clock.currentTimeMillisUnsafe(), leftAfter }
      )
      if (missing !== undefined) return Effect.fail(missing)
      const stored = serving(generations, query.view, version)!.records
      return Effect.fromResult(QueryAnswer.of(query, stored, () => clock.currentTimeMillisUnsafe()))
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
