import { describe, expect, it } from "@effect/vitest"
import { Projection, ProjectionStore, Records, View, ViewStore } from "@hexfold/core"
import { type Context, Effect, Option, Schema } from "effect"
import { Account } from "../../support/account.ts"
import { deposited, eventually, stores } from "../../support/projected.ts"

const totals = (version: number, factor: number) =>
  View.make("Totals", {
    from: [Account],
    state: Schema.Int,
    version,
    evolve: { MoneyDeposited: (total = 0, { amount }) => total + factor * amount }
  })
const [first, second] = [totals(1, 1), totals(2, 10)]
const total = Effect.map(Records.get(first, "a"), Option.getOrUndefined)

// Records the answer to a query before each commit.
const watching =
  (seen: Array<unknown>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.contextWith((context: Context.Context<ViewStore.ViewStore>) =>
      Effect.updateService(effect, ProjectionStore.ProjectionStore, (store) => ({
        ...store,
        commit: (commit) =>
          Effect.andThen(
            Effect.map(Effect.orDie(Effect.provide(total, context)), (answer) => void seen.push(answer)),
            store.commit(commit)
          )
      }))
    )

describe("a view with a new version", () => {
  it.effect("is built beside the version before, and answers when it has caught up", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 5; i++) yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      expect(yield* total).toBe(5)
      const seen: Array<unknown> = []
      yield* watching(seen)(Projection.catchUp(second, { batch: 2 }))
      expect(seen).toEqual([5, 5, 5])
      expect(yield* total).toBe(50)
    }).pipe(Effect.provide(stores))
  )

  it.effect("answers at once if nothing is left to read, with `catchUp` and with `run`", () =>
    Effect.gen(function* () {
      const { status } = yield* ViewStore.ViewStore
      const serves = (view: View.Any) =>
        Effect.map(status, (all) => all.some((each) => each.version === view.version && each.serves))
      yield* Projection.catchUp(first)
      yield* Projection.catchUp(second)
      expect(yield* serves(second)).toBe(true)
      const third = totals(3, 100)
      yield* Effect.forkScoped(Projection.run(third))
      yield* eventually(serves(third))
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("asks again to answer if the version before has just advanced", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      const overtaking = Effect.andThen(deposited("a", 1), Projection.catchUp(first))
      const context = yield* Effect.context<Effect.Services<typeof overtaking>>()
      let commits = 0
      const overtaken = Effect.updateService(
        ProjectionStore.ProjectionStore,
        (store: ProjectionStore.ProjectionStore["Service"]) => ({
          ...store,
          commit: (commit: ProjectionStore.Commit) =>
            Effect.andThen(
              commits++ === 0 ? Effect.orDie(Effect.provide(overtaking, context)) : Effect.void,
              store.commit(commit)
            )
        })
      )
      yield* Effect.forkScoped(overtaken(Projection.run(second)))
      yield* eventually(Effect.map(total, (answer) => answer === 20))
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("is not replaced by the version before, which an older process may still build", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      yield* Projection.catchUp(second)
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      expect(yield* total).toBe(10)
      yield* Projection.catchUp(second)
      expect(yield* total).toBe(20)
    }).pipe(Effect.provide(stores))
  )
})
