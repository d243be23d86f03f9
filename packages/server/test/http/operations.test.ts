import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { framesOf } from "../front/frames.ts"
import { guarded } from "./bank.ts"
import { serve } from "./web.ts"

describe("what operators ask", () => {
  it.live("is whether the program is healthy, and operators are told what is wrong", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(guarded, [])
      const somebody = yield* json("/health")
      assert.deepStrictEqual<unknown>([somebody.status, somebody.body], [503, { status: "unhealthy" }])
      const operator = yield* json("/health", { as: "eve:operator" })
      assert.include(operator.body["detail"], "Accounts")
      const { json: ask } = yield* serve(guarded)
      yield* ask("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann", headers: { prefer: "wait=5" } })
      const well = yield* ask("/health")
      assert.deepStrictEqual<unknown>([well.status, well.body], [200, { status: "healthy" }])
    })
  )

  it.live("is answered whoever asks: with wrong credentials, and too often", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(guarded, [])
      for (const as of ["?", "away", "often"]) {
        const { body, status } = yield* json("/health", { as })
        assert.deepStrictEqual<unknown>([status, body], [503, { status: "unhealthy" }], as)
      }
    })
  )

  it.live("are metrics, for those who have access", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(guarded)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann" })
      assert.strictEqual((yield* json("/metrics")).status, 401)
      assert.strictEqual((yield* json("/metrics", { as: "ann" })).status, 403)
      const response = yield* ask("/metrics", { as: "eve:operator" })
      assert.include(response.headers.get("content-type"), "text/plain")
      assert.match(yield* Effect.promise(() => response.text()), /^# TYPE hexfold_/m)
    })
  )

  it.live("know how late the results of live queries are, each time that a watcher gets one", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(guarded)
      const counted = Effect.gen(function* () {
        const response = yield* ask("/metrics", { as: "eve:operator" })
        const text = yield* Effect.promise(() => response.text())
        return Number(/^hexfold_live_result_lag_seconds_count (\d+)$/m.exec(text)?.[1] ?? 0)
      })
      const open = (id: string) =>
        json(`/aggregates/Account/${id}/Open`, { body: { owner: "ann" }, as: "ann", headers: { prefer: "wait=5" } })
      yield* open("a")
      const before = yield* counted
      // One of them does not see the balance: its page is made of the one that the store has given.
      const watchers = yield* Effect.forEach(["ann", "eve:auditor"], (as) =>
        Effect.map(ask("/live/Accounts", { as }), framesOf)
      )
      for (const { next } of watchers) yield* next
      // The first page is of the past.
      assert.strictEqual(yield* counted, before)
      yield* open("b")
      for (const { next } of watchers) yield* next
      assert.strictEqual(yield* counted, before + 2)
      for (const { cancel } of watchers) yield* Effect.promise(cancel)
    })
  )
})
