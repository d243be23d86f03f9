import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection, ProjectionStore, View } from "@hexfold/core"
import { Effect, Schema } from "effect"
import { Account } from "../../support/account.ts"

const state = Schema.Struct({
  n: Schema.Int,
  inner: Schema.Struct({ m: Schema.Int }),
  tags: Schema.Record(Schema.String, Schema.Int)
})

describe("the fields of an index", () => {
  const withIndexes = (indexes: View.Any["indexes"]) =>
    View.make("Indexed", {
      from: [Account],
      state,
      // The compiler takes only fields that there are.
      indexes: indexes as ReadonlyArray<"n">,
      evolve: { AccountOpened: (before) => before }
    })

  it("are fields of the state's JSON, or the view is not made", () => {
    for (const indexes of [["nope"], [["n", "inner.nope"]], ["__proto__"]]) {
      assert.throws(() => withIndexes(indexes), "Indexed, indexes: the view's state has no field")
    }
    const renamed = state.pipe(Schema.encodeKeys({ n: "number" }))
    const make = () =>
      View.make("Renamed", {
        from: [Account],
        state: renamed,
        indexes: ["n"],
        evolve: { AccountOpened: (before) => before }
      })
    assert.throws(make, "Renamed, indexes: the view's state has no field n")
  })

  it.effect("are the same for the store that makes the index and for the queries that use it", () =>
    Effect.gen(function* () {
      const view = withIndexes(["tags.ann@example.com", "tags.a\\.b", ["n", "inner.m"]])
      const store = yield* ProjectionStore.ProjectionStore
      const claims: Array<ProjectionStore.Claim["indexes"]> = []
      yield* Effect.provideService(Projection.catchUp(view), ProjectionStore.ProjectionStore, {
        ...store,
        claim: (claim) =>
          Effect.andThen(
            Effect.sync(() => claims.push(claim.indexes)),
            store.claim(claim)
          )
      })
      assert.deepStrictEqual(claims[0], [[["tags", "ann@example.com"]], [["tags", "a.b"]], [["n"], ["inner", "m"]]])
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})
