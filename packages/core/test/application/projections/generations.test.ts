import { describe, expect, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection, ProjectionStore, Records, View, ViewStore } from "@hexfold/core"
import { type Context, Effect, Fiber, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
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
const totalOf = (view: typeof first) =>
  Records.get(view, "a").pipe(
    Effect.map(Option.getOrUndefined),
    Effect.catchTag("NotServing", ({ reason }) => Effect.succeed(reason))
  )
const [total, next] = [totalOf(first), totalOf(second)]

// Records the answers of both versions before each commit.
const watching =
  (seen: Array<unknown>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.contextWith((context: Context.Context<ViewStore.ViewStore>) =>
      Effect.updateService(effect, ProjectionStore.ProjectionStore, (store) => ({
        ...store,
        commit: (commit) =>
          Effect.andThen(
            Effect.map(
              Effect.orDie(Effect.provide(Effect.all([total, next]), context)),
              (answers) => void seen.push(answers)
            ),
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
      const answers = [5, "building"]
      expect(seen).toEqual([answers, answers, answers])
      expect([yield* total, yield* next]).toEqual([5, 50])
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

  it.effect("answers beside the version before, which an older process may still keep", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      yield* Projection.catchUp(second)
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      expect([yield* total, yield* next]).toEqual([2, 10])
      yield* Projection.catchUp(second)
      expect([yield* total, yield* next]).toEqual([2, 20])
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not answer any more if it was left, until its projection has caught up", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      yield* TestClock.adjust("1 second")
      yield* Projection.catchUp(second)
      yield* TestClock.adjust("2 minutes")
      // Nothing is missing.
      expect(yield* total).toBe(1)
      yield* deposited("a", 1)
      yield* Projection.catchUp(second)
      expect([yield* total, yield* next]).toEqual(["left", 20])
      const seen: Array<unknown> = []
      yield* watching(seen)(Projection.catchUp(first))
      expect(seen).toEqual([["building", 20]])
      expect(yield* total).toBe(2)
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})

describe("a later build of a version", () => {
  it.effect("asks again to answer if the build before has just advanced", () =>
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
      const rebuilding = yield* Effect.forkScoped(overtaken(Projection.rebuild(first)))
      yield* eventually(Effect.sync(() => rebuilding.pollUnsafe() !== undefined))
      expect(yield* Fiber.join(rebuilding)).toMatchObject({ build: 2, events: 2, position: 2 })
      expect(yield* total).toBe(2)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )
})
