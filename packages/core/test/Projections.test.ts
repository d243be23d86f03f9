import { describe, expect, it } from "@effect/vitest"
import { Projection, Projections, View } from "@hexfold/core"
import { Duration, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Budget } from "./budget.ts"
import { Activity, budget, deposited, stores } from "./projected.ts"

const activity = Effect.map(Projections.status([Activity]), ([status]) => status!)
const name = { view: Activity.name, version: Activity.version }

describe("status", () => {
  it.effect("of a view that nobody has begun", () =>
    Effect.gen(function* () {
      const nothing = { ...name, position: 0, owner: undefined, serves: false, age: Duration.zero }
      expect(yield* activity).toEqual({ ...nothing, horizon: 0, behind: 0 })
      yield* deposited("a", 1)
      yield* deposited("a", 1)
      yield* TestClock.adjust("3 seconds")
      expect(yield* activity).toEqual({ ...nothing, horizon: 2, behind: 2, age: Duration.seconds(3) })
    }).pipe(Effect.provide(stores))
  )

  it.effect("tells how far a view is behind, and for how long", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const done = { ...name, position: 1, owner: undefined, serves: true }
      yield* TestClock.adjust("1 hour")
      expect(yield* activity).toEqual({ ...done, horizon: 1, behind: 0, age: Duration.zero })
      yield* deposited("a", 1)
      yield* TestClock.adjust("2 seconds")
      yield* deposited("b", 1)
      yield* TestClock.adjust("5 seconds")
      expect(yield* activity).toEqual({ ...done, horizon: 3, behind: 2, age: Duration.seconds(7) })
    }).pipe(Effect.provide(stores))
  )

  it.effect("of a view is not behind for events that it does not follow", () =>
    Effect.gen(function* () {
      const Limits = View.make("Limits", {
        from: [Budget],
        state: Schema.Int,
        evolve: { BudgetSet: (_, { limit }) => limit }
      })
      const limits = Effect.map(Projections.status([Activity, Limits]), ([, status]) => status!.behind)
      yield* deposited("a", 1)
      expect(yield* limits).toBe(0)
      yield* budget(1, 5)
      yield* deposited("a", 1)
      expect(yield* limits).toBe(2)
    }).pipe(Effect.provide(stores))
  )

  it.effect("names who works on it", () =>
    Effect.gen(function* () {
      yield* Effect.forkScoped(Projection.run(Activity), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      expect((yield* activity).owner).toBeTypeOf("string")
    }).pipe(Effect.scoped, Effect.provide(stores))
  )
})
