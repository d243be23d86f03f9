/** Access: who may do and see what. */
import { assert } from "@effect/vitest"
import { Aggregate, Api, Decision } from "@hexfold/core"
import { HttpCors } from "@hexfold/server/http"
import { RateLimits } from "@hexfold/server/limits"
import { Effect, Layer, Schema } from "effect"
import { RateLimiter } from "effect/persistence"
import { guarded, open as everybody } from "../../http/bank.ts"
import { tokens as testCallers } from "../../http/web.ts"
import type { Cases } from "../Front.ts"
import { filled, where } from "./filled.ts"

class Try extends Schema.TaggedClass<Try>()("Try", { text: Schema.String }) {}
class Tried extends Schema.TaggedClass<Tried>()("Tried", {}) {}

const secret = "the secret of the inside"

const throws = (): never => {
  throw new Error(secret)
}

/** An aggregate, and a rule, that throw. */
const broken = Api.make("broken", {
  aggregates: [
    Aggregate.make("Broken", {
      id: Schema.String,
      state: Schema.Struct({}),
      initial: {},
      commands: [Try],
      events: [Tried],
      decide: { Try: ({ text }) => (text === "decide" ? throws() : Decision.accept(new Tried())) },
      evolve: { Tried: () => ({}) }
    })
  ],
  policies: { Broken: { Try: { when: (_, { command }) => (command.text === "rule" ? throws() : true) } } }
})

/** Everybody may read what belongs to the bank. */
const [Accounts] = everybody.views
const published = Api.make("published", {
  aggregates: everybody.aggregates,
  views: [Accounts],
  limits: { Accounts: { fields: "all", scan: true } },
  policies: {
    Account: { Open: "anyone", Deposit: "anyone", Withdraw: "signed in" },
    Accounts: {
      read: "anyone",
      rows: (caller, { eq, or }) => or(eq("owner", "bank"), eq("owner", caller.subject)),
      publicRows: ({ eq }) => eq("owner", "bank"),
      fields: { balance: "signed in" }
    }
  }
})

