/** What operators and tools ask. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { guarded } from "../../http/bank.ts"
import type { Cases } from "../Front.ts"
import { filled } from "./filled.ts"

export const operations: Cases = {
  "everybody may ask for health, and operators are told what is wrong": (open) =>
    Effect.gen(function* () {
      const { json } = yield* filled(open, guarded)
      const well = yield* json("/health")
      assert.deepStrictEqual<unknown>([well.status, well.body], [200, { status: "healthy" }])
      const { json: ask } = yield* open(guarded, { projected: [] })
      const somebody = yield* ask("/health")
      assert.deepStrictEqual<unknown>([somebody.status, somebody.body], [503, { status: "unhealthy" }])
      assert.include((yield* ask("/health", { as: "eve:operator" })).body["detail"], "Accounts")
    }),

  "metrics are in the text form of Prometheus, for those who have access": (open) =>
    Effect.gen(function* () {
      const { ask } = yield* filled(open, guarded)
      assert.strictEqual((yield* ask("/metrics")).status, 401)
      assert.strictEqual((yield* ask("/metrics", { as: "ann" })).status, 403)
      const response = yield* ask("/metrics", { as: "eve:operator" })
      assert.include(response.headers.get("content-type"), "text/plain; version=0.0.4")
      assert.match(yield* Effect.promise(() => response.text()), /^# TYPE hexfold_/m)
    }),

  "the OpenAPI document is served": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(guarded)
      const { body, status, type } = yield* json("/openapi.json")
      assert.deepStrictEqual([status, type, body["openapi"]], [200, "application/json", "3.1.0"])
    })
}
