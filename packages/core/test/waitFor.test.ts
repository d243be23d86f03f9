import { describe, expect, it } from "@effect/vitest"
import { EventStoreError, Executor, Projection, ViewStore, ViewStoreError, WaitTimeout } from "@hexfold/core"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, OpenAccount } from "./account.ts"
import { Activity, deposited, eventually, records, stores } from "./projected.ts"

const done = (fiber: Fiber.Fiber<unknown, unknown>) => eventually(Effect.sync(() => fiber.pollUnsafe() !== undefined))

describe("waitFor", () => {
  it.effect("returns when the view reflects the receipt, whoever projects it", () =>
    Effect.gen(function* () {
      yield* Effect.forkChild(Projection.run(Activity))
      const receipt = yield* Executor.execute(Account, AccountId.make("a"), new OpenAccount({ owner: "Anna" }))
      const waiting = yield* Effect.forkChild(Projection.waitFor(Activity, receipt))
      yield* done(waiting)
      yield* Fiber.join(waiting)
      expect(yield* records).toMatchObject({ all: { positions: [receipt.position] } })
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not return before that", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      const waiting = yield* Effect.forkChild(Projection.waitFor(Activity, 2))
      yield* Projection.catchUp(Activity)
      yield* TestClock.adjust("4 seconds")
      expect(waiting.pollUnsafe()).toBeUndefined()
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
    }).pipe(Effect.provide(stores))
  )

  it.effect("of a receipt without events has nothing to wait for", () =>
    Effect.provide(Projection.waitFor(Activity, { position: 0 }), stores)
  )

  it.effect("fails with how far the view has come when the time is over", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const waiting = yield* Effect.forkChild(Projection.waitFor(Activity, 7, { timeout: "2 seconds" }))
      yield* TestClock.adjust("2 seconds")
      const failed = yield* Effect.flip(Fiber.join(waiting))
      expect(failed).toEqual(new WaitTimeout({ view: "Activity", wanted: 7, reached: 1 }))
      expect(failed.message).toBe("Activity has reached position 1, not yet 7")
    }).pipe(Effect.provide(stores))
  )

  it.effect("looks at the generation that serves", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      // One that is being built, and is further already.
      const store = yield* ViewStore.ViewStore
      const generation = { view: Activity.name, version: 2 }
      yield* store.claim({ generation, owner: "builder", lease: Duration.minutes(1) })
      yield* store.commit({ generation, epoch: 1, from: 0, to: 2, put: [], remove: [] })
      const waiting = yield* Effect.forkChild(Projection.waitFor(Activity, 2))
      yield* TestClock.adjust("5 seconds")
      expect(yield* Effect.flip(Fiber.join(waiting))).toMatchObject({ reached: 1 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("ends in time also when the store does not answer, and fails as the store does", () =>
    Effect.gen(function* () {
      const store = yield* ViewStore.ViewStore
      const waitOn = (status: typeof store.status) =>
        Projection.waitFor(Activity, 1).pipe(
          Effect.provideService(ViewStore.ViewStore, { ...store, status }),
          Effect.flip,
          Effect.forkChild
        )
      const hung = yield* waitOn(Effect.never)
      yield* TestClock.adjust("5 seconds")
      expect(yield* Fiber.join(hung)).toMatchObject({ _tag: "WaitTimeout", reached: 0 })
      const reason = new EventStoreError.Unavailable({ detail: "down" })
      const away = new ViewStoreError({ operation: "status", reason })
      expect(yield* Fiber.join(yield* waitOn(Effect.fail(away)))).toBe(away)
    }).pipe(Effect.provide(stores))
  )
})
