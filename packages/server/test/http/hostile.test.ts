import { assert, describe, it } from "@effect/vitest"
import { Aggregate, Api, Decision, View } from "@hexfold/core"
import { Effect, Exit, Schema } from "effect"
import { serve as serveGraphQl } from "../graphql/web.ts"
import { guarded, open } from "./bank.ts"
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

describe("an address in another spelling", () => {
  it.live("leads where the usual one leads, or nowhere", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      const opening = (path: string, owner: string) => json(path, { body: { owner }, headers: { prefer: "wait=5" } })
      assert.strictEqual((yield* opening("/AGGREGATES/account/a/Open", "ann")).body["streamId"], "Account-a")
      for (const path of [
        "/aggregates/Accoun%74/b/Open",
        "/aggregates//Account/b/Open",
        "/aggregates/Account/a/open"
      ]) {
        assert.strictEqual((yield* opening(path, "ann")).status, 404, path)
      }
      // The address of a state, which takes no command.
      for (const path of ["/AGGREGATES/Account/Open", "/aggregates/ACCOUNT/Open"]) {
        assert.strictEqual((yield* opening(path, "ann")).status, 405, path)
      }
      // An id and the name of a command tell case, and all before them does not.
      assert.strictEqual((yield* json("/aggregates/Account/A")).body["version"], 0)
      assert.lengthOf((yield* json("/VIEWS/accounts")).body.rows, 1)
      assert.deepStrictEqual<unknown>((yield* json("/views/ACCOUNTS/a")).body["key"], "a")
      assert.strictEqual((yield* json("/views/Accoun%74s")).status, 404)
      assert.strictEqual((yield* json("/aggregates/ACCOUNT/a")).body["version"], 1)
    })
  )

  it.live("is no address of two: names that differ by case alone are refused at once", () =>
    Effect.gen(function* () {
      const one = aggregate("Account")
      const twins = [
        Api.make("aggregates", { aggregates: [one, aggregate("ACCOUNT")], policies: "open" }),
        Api.make("views", { aggregates: [one], views: [view("Accounts"), view("ACCOUNTS")], policies: "open" })
      ]
      for (const api of twins) {
        const refused = yield* Effect.exit(Effect.flatMap(serve(api), ({ ask }) => ask("/aggregates/Account/a")))
        assert.match(String(Exit.isFailure(refused) && refused.cause), /over HTTP \w+ and \w+ have one address/)
      }
    })
  )
})

class Done extends Schema.TaggedClass<Done>()("Done", {}) {}
const Do = Schema.TaggedStruct("Do", {})

const aggregate = <const Name extends string>(name: Name) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: Schema.Struct({}),
    initial: {},
    commands: [Do],
    events: [Done],
    decide: { Do: () => Decision.accept(new Done()) },
    evolve: { Done: (state) => state }
  })

const view = <const Name extends string>(name: Name) =>
  View.make(name, { from: [aggregate("Account")], state: Schema.Struct({}), evolve: { Done: () => ({}) } })
