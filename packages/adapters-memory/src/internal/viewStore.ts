import { type InvalidCursor, type Query, ViewStore } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import type { Maintaining, open } from "./generations.ts"

type Store = ViewStore.ViewStore["Service"]

/** A view store over generations, which others may share. */
export const storeOf = (generations: ReturnType<typeof open>, maintaining?: Maintaining): Store => {
  const { claim, commit, find, deadLetterCounts, deadLetters, positionsOf, serving, status } = generations

  const query = (query: Query.Query | Query.Count) =>
    Effect.suspend((): Effect.Effect<Query.Page<Schema.Json> | number, InvalidCursor> => {
      const records = Array.from(serving(query.view)?.records ?? [], ([key, state]) => ({ key, state }))
      return query._tag === "Count"
        ? Effect.succeed(QueryEvaluation.runCount(query, records))
        : Effect.fromResult(QueryEvaluation.run(query, records))
    })

  return ViewStore.ViewStore.of({
    claim: (given) => Effect.clockWith((clock) => Effect.fromResult(claim(given, clock.currentTimeMillisUnsafe()))),

    // One synchronous step: nothing comes between the check and the writes.
    commit: (given) => Effect.suspend(() => Effect.fromResult(commit(given, maintaining))),

    load: (from, keys) =>
      Effect.sync(() => {
        const generation = "version" in from ? find(from) : serving(from.view)
        const states = new Map<string, Schema.Json>()
        const parked = new Set<string>()
        if (generation === undefined) return { states, parked, positions: [] }
        for (const key of keys) {
          const state = generation.records.get(key)
          if (state !== undefined) states.set(key, state)
          if (generation.parked.has(key)) parked.add(key)
        }
        return { states, parked, positions: positionsOf(generation) }
      }),

    query: query as Store["query"],

    deadLetters: (generation, options) => Effect.sync(() => deadLetters(generation, options)),

    deadLetterCounts: (generation) => Effect.sync(() => deadLetterCounts(generation)),

    status: Effect.clockWith((clock) => Effect.sync(() => status(clock.currentTimeMillisUnsafe())))
  })
}
