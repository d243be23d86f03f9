import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { open } from "../http/bank.ts"
import { counting, until } from "./counting.ts"
import { serveOn } from "./web.ts"

const opening = (id: string) =>
  `mutation { accountOpen(id: "${id}", input: { owner: "ann" }, waitFor: [Accounts, Owners]) { __typename } }`

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

describe("a live result that many get at one moment", () => {
  it.live("is made once for all who ask the same", () =>
    Effect.gen(function* () {
      const { seen, stores } = yield* counting
      const { data, follow } = yield* serveOn(open, stores)
      yield* data(opening("a"))
      const all = yield* Effect.forEach(Array.from({ length: 100 }), () =>
        follow(`subscription { accounts { nodes { key owner } } }`)
      )
      for (const live of all) yield* live.next
      // Who has just got a result is held back by a timer of its own. The others get the next one at one moment.
      const then = yield* Clock.currentTimeMillis
      const now = yield* Clock.clockWith((clock) => Effect.succeed(() => clock.currentTimeMillisUnsafe()))
      yield* until(() => now() > then + 200)
      const [reads, queries] = [seen.reads, seen.queries]
      yield* data(opening("b"))
      // Who leaves takes the result from nobody.
      const [first, ...others] = all
      yield* first!.cancel
      for (const live of others) {
        assert.deepStrictEqual((yield* live.next)?.data?.data.accounts.nodes.at(-1), { key: "b", owner: "ann" })
      }
      assert.isAbove(seen.reads, reads)
      // Each page is looked through to see whether it is a new one, and is made into one result.
      assert.isAtMost(seen.reads - reads, 10 * (seen.queries - queries))
      for (const live of others) yield* live.cancel
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