export const access: Cases = {
  "nobody, somebody forged, and somebody without the role or in the wrong state are refused": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(guarded)
      const answer = (path: string, body: object, as?: string) =>
        Effect.map(json(path, { body, ...(as === undefined ? {} : { as }) }), ({ body: found, status }) => [
          status,
          found["title"] ?? found["version"]
        ])
      const opening = "/aggregates/Account/a/Open"
      assert.deepStrictEqual(yield* answer(opening, { owner: "ann" }), [401, "Unauthenticated"])
      // Who may not ask learns nothing of what is wrong.
      assert.deepStrictEqual(yield* answer(opening, { owner: 1 }), [401, "Unauthenticated"])
      assert.deepStrictEqual(yield* answer(opening, { owner: "ann" }, "ann bob"), [401, "Unauthenticated"])
      assert.deepStrictEqual(yield* answer(opening, { owner: "ann" }, "bob"), [403, "Forbidden"])
      assert.deepStrictEqual(yield* answer(opening, { owner: "ann" }, "ann"), [200, 1])
      const deposit = "/aggregates/Account/a/Deposit"
      assert.deepStrictEqual(yield* answer(deposit, { cents: 5 }, "ann"), [403, "Forbidden"])
      assert.deepStrictEqual(yield* answer(deposit, { cents: "?" }, "ann"), [403, "Forbidden"])
      assert.deepStrictEqual(yield* answer(deposit, { cents: 5 }, "eve:clerk"), [200, 2])
      const withdraw = "/aggregates/Account/a/Withdraw"
      assert.deepStrictEqual(yield* answer(withdraw, { cents: 1 }, "bob"), [403, "Forbidden"])
      assert.deepStrictEqual(yield* answer(withdraw, { cents: 1 }, "ann"), [200, 3])
      const transfer = { from: "a", to: "b", cents: 1 }
      assert.deepStrictEqual(yield* answer("/commands/Transfer", transfer, "bob"), [403, "Forbidden"])
      assert.deepStrictEqual(yield* answer("/commands/Transfer", transfer, "ann"), [422, "NotOpen"])
      const unauthenticated = yield* json(opening, { body: { owner: "ann" } })
      assert.strictEqual(unauthenticated.headers.get("www-authenticate"), "Bearer")
    }),

  "states and events are for those whom a rule lets read them": (open) =>
    Effect.gen(function* () {
      const { ask, json } = yield* filled(open, guarded)
      assert.strictEqual((yield* ask("/aggregates/Account/a")).status, 401)
      assert.strictEqual((yield* ask("/aggregates/Account/a", { as: "bob" })).status, 403)
      assert.strictEqual((yield* ask("/aggregates/Account/a", { as: "ann" })).status, 200)
      const headers = { prefer: "return=representation" }
      const clerk = yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, as: "eve:clerk", headers })
      assert.notProperty(clerk.body, "state")
      assert.deepStrictEqual(clerk.body.events, [])
      const auditor = yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, as: "eve:clerk,auditor" })
      assert.deepInclude(auditor.body.events[0]!, { type: "Deposited", actor: "eve" })
    }),

  "without a rule a state has no address, and a receipt no events": (open) =>
    Effect.gen(function* () {
      const { ask, json } = yield* open(published)
      const { body } = yield* json("/aggregates/Account/a/Open", {
        body: { owner: "bank" },
        headers: { prefer: "return=representation" }
      })
      assert.doesNotHaveAnyKeys(body, ["events", "state"])
      assert.strictEqual((yield* ask("/aggregates/Account/a")).status, 404)
      assert.strictEqual((yield* ask("/events")).status, 404)
    }),

  "records that the caller may not see are in no list, total or cursor, and 404 by key": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, guarded)
      const keys = (path: string, as: string) =>
        Effect.map(json(path, { as }), ({ body }) => [body.rows.map(({ key }) => key), body["total"]])
      assert.strictEqual((yield* json("/views/Accounts")).status, 401)
      assert.deepStrictEqual(yield* keys("/views/Accounts?total=true", "ann"), [["a", "c"], 2])
      const everything = where({
        _tag: "Or",
        filters: [
          { _tag: "And", filters: [] },
          { _tag: "Not", filter: { _tag: "IsNull", path: ["owner"] } }
        ]
      })
      assert.deepStrictEqual(yield* keys(`/views/Accounts?total=true&${everything}`, "ann"), [["a", "c"], 2])
      assert.strictEqual((yield* json("/views/Accounts/b", { as: "ann" })).status, 404)
      assert.deepStrictEqual(yield* keys("/views/Accounts?total=true", "eve:auditor"), [["a", "b", "c"], 3])
      // The cursor of somebody who sees more leads to nothing that the caller may not see.
      const { body } = yield* json("/views/Accounts?limit=1", { as: "eve:auditor" })
      const after = `/views/Accounts?after=${encodeURIComponent(body.next)}`
      const found = yield* json(after, { as: "ann" })
      if (found.status === 200)
        assert.deepStrictEqual(
          found.body.rows.map(({ key }) => key),
          ["c"]
        )
      else assert.strictEqual(found.body["title"], "InvalidCursor")
    }),

  "a field that the caller may not see is in no record, and no query may use it": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, guarded)
      assert.deepStrictEqual((yield* json("/views/Accounts/a", { as: "ann" })).body["state"], { owner: "ann" })
      const list = yield* json("/views/Accounts", { as: "ann" })
      assert.deepStrictEqual(list.body.rows[0], { key: "a", state: { owner: "ann" } })
      const rich = where({ _tag: "Compare", path: ["balance"], is: "gt", value: 1 })
      for (const asking of ["orderBy=balance", "select=balance", rich]) {
        assert.strictEqual((yield* json(`/views/Accounts?${asking}`, { as: "ann" })).status, 403, asking)
        assert.strictEqual((yield* json(`/views/Accounts?${asking}`, { as: "eve:auditor" })).status, 200, asking)
      }
      const linked = "/views/Accounts?with=ownerRecord"
      assert.strictEqual((yield* json(linked, { as: "ann" })).status, 403)
      assert.strictEqual((yield* json(linked, { as: "eve:auditor" })).status, 200)
    }),

  "readers without a caller see what is public": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, published)
      yield* json("/aggregates/Account/z/Open", { body: { owner: "bank" }, headers: { prefer: "wait=60" } })
      assert.deepStrictEqual((yield* json("/views/Accounts")).body.rows, [{ key: "z", state: { owner: "bank" } }])
      const signedIn = yield* json("/views/Accounts", { as: "bob" })
      assert.deepStrictEqual(
        signedIn.body.rows.map(({ key }) => key),
        ["b", "z"]
      )
      assert.strictEqual((yield* json("/views/Accounts/b")).status, 404)
      assert.strictEqual((yield* json("/views/Accounts?orderBy=balance")).status, 403)
    }),

  "credentials that nobody can check now are no wrong ones: the client tries again": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(guarded)
      const { body, headers, status } = yield* json("/views/Accounts", { as: "away" })
      assert.deepStrictEqual([status, body["title"], headers.get("retry-after")], [503, "Unavailable", "1"])
    }),

  "a caller with too many requests is told when to come again, and other callers are answered": (open) =>
    Effect.gen(function* () {
      const limited = RateLimits.layer({ limit: 2, window: "1 hour" }).pipe(
        Layer.provide([testCallers, RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))])
      )
      const { json } = yield* open(everybody, { callers: limited })
      const answer = (as: string) => json("/aggregates/Account/a", { as })
      assert.deepStrictEqual([(yield* answer("ann")).status, (yield* answer("ann")).status], [200, 200])
      const { body, headers, status } = yield* answer("ann")
      assert.deepStrictEqual([status, body["title"]], [429, "TooManyRequests"])
      assert.isAbove(Number(headers.get("retry-after")), 0)
      assert.strictEqual((yield* answer("bob")).status, 200)
    }),

  "pages of other sites are let in if they are named, live results included": (open) =>
    Effect.gen(function* () {
      const shop = "https://shop.example"
      const { ask, events } = yield* open(everybody, {
        beside: HttpCors.layer({ origins: [shop, "https://a.example"] })
      })
      const path = "/aggregates/Account/a/Open"
      const opened = yield* ask(path, { body: { owner: "ann" }, headers: { origin: shop } })
      assert.deepStrictEqual([opened.status, opened.headers.get("access-control-allow-origin")], [200, shop])
      assert.include(opened.headers.get("access-control-expose-headers")?.toLowerCase(), "etag")
      const live = yield* events("/live/Accounts/a", { headers: { origin: shop } })
      assert.strictEqual(live.response.headers.get("access-control-allow-origin"), shop)
      const evil = yield* ask("/views/Accounts", { headers: { origin: "https://evil.example" } })
      assert.notStrictEqual(evil.headers.get("access-control-allow-origin"), "https://evil.example")
    }),

  "what has thrown is in no answer": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(broken)
      for (const text of ["decide", "rule"]) {
        const { body, status } = yield* json("/aggregates/Broken/a/Try", { body: { text }, as: "ann" })
        assert.deepStrictEqual([status, body["title"]], [500, "Internal"])
        assert.notInclude(JSON.stringify(body), secret)
      }
      const commands = ["fine", "decide", "rule"].map((text, i) => ({
        aggregate: "Broken",
        id: `${i}`,
        command: { _tag: "Try", text }
      }))
      const { body } = yield* json("/batch", { body: { commands }, as: "ann" })
      const results = body["results"] as ReadonlyArray<{ readonly status: number }>
      assert.deepStrictEqual(
        results.map(({ status }) => status),
        [200, 500, 500]
      )
      assert.notInclude(JSON.stringify(body), secret)
    })
}
