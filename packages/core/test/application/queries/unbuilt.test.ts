import { describe, expect, it } from "@effect/vitest"
import { Projection, Query, Records, Subscription, ViewStore } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { collecting } from "../../support/logged.ts"
import { Activity, deposited, stores } from "../../support/projected.ts"

const warning =
  "Warn Activity: the query finds no records, because no projection has begun to build them. " +
  "Is `Projection.layer([Activity])` running?"

const all = Query.from(Activity)

describe("a view that no projection has begun to build", () => {
  for (const [name, asked] of [
    ["get", Records.get(Activity, "a")],
    ["query", Records.query(Activity, all)],
    ["count", Records.count(Activity, all)],
    ["a live query", Stream.runHead(Subscription.query(Activity, all))]
  ] as const) {
    it.effect(`is warned of once, by ${name}`, () => {
      const { into, lines } = collecting()
      return Effect.gen(function* () {
        yield* asked
        yield* asked
        expect(lines).toEqual([warning])
      }).pipe(into, Effect.provide(stores))
    })
  }

  it.effect("is not warned of once it is built, and the store is asked only once", () => {
    const { into, lines } = collecting()
    return Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      const store = yield* ViewStore.ViewStore
      let looks = 0
      const counted = { ...store, status: Effect.suspend(() => (looks++, store.status)) }
      yield* Effect.repeat(Records.query(Activity, all), { times: 3 }).pipe(
        Effect.provideService(ViewStore.ViewStore, counted)
      )
      expect([lines, looks]).toEqual([[], 1])
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      expect((yield* Records.query(Activity, all)).rows).toHaveLength(2)
    }).pipe(into, Effect.provide(stores))
  })
})
