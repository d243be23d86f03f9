/** Live results: the present one, then each new one. */
import { assert } from "@effect/vitest"
import { Effect, Option } from "effect"
import { guarded, open as everybody } from "../../http/bank.ts"
import type { Cases } from "../Front.ts"
import { filled } from "./filled.ts"

export const live: Cases = {
  "a live page shows the present result, and each new one": (open) =>
    Effect.gen(function* () {
      const { events, json } = yield* filled(open, everybody)
      const pages = yield* events("/live/Accounts?orderBy=-owner&limit=1")
      assert.strictEqual(pages.response.headers.get("content-type"), "text/event-stream")
      assert.strictEqual(pages.response.headers.get("cache-control"), "no-store")
      const first = yield* pages.next
      assert.deepInclude(first, { event: "page" })
      assert.deepInclude(JSON.parse(first.data).rows[0], { key: "b", state: { owner: "bob", balance: 0 } })
      yield* json("/aggregates/Account/z/Open", { body: { owner: "zoe" } })
      assert.deepStrictEqual((yield* pages.data).rows, [{ key: "z", state: { owner: "zoe", balance: 0 } }])
    }),

  "a client knows that it is connected before there is anything to tell": (open) =>
    Effect.gen(function* () {
      const { events } = yield* open(everybody)
      const quiet = yield* events("/events?from=now")
      assert.strictEqual(quiet.response.status, 200)
      // A comment. Without it the head of the answer would come with the first event, or after many seconds.
      assert.deepStrictEqual(yield* quiet.frame, Option.some({}))
    }),

  "a live query may be sent as a body": (open) =>
    Effect.gen(function* () {
      const { events, json } = yield* filled(open, everybody)
      const query = { _tag: "Records", view: "Accounts", orderBy: [], limit: 1 }
      const pages = yield* events("/live/Accounts", { body: query })
      assert.deepStrictEqual((yield* pages.data).rows, [{ key: "a", state: { owner: "ann", balance: 0 } }])
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 3 } })
      assert.deepStrictEqual((yield* pages.data).rows, [{ key: "a", state: { owner: "ann", balance: 3 } }])
    }),

  "a live record is shown as it changes, also before there is one": (open) =>
    Effect.gen(function* () {
      const { events, json } = yield* filled(open, everybody)
      const records = yield* events("/live/Accounts/d%2F1")
      assert.deepStrictEqual<unknown>(yield* records.data, { key: "d/1", state: null })
      yield* json("/aggregates/Account/d%2F1/Open", { body: { owner: "dan" } })
      assert.deepStrictEqual<unknown>(yield* records.data, { key: "d/1", state: { owner: "dan", balance: 0 } })
      yield* json("/aggregates/Account/d%2F1/Deposit", { body: { cents: 2 } })
      assert.deepStrictEqual<unknown>(yield* records.data, { key: "d/1", state: { owner: "dan", balance: 2 } })
    }),

  "live results obey the rules, and what the caller may not see is no change": (open) =>
    Effect.gen(function* () {
      const { ask, events, json } = yield* filled(open, guarded)
      assert.strictEqual((yield* ask("/live/Accounts")).status, 401)
      assert.strictEqual((yield* ask("/live/Accounts?orderBy=balance", { as: "ann" })).status, 403)
      const pages = yield* events("/live/Accounts", { as: "ann" })
      const own = [
        { key: "a", state: { owner: "ann" } },
        { key: "c", state: { owner: "ann" } }
      ]
      assert.deepStrictEqual((yield* pages.data).rows, own)
      const hidden = yield* events("/live/Accounts/b", { as: "ann" })
      assert.deepStrictEqual<unknown>(yield* hidden.data, { key: "b", state: null })
      yield* json("/aggregates/Account/b/Deposit", { body: { cents: 1 }, as: "eve:clerk" })
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 1 }, as: "eve:clerk" })
      yield* json("/aggregates/Account/d/Open", { body: { owner: "ann" }, as: "ann" })
      assert.deepStrictEqual((yield* pages.data).rows, [...own, { key: "d", state: { owner: "ann" } }])
    }),

  "live streams end with the credentials that opened them, each with a proper end": (open) =>
    Effect.gen(function* () {
      const { ask, events } = yield* filled(open, guarded)
      const as = `eve:auditor~${Date.now() + 500}`
      for (const path of ["/events", "/live/Accounts", "/live/Accounts/a"]) {
        const frames = yield* events(path, { as })
        let last = yield* frames.frame
        let count = 0
        while (Option.isSome(last)) {
          count++
          assert.notStrictEqual(last.value.event, "error")
          last = yield* frames.frame
        }
        if (path === "/events") assert.isAbove(count, 0)
        // The credentials have ended: they open nothing any more, or only what ends at once.
        const after = yield* ask(path, { as })
        yield* Effect.promise(() => after.text())
      }
    })
}
