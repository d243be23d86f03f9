import { type InvalidCursor, type Query, ViewStore } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import { claim } from "./claims.ts"
import { commit, type Maintaining } from "./commits.ts"
import * as deadLetters from "./deadLetters.ts"
import { find, type Generations, positionsOf, serving, statusOf } from "./generations.ts"

type Store = ViewStore.ViewStore["Service"]

/** A view store over generations. Several stores may share the same generations. */
export const storeOf = (generations: Generations, maintaining?: Maintaining): Store => {
  const query = (query: Query.Query | Query.Count) =>
    Effect.suspend((): Effect.Effect<Query.Page<Schema.Json> | number, InvalidCursor> => {
      const stored = serving(generations, query.view)?.records ?? []
      const records = Array.from(stored, ([key, state]) => ({ key, state }))
      return query._tag === "Count"
        ? Effect.succeed(QueryEvaluation.runCount(query, records))
        : Effect.fromResult(QueryEvaluation.run(query, records))
    })

  return ViewStore.ViewStore.of({
    claim: (given) =>
      Effect.clockWith((clock) => Effect.fromResult(claim(generations, given, clock.currentTimeMillisUnsafe()))),

    // One synchronous step, so nothing comes between the check and the writes.
    commit: (given) => Effect.suspend(() => Effect.fromResult(commit(generations, given, maintaining))),

    load: (from, keys) =>
      Effect.sync(() => {
        const stored = "version" in from ? find(generations, from) : serving(generations, from.view)
        const states = new Map<string, Schema.Json>()
        const parked = new Set<string>()
        if (stored === undefined) return { states, parked, positions: [] }
        for (const key of keys) {
          const state = stored.records.get(key)
          if (state !== undefined) states.set(key, state)
          if (stored.parked.has(key)) parked.add(key)
        }
        return { states, parked, positions: positionsOf(generations, stored) }
      }),

    query: query as Store["query"],

    deadLetters: (generation, options) => Effect.sync(() => deadLetters.select(find(generations, generation), options)),

    deadLetterCounts: (generation) => Effect.sync(() => deadLetters.count(find(generations, generation))),

    status: Effect.clockWith((clock) => Effect.sync(() => statusOf(generations, clock.currentTimeMillisUnsafe())))
  })
}
