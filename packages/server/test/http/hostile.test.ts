import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { serve as serveGraphQl } from "../graphql/web.ts"
import { guarded } from "./bank.ts"
import { serve } from "./web.ts"

describe("a caller whom the rule on a state refuses", () => {
  it.live("does not learn the version by expecting another one", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(guarded)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann" })
      for (const version of [0, 1, 7]) {
        const headers = { "if-match": `"${version}"` }
        const sent = { body: { cents: 1 }, as: "bob", headers }
        assert.strictEqual((yield* json("/aggregates/Account/a/Withdraw", sent)).status, 403)
        const command = { _tag: "Withdraw", cents: 1 }
        const commands = [{ aggregate: "Account", id: "a", command, expectedVersion: version }]
        const { body } = yield* json("/batch", { body: { commands }, as: "bob" })
        assert.nestedPropertyVal(body, "results[0].status", 403)
      }
    })
  )

  it.live("does not learn it over GraphQL either", () =>
    Effect.gen(function* () {
      const { code, data } = yield* serveGraphQl(guarded)
      yield* data(`mutation { accountOpen(id: "a", input: { owner: "ann" }) { __typename } }`, { as: "ann" })
      const withdraw = `mutation { accountWithdraw(id: "a", input: { cents: 1 }, expectedVersion: 7) { __typename } }`
      assert.strictEqual(yield* code(withdraw, { as: "bob" }), "FORBIDDEN")
    })
  )
})
