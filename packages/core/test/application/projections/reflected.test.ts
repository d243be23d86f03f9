import { describe, expect, it } from "@effect/vitest"
import { Boundary, Decision, Executor, Projection, ViewStore, ViewStoreError, Reason } from "@hexfold/core"
import { Effect, Fiber, Metric, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, Deposit, OpenAccount, accountErrors } from "../../support/account.ts"
import { Activity, eventually, records, stores } from "../../support/projected.ts"

const id = AccountId.make("a")
const open = new OpenAccount({ owner: "Anna" })
const Other = { ...Activity, name: "Other" }
const views = [Activity, Other]
const waitFor = Projection.waitFor(views)

const Give = Boundary.make("Give", {
  command: Schema.TaggedStruct("Give", { to: AccountId }),
  participants: ({ to }) => ({ to: Account.at(to) }),
  errors: accountErrors,
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

describe("execute, then waitFor", () => {
  it.effect("returns the receipt once all views reflect it", () =>
    Effect.gen(function* () {
      const receipt = yield* reflected(waitFor(Executor.execute(Account, id, open)))
      expect(receipt).toMatchObject({ position: 1, version: 1 })
      expect(yield* records).toMatchObject({ all: { positions: [1] } })
      expect(yield* reflected(waitFor(Executor.execute(Give, { _tag: "Give", to: id })))).toMatchObject({
        position: 2
      })
      const unknown = waitFor(Executor.executeUnknown(Account, "a", { _tag: "Deposit", amount: 1 }))
      expect(yield* reflected(unknown)).toMatchObject({ position: 3 })
      const give = waitFor(Executor.executeUnknown(Give, { _tag: "Give", to: "a" }))
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
      yield* Executor.execute(Account, id, open).pipe(
        waitFor,
        Effect.provideService(ViewStore.ViewStore, { ...store, status })
      )
      expect(asked).toBe(1)
    }).pipe(Effect.provide(stores))
  )

  it.effect("that fails in the wait has happened, and the error keeps its receipt", () =>
    Effect.gen(function* () {
      const executing = yield* Effect.forkChild(
        Executor.execute(Account, id, open).pipe(Projection.waitFor(views, { timeout: "2 seconds" }), Effect.flip)
      )
      yield* TestClock.adjust("2 seconds")
      const failed = yield* Fiber.join(executing)
      expect(failed).toMatchObject({ _tag: "WaitTimeout", view: "Activity", wanted: 1, reached: 0 })
      if (failed._tag !== "WaitTimeout") return expect.fail(`failed with ${failed._tag}`)
      expect(failed.receipt).toMatchObject({ version: 1, position: 1, events: [{ type: "AccountOpened" }] })
      expect(failed.message).toBe(
        "the command has happened, but Activity has reached position 0, not yet 1, after 2s; " +
          "nobody works on it: is Projection.layer([Activity]) running?"
      )
      expect((yield* Executor.load(Account, id)).version).toBe(1)

      const store = yield* ViewStore.ViewStore
      const reason = new Reason.Unavailable({ detail: "down" })
      const away = new ViewStoreError({ operation: "status", reason })
      const error = yield* Executor.execute(Account, id, new Deposit({ amount: 1 })).pipe(
        waitFor,
        Effect.provideService(ViewStore.ViewStore, { ...store, status: Effect.fail(away) }),
        Effect.flip
      )
      expect(error).toBe(away)
      expect((yield* Executor.load(Account, id)).version).toBe(2)
    }).pipe(Effect.provide(stores))
  )

  it.effect("of a command that fails waits for nothing", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(waitFor(Executor.execute(Account, id, new Deposit({ amount: 1 }))))).toMatchObject({
        _tag: "NotOpen"
      })
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not count the wait as time of the command", () =>
    Effect.gen(function* () {
      yield* Effect.forkChild(Effect.ignore(waitFor(Executor.execute(Account, id, open))))
      yield* TestClock.adjust("1 minute")
      const duration = (yield* Metric.snapshot).find((metric) => metric.id === "hexfold_command_duration_seconds")
      expect(duration).toMatchObject({ attributes: { outcome: "accepted" }, state: { count: 1, sum: 0 } })
    }).pipe(Effect.provide(stores), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
