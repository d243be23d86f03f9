import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { Effect, Layer } from "effect"
import { type ExecutionResult, graphql, parse, subscribe } from "graphql"
import { guarded } from "../http/bank.ts"
import { tokens } from "../http/web.ts"

describe("the schema in another server of GraphQL", () => {
  it.live("executes and follows with a context for each operation, under the same rules", () =>
    Effect.gen(function* () {
      const services = yield* Layer.build(
        Layer.mergeAll(tokens, Projection.layer(guarded.views)).pipe(
          Layer.provideMerge(MemoryStores.layer({ views: guarded.views }))
        )
      )
      const schema = GraphQl.schema(guarded)
      const contextFor = (as: string) =>
        Effect.provideContext(GraphQl.context({ authorization: `Bearer ${as}` }), services)
      const execute = (as: string, source: string) =>
        Effect.flatMap(contextFor(as), (contextValue) =>
          Effect.promise(async () => graphql({ schema, source, contextValue }))
        )
      const opening = `mutation { accountOpen(id: "a", input: { owner: "ann" }, waitFor: [Accounts]) { __typename } }`
      const refused = yield* execute("bob", opening)
      assert.strictEqual(refused.errors?.[0]?.extensions["code"], "FORBIDDEN")
      const opened = yield* execute("ann", opening)
      assert.deepStrictEqual(JSON.stringify(opened.data), `{"accountOpen":{"__typename":"AccountReceipt"}}`)
      const document = parse(`subscription { accounts { nodes { key owner } } }`)
      const contextValue = yield* contextFor("ann")
      const results = yield* Effect.promise(async () => subscribe({ schema, document, contextValue }))
      if (!(Symbol.asyncIterator in results)) throw new Error("there is nothing to follow")
      const first = yield* Effect.promise(async () => (await results.next()).value as ExecutionResult)
      assert.strictEqual(JSON.stringify(first.data), `{"accounts":{"nodes":[{"key":"a","owner":"ann"}]}}`)
      yield* Effect.promise(async () => results.return())
      const wrong = yield* Effect.flip(Effect.provideContext(GraphQl.context({ authorization: "?" }), services))
      assert.strictEqual(wrong._tag, "Unauthenticated")
    })
  )
})
