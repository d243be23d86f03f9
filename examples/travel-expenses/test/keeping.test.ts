import { assert, layer } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection, ProjectionMonitor } from "@hexfold/core"
import { Effect } from "effect"
import { definitions, keeping, views } from "../src/keeping.ts"
import { overview } from "../src/overview.ts"
import { execute, records, sample } from "./log.ts"
import { Server, server, storesIn } from "./server.ts"

/** The records and the printed overview of the views, after they were verified against the events. */
const verified = Effect.gen(function* () {
  for (const view of views) {
    const { compared, different, unjudged } = yield* Projection.verify(view)
    assert.isAbove(compared, 0)
    assert.deepStrictEqual([different, unjudged], [0, 0])
  }
  return { records: yield* records, overview: yield* overview }
})

const inMemory = <A, E>(kept: Effect.Effect<A, E, Projection.Stores>) =>
  Effect.provide(Effect.andThen(kept, verified), MemoryStores.layer({ views: definitions("inline") }))

const onPostgres = <A, E>(kept: Effect.Effect<A, E, Projection.Stores>) =>
  Effect.gen(function* () {
    const database = yield* Effect.flatMap(Server, ({ newDatabase }) => newDatabase())
    return yield* Effect.provide(Effect.andThen(kept, verified), storesIn(database, definitions("inline")))
  })

const expected = inMemory(keeping("after", execute(sample)))

const isInline = Effect.gen(function* () {
  const states = (yield* ProjectionMonitor.status(views)).map(({ state }) => state)
  assert.deepStrictEqual(new Set(states), new Set(["inline"]))
})

layer(server, { excludeTestServices: true })("the views of a log", (it) => {
  for (const [store, on] of [
    ["in memory", inMemory],
    ["on Postgres", onPostgres]
  ] as const) {
    it.effect(`are equal ${store}, followed by projections while it is executed`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* on(keeping("live", execute(sample))), yield* expected)
      })
    )

    it.effect(`are equal ${store}, maintained by the appends`, () =>
      Effect.gen(function* () {
        const kept = Effect.andThen(keeping("inline", execute(sample)), isInline)
        assert.deepStrictEqual(yield* on(kept), yield* expected)
      })
    )

    it.effect(`are equal ${store} after a rebuild`, () =>
      Effect.gen(function* () {
        const rebuilt = Effect.forEach(views, (view) => Projection.rebuild(view))
        assert.deepStrictEqual(yield* on(Effect.andThen(keeping("after", execute(sample)), rebuilt)), yield* expected)
      })
    )

    it.effect(`are equal ${store}, followed in parts`, () =>
      Effect.gen(function* () {
        const kept = Projection.waitFor(views, { timeout: "2 minutes" })(execute(sample)).pipe(
          Effect.provide(Projection.layer(views, { parts: 3, batch: 2 }))
        )
        assert.deepStrictEqual(yield* on(kept), yield* expected)
      })
    )
  }
})
