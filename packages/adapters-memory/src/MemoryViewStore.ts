/**
 * The view store in memory: the reference for other adapters, and what tests
 * run on. It forgets everything when its scope closes.
 */
import { Query, ViewStore } from "@hexfold/core"
import { Effect, Layer, type Schema } from "effect"
import { open } from "./internal/generations.ts"

type Store = ViewStore.ViewStore["Service"]

const store = (): Store => {
  const { claim, commit, find, letters, serving, status } = open()

  const query = (query: Query.Query | Query.Count) =>
    Effect.suspend((): Effect.Effect<Query.Page<Schema.Json> | number, Query.InvalidCursor> => {
      const records = Array.from(serving(query.view)?.records ?? [], ([key, state]) => ({ key, state }))
      return query._tag === "Count"
        ? Effect.succeed(Query.runCount(query, records))
        : Effect.fromResult(Query.run(query, records))
    })

  return ViewStore.ViewStore.of({
    claim: (given) => Effect.clockWith((clock) => Effect.fromResult(claim(given, clock.currentTimeMillisUnsafe()))),

    // One synchronous step: nothing comes between the check and the writes.
    commit: (given) => Effect.suspend(() => Effect.fromResult(commit(given))),

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
        return { states, parked, positions: generation.parts.map(({ position }) => position) }
      }),

    query: query as Store["query"],

    letters: (generation, options) => Effect.sync(() => letters(generation, options)),

    status: Effect.clockWith((clock) => Effect.sync(() => status(clock.currentTimeMillisUnsafe())))
  })
}

/** Opens a view store in memory. */
export const make: Effect.Effect<Store> = Effect.sync(store)

/**
 * Supplies a view store in memory.
 *
 * @example
 * ```ts
 * import { MemoryViewStore } from "@hexfold/adapters-memory"
 * import { ViewStore } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, never, ViewStore.ViewStore>
 *
 * Effect.runPromise(Effect.provide(program, MemoryViewStore.layer))
 * ```
 */
export const layer: Layer.Layer<ViewStore.ViewStore> = Layer.effect(ViewStore.ViewStore, make)
