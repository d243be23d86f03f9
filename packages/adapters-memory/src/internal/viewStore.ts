import { type InvalidCursor, type Query, Reason, ViewStore, ViewStoreError } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import { claim } from "./claims.ts"
import { commit, type Maintaining } from "./commits.ts"
import * as deadLetters from "./deadLetters.ts"
import { find, type Generations, positionsOf, serving, statusOf } from "./generations.ts"

type Store = ViewStore.ViewStore["Service"]

/** A view store over generations. Several stores may share the same generations. */
export const storeOf = (generations: Generations, maintaining?: Maintaining): Store => {
  const query = (query: Query.Query | Query.Count | Query.Groups) =>
    Effect.clockWith((clock): Effect.Effect<Answer, InvalidCursor | ViewStoreError> => {
      const stored = serving(generations, query.view)?.records ?? []
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
