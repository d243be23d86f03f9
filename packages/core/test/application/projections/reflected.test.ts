import { describe, expect, it } from "@effect/vitest"
import { Boundary, Decision, Executor, Projection, ViewStore, ViewStoreError, Reason } from "@hexfold/core"
import { Effect, Fiber, Metric, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, Deposit, OpenAccount } from "../../support/account.ts"
import { Activity, eventually, records, stores } from "../../support/projected.ts"

const id = AccountId.make("a")
const open = new OpenAccount({ owner: "Anna" })
const Other = { ...Activity, name: "Other" }
const waitFor = [Activity, Other]

const Give = Boundary.make("Give", {
  command: Schema.TaggedStruct("Give", { to: AccountId }),
  participants: ({ to }) => ({ to: Account.at(to) }),
  decide: (_give, { to }) => Decision.all({ to: Account.decide(new Deposit({ amount: 1 }), to) })
})

/** Ends only after the projections of both views have run. */
const reflected = <A, E, R>(executing: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(executing)
    yield* TestClock.adjust("1 second")
    yield* Projection.catchUp(Activity)
    yield* TestClock.adjust("1 second")
    expect(fiber.pollUnsafe()).toBeUndefined()
    yield* Projection.catchUp(Other)
    yield* eventually(Effect.sync(() => fiber.pollUnsafe() !== undefined))
    return yield* Fiber.join(fiber)
  })

describe("execute with waitFor", () => {
  it.effect("returns the receipt once all views reflect it", () =>
    Effect.gen(function* () {
      const receipt = yield* reflected(Executor.execute(Account, id, open, { waitFor }))
      expect(receipt).toMatchObject({ position: 1, version: 1 })
      expect(yield* records).toMatchObject({ all: { positions: [1] } })
      expect(yield* reflected(Executor.execute(Give, { _tag: "Give", to: id }, { waitFor }))).toMatchObject({
        position: 2
      })
      const unknown = Executor.executeUnknown(Account, "a", { _tag: "Deposit", amount: 1 }, { waitFor })
      expect(yield* reflected(unknown)).toMatchObject({ position: 3 })
      const give = Executor.executeUnknown(Give, { _tag: "Give", to: "a" }, { waitFor })
      expect(yield* reflected(give)).toMatchObject({ position: 4 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("asks once for all views", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      yield* Projection.catchUp(Other)
      const store = yield* ViewStore.ViewStore
      let asked = 0
      const status = Effect.suspend(() => {
        asked++
        return Effect.map(store.status, (all) => all.map((each) => ({ ...each, inline: true })))
      })
      yield* Executor.execute(Account, id, open, { waitFor }).pipe(
        Effect.provideService(ViewStore.ViewStore, { ...store, status })
      )
      expect(asked).toBe(1)
    }).pipe(Effect.provide(stores))
  )

  it.effect("that fails in the waiting has happened, and tells what to wait for", () =>
    Effect.gen(function* () {
      const executing = yield* Effect.forkChild(
        Effect.flip(Executor.execute(Account, id, open, { waitFor, waitTimeout: "2 seconds" }))
      )
      yield* TestClock.adjust("2 seconds")
      const failed = yield* Fiber.join(executing)
      expect(failed).toMatchObject({ _tag: "WaitTimeout", view: "Activity", wanted: 1, reached: 0 })
      expect((yield* Executor.load(Account, id)).version).toBe(1)

      const store = yield* ViewStore.ViewStore
      const reason = new Reason.Unavailable({ detail: "down" })
      const away = new ViewStoreError({ operation: "status", reason })
      const error = yield* Executor.execute(Account, id, new Deposit({ amount: 1 }), { waitFor }).pipe(
        Effect.provideService(ViewStore.ViewStore, { ...store, status: Effect.fail(away) }),
        Effect.flip
      )
      expect(error).toBe(away)
      expect((yield* Executor.load(Account, id)).version).toBe(2)
    }).pipe(Effect.provide(stores))
  )

  it.effect("of a command that fails waits for nothing", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(Executor.execute(Account, id, new Deposit({ amount: 1 }), { waitFor }))).toMatchObject({
        _tag: "NotOpen"
      })
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not count the waiting as the command's time", () =>
    Effect.gen(function* () {
      yield* Effect.forkChild(Effect.ignore(Executor.execute(Account, id, open, { waitFor })))
      yield* TestClock.adjust("1 minute")
      const duration = (yield* Metric.snapshot).find((metric) => metric.id === "hexfold_command_duration_ms")
      expect(duration).toMatchObject({ attributes: { outcome: "accepted" }, state: { count: 1, sum: 0 } })
    }).pipe(Effect.provide(stores), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
