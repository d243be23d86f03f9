import { describe, expect, it } from "@effect/vitest"
import { Projection, ProjectionStore, Records, View, ViewStore } from "@hexfold/core"
import { Effect, Fiber, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account } from "../../support/account.ts"
import { Activity, deposited, law, opened, records, stores } from "../../support/projected.ts"

type Store = ProjectionStore.ProjectionStore["Service"]

const first = View.make("Totals", {
  from: [Account],
  state: Schema.Int,
  evolve: { MoneyDeposited: (total = 0, { amount }) => total + amount }
})

const Openings = View.make("Openings", {
  from: [Account],
  state: Schema.Int,
  evolve: {
    AccountOpened: (state) => {
      if (state !== undefined) throw new Error("opened twice")
      return 1
    }
  }
})

/** Runs an effect with a changed store of projections. */
const changed =
  (change: (store: Store) => Partial<Store>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.updateService(effect, ProjectionStore.ProjectionStore, (store) => ({ ...store, ...change(store) }))

describe("a projection", () => {
  it.effect("goes on if a connection is silent in an uninterruptible region", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      let commits = 0
      const silent = changed(({ commit }) => ({
        commit: (batch) => (commits++ === 0 ? Effect.uninterruptible(Effect.never) : commit(batch))
      }))
      yield* Effect.forkScoped(silent(Projection.run(Activity, { lease: "1 second" })), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("never answers with fewer events than before when a later build takes over", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 4; i++) yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      const answers: Array<unknown> = []
      let commits = 0
      const watched = changed((store) => ({
        commit: (batch) =>
          Effect.gen(function* () {
            if (commits++ === 0) {
              yield* Effect.provide(more, context)
            }
            yield* store.commit(batch)
            const answer = yield* Effect.provide(Records.get(first, "a"), context)
            answers.push(Option.getOrUndefined(answer))
          }).pipe(Effect.orDie)
      }))
      const context = yield* Effect.context<Effect.Services<typeof more>>()
      yield* watched(Projection.rebuild(first, { batch: 2 }))
      expect(answers).toEqual([5, 5, 5])
      expect((yield* (yield* ViewStore.ViewStore).status).map(({ serves }) => serves)).toEqual([false, true])
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not take an event for poison that another projection has applied already", () =>
    Effect.gen(function* () {
      yield* opened("a")
      let loads = 0
      const overtaken = changed(({ commit, load }) => ({
        load: (generation, keys) =>
          Effect.gen(function* () {
            if (loads++ === 0) {
              const put = [{ key: "a", state: 1 }]
              const at = { view: Openings.name, version: 1 }
              yield* Effect.orDie(
                commit({ owner: { generation: at, epoch: 1 }, from: 0, to: 1, records: { put, remove: [] } })
              )
            }
            return yield* load(generation, keys)
          })
      }))
      const catchingUp = yield* Effect.forkChild(overtaken(Projection.catchUp(Openings)))
      yield* TestClock.adjust("10 seconds")
      expect(yield* Fiber.join(catchingUp)).toMatchObject({ position: 1 })
    }).pipe(Effect.provide(stores))
  )
})

// Runs while the new version is built.
const more = Effect.andThen(deposited("a", 1), Projection.catchUp(first))
