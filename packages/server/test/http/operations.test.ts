import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
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
})
