import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore } from "@hexfold/core"
import { Clock, Context, Effect, Layer } from "effect"
import { guarded, open } from "../http/bank.ts"
import { newer } from "../http/newer.ts"
import { serve, serveOn } from "./web.ts"

const opening = (id: string, owner: string) =>
  `mutation { accountOpen(id: "${id}", input: { owner: "${owner}" }, waitFor: [Accounts]) { __typename } }`
const depositing = (id: string, cents: number) =>
  `mutation { accountDeposit(id: "${id}", input: { cents: ${cents} }) { __typename } }`

describe("a subscription", () => {
  it.live("to a page gives the present one, and each new one", () =>
    Effect.gen(function* () {
      const { data, follow } = yield* serve(open)
      const live = yield* follow(`subscription { accounts(where: { owner: { eq: "ann" } }) { nodes { key balance } } }`)
      assert.strictEqual(live.type, "text/event-stream")
      const nodes = Effect.map(live.next, (frame) => frame?.data?.data.accounts.nodes)
      assert.deepStrictEqual(yield* nodes, [])
      yield* data(opening("b", "bob"))
      yield* data(opening("a", "ann"))
      assert.deepStrictEqual(yield* nodes, [{ key: "a", balance: 0 }])
      yield* data(depositing("a", 5))
      assert.deepStrictEqual(yield* nodes, [{ key: "a", balance: 5 }])
      yield* live.cancel
    })
  )

  it.live("to a record gives it as it changes, and null while it is not there", () =>
    Effect.gen(function* () {
      const { data, follow } = yield* serve(open)
      const live = yield* follow(`subscription { accountsByKey(key: "a") { owner balance ownerRecord { accounts } } }`)
      const record = Effect.map(live.next, (frame) => frame?.data?.data.accountsByKey)
      assert.isNull(yield* record)
      yield* data(
        `mutation { accountOpen(id: "a", input: { owner: "ann" }, waitFor: [Accounts, Owners]) { __typename } }`
      )
      assert.deepInclude(yield* record, { owner: "ann", balance: 0 })
      yield* data(depositing("a", 5))
      assert.deepStrictEqual(yield* record, { owner: "ann", balance: 5, ownerRecord: { accounts: 1 } })
      yield* live.cancel
    })
  )

  it.live("to events gives past ones, then each new one, and goes on after one", () =>
    Effect.gen(function* () {
      const { code, data, follow } = yield* serve(open)
      yield* data(opening("a", "ann"))
      yield* data(depositing("a", 5))
      const query = `subscription ($after: ID, $types: [String!]) { events(after: $after, types: $types) {
        __typename meta { cursor position streamId } ... on AccountDeposited { cents } } }`
      const live = yield* follow(query)
      const event = (of: typeof live) => Effect.map(of.next, (frame) => frame?.data?.data.events)
      const first = yield* event(live)
      assert.deepInclude(first, { __typename: "AccountOpened" })
      assert.deepInclude(yield* event(live), { __typename: "AccountDeposited", cents: 5 })
      yield* data(depositing("a", 6))
      assert.deepInclude(yield* event(live), { __typename: "AccountDeposited", cents: 6 })
      yield* live.cancel
      const again = yield* follow(query, { variables: { after: first.meta.cursor, types: ["Deposited"] } })
      assert.deepInclude(yield* event(again), { cents: 5 })
      yield* again.cancel
      assert.strictEqual(yield* code(query, { variables: { after: "x" } }), "BAD_USER_INPUT")
      assert.strictEqual(yield* code(query, { variables: { after: "1-9999" } }), "BAD_USER_INPUT")
    })
  )

  it.live("is refused before it begins, as a query is", () =>
    Effect.gen(function* () {
      const { code, send } = yield* serve(guarded)
      const page = `subscription { accounts { nodes { key } } }`
      assert.strictEqual(yield* code(page), "UNAUTHENTICATED")
      const balance = `subscription { accounts { nodes { balance } } }`
      assert.strictEqual(yield* code(balance, { as: "ann" }), "FORBIDDEN")
      assert.strictEqual(
        yield* code(`subscription { accountsByKey(key: "a") { balance } }`, { as: "ann" }),
        "FORBIDDEN"
      )
      assert.strictEqual(yield* code(`subscription { owners { nodes { key } } }`, { as: "ann" }), "FORBIDDEN")
      assert.strictEqual(yield* code(`subscription { events { meta { type } } }`, { as: "ann" }), "FORBIDDEN")
      assert.strictEqual(
        yield* code(`subscription { accounts(first: 0) { nodes { key } } }`, { as: "ann" }),
        "BAD_USER_INPUT"
      )
      const refused = yield* send(page, { as: "ann", headers: { accept: "application/json" } })
      assert.strictEqual(refused.status, 406)
    })
  )

  it.live("shows a caller its own records alone", () =>
    Effect.gen(function* () {
      const { data, follow } = yield* serve(guarded)
      const live = yield* follow(`subscription { accounts { nodes { key owner } } }`, { as: "ann" })
      const nodes = Effect.map(live.next, (frame) => frame?.data?.data.accounts.nodes)
      assert.deepStrictEqual(yield* nodes, [])
      yield* data(opening("b", "bob"), { as: "bob" })
      yield* data(opening("a", "ann"), { as: "ann" })
      assert.deepStrictEqual(yield* nodes, [{ key: "a", owner: "ann" }])
      yield* live.cancel
    })
  )

  it.live("to events says that it cannot go on at one that only a newer program knows", () =>
    Effect.gen(function* () {
      const stores = yield* Layer.build(MemoryStores.layer())
      const log = newer(Context.get(stores, EventStore.EventStore))
      const { data, follow } = yield* serveOn(open, Context.add(stores, EventStore.EventStore, log))
      yield* data(`mutation { accountOpen(id: "a", input: { owner: "ann" }) { __typename } }`)
      yield* data(depositing("a", 5))
      yield* data(`mutation { accountOpen(id: "b", input: { owner: "bob" }) { __typename } }`)
      const live = yield* follow(`subscription { events { __typename } }`)
      assert.deepStrictEqual((yield* live.next)?.data?.data.events, { __typename: "AccountOpened" })
      const last = yield* live.next
      assert.strictEqual(last?.data?.errors?.[0]?.extensions["code"], "UNAVAILABLE")
      assert.strictEqual((yield* live.next)?.event, "complete")
    })
  )

  it.live("ends with the credentials that opened it, and says so", () =>
    Effect.gen(function* () {
      const { follow } = yield* serve(guarded)
      const end = (yield* Clock.currentTimeMillis) + 200
      const live = yield* follow(`subscription { accounts { nodes { key } } }`, { as: `ann~${end}` })
      assert.strictEqual((yield* live.next)?.event, "next")
      assert.deepStrictEqual(yield* live.next, { event: "complete", data: undefined })
      assert.isUndefined(yield* live.next)
    })
  )

  it.live("ends with the front", () =>
    Effect.gen(function* () {
      const { dispose, follow } = yield* serve(open)
      const live = yield* follow(`subscription { accounts { nodes { key } } }`)
      assert.strictEqual((yield* live.next)?.event, "next")
      yield* Effect.promise(dispose)
      assert.strictEqual((yield* live.next)?.event, "complete")
      assert.isUndefined(yield* live.next)
    })
  )

  it.live("gives all who ask the same the same results", () =>
    Effect.gen(function* () {
      const { data, follow } = yield* serve(open)
      const query = `subscription { accounts { nodes { key balance } } }`
      const all = yield* Effect.forEach(Array.from({ length: 50 }), () => follow(query))
      for (const live of all) yield* live.next
      yield* data(opening("a", "ann"))
      for (const live of all) {
        assert.deepStrictEqual((yield* live.next)?.data?.data.accounts.nodes, [{ key: "a", balance: 0 }])
        yield* live.cancel
      }
    })
  )
})
