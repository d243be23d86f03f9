import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, Projection, ViewStore } from "@hexfold/core"
import { Context, Effect, Layer, Stream } from "effect"
import { open } from "../http/bank.ts"
import { serveOn } from "./web.ts"

/** Stores that count who follows the log, and how often records are asked for. */
const counting = Effect.gen(function* () {
  const seen = { followers: 0, most: 0, loads: 0, queries: 0 }
  const stores = yield* Layer.build(MemoryStores.layer({ views: open.views }))
  const events = Context.get(stores, EventStore.EventStore)
  const views = Context.get(stores, ViewStore.ViewStore)
  const horizons = Stream.suspend(() => {
    seen.followers++
    seen.most = Math.max(seen.most, seen.followers)
    return Stream.ensuring(
      events.horizons,
      Effect.sync(() => {
        seen.followers--
      })
    )
  })
  const counted = stores.pipe(
    Context.add(EventStore.EventStore, { ...events, horizons }),
    Context.add(ViewStore.ViewStore, {
      ...views,
      load: (...asked) => {
        seen.loads++
        return views.load(...asked)
      },
      query: ((...asked: Parameters<typeof views.query>) => {
        seen.queries++
        return views.query(...asked)
      }) as typeof views.query
    })
  )
  yield* Layer.build(Layer.provide(Projection.layer(open.views), Layer.succeedContext(counted)))
  return { seen, stores: counted }
})

const opening = (id: string) =>
  `mutation { accountOpen(id: "${id}", input: { owner: "ann" }, waitFor: [Accounts, Owners]) { __typename } }`

const until = (condition: () => boolean): Effect.Effect<void> =>
  condition()
    ? Effect.void
    : Effect.andThen(
        Effect.promise(() => new Promise((resume) => setImmediate(resume))),
        Effect.suspend(() => until(condition))
      )

describe("subscriptions whose clients have gone", () => {
  it.live("leave nobody behind that follows the log", () =>
    Effect.gen(function* () {
      const { seen, stores } = yield* counting
      const { data, follow } = yield* serveOn(open, stores)
      yield* data(opening("a"))
      const before = seen.followers
      const queries = [
        `subscription { accounts { nodes { key owner } } }`,
        `subscription { accounts(first: 3) { nodes { key ownerRecord { accounts } } } }`,
        `subscription { accountsByKey(key: "a") { owner } }`,
        `subscription { events { meta { type } } }`
      ]
      const all = yield* Effect.forEach(Array.from({ length: 60 }), (_, i) => follow(queries[i % queries.length]!))
      for (const live of all) assert.strictEqual((yield* live.next)?.event, "next")
      assert.isAbove(seen.most, before)
      for (const live of all) yield* live.cancel
      yield* until(() => seen.followers === before)
    })
  )

  it.live("of one question ask the store once for all", () =>
    Effect.gen(function* () {
      const { seen, stores } = yield* counting
      const { data, follow } = yield* serveOn(open, stores)
      yield* data(opening("a"))
      const all = yield* Effect.forEach(Array.from({ length: 100 }), () =>
        follow(`subscription { accounts { nodes { key owner balance } } }`)
      )
      for (const live of all) yield* live.next
      const before = seen.queries
      yield* data(opening("b"))
      for (const live of all) {
        assert.deepStrictEqual(
          (yield* live.next)?.data?.data.accounts.nodes.map(({ key }: { readonly key: string }) => key),
          ["a", "b"]
        )
      }
      assert.isAtMost(seen.queries - before, 2)
      for (const live of all) yield* live.cancel
    })
  )
})

describe("records by their keys", () => {
  it.live("are read in one call for each moment and view", () =>
    Effect.gen(function* () {
      const { seen, stores } = yield* counting
      const { data } = yield* serveOn(open, stores)
      for (const id of ["a", "b", "c"]) yield* data(opening(id))
      const before = seen.loads
      const { accounts, x } = yield* data(
        `{ x: accountsByKey(key: "a") { owner } y: accountsByKey(key: "b") { owner } z: accountsByKey(key: "c") { owner }
           accounts { nodes { ownerRecord { key accounts } } } }`
      )
      assert.deepStrictEqual(x, { owner: "ann" })
      assert.deepStrictEqual(accounts.nodes.length, 3)
      assert.strictEqual(seen.loads - before, 2)
    })
  )
})
