import { describe, expect, it } from "@effect/vitest"
import {
  EventStore,
  EventStoreError,
  Executor,
  Projection,
  ProjectionStore,
  Reason,
  View,
  ViewStore,
  ViewStoreError,
  WaitTimeout
} from "@hexfold/core"
import { Deferred, Duration, Effect, Fiber, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, OpenAccount } from "../../support/account.ts"
import { Activity, deposited, eventually, opened, records, stores } from "../../support/projected.ts"

const done = (fiber: Fiber.Fiber<unknown, unknown>) => eventually(Effect.sync(() => fiber.pollUnsafe() !== undefined))

/** All other fibers have done what they can. */
const settled = Effect.repeat(Effect.yieldNow, { times: 50 })

const Broken = View.make("Broken", {
  from: [Account],
  state: Schema.Int,
  evolve: {
    MoneyDeposited: () => {
      throw new Error("broken")
    }
  }
})

describe("waitUntil", () => {
  it.effect("returns when the view has reached the position, whichever process projects it", () =>
    Effect.gen(function* () {
      yield* Effect.forkChild(Projection.run(Activity))
      const receipt = yield* Executor.execute(Account, AccountId.make("a"), new OpenAccount({ owner: "Anna" }))
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, receipt.position))
      yield* done(waiting)
      yield* Fiber.join(waiting)
      expect(yield* records).toMatchObject({ all: { positions: [receipt.position] } })
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not return before that", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 2))
      yield* TestClock.adjust("4 seconds")
      expect(waiting.pollUnsafe()).toBeUndefined()
      yield* Projection.catchUp(Activity)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not return before the event store has confirmed the position", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const store = yield* EventStore.EventStore
      let isAway = true
      const reason = new Reason.Unavailable({ detail: "down" })
      const away = Stream.fail(new EventStoreError({ operation: "horizons", reason }))
      const horizons = Stream.suspend(() => (isAway ? away : store.horizons))
      const waiting = yield* Projection.waitUntil(Activity, 1).pipe(
        Effect.provideService(EventStore.EventStore, { ...store, horizons }),
        Effect.forkChild
      )
      yield* TestClock.adjust("4 seconds")
      expect(waiting.pollUnsafe()).toBeUndefined()
      isAway = false
      yield* done(waiting)
      yield* Fiber.join(waiting)
    }).pipe(Effect.provide(stores))
  )

  it.effect("of position 0 waits until the version answers queries", () =>
    Effect.gen(function* () {
      const failing = yield* Effect.forkChild(Projection.waitUntil(Activity, 0))
      yield* TestClock.adjust("15 seconds")
      expect(yield* Effect.flip(Fiber.join(failing))).toMatchObject({ _tag: "WaitTimeout", wanted: 0, reached: 0 })
      yield* Projection.catchUp(Activity)
      yield* Projection.waitUntil(Activity, 0)
      expect(yield* records).toEqual({})
      const other = { name: Activity.name, version: 2 }
      const otherVersion = yield* Effect.forkChild(Projection.waitUntil(other, 0))
      yield* TestClock.adjust("15 seconds")
      expect(yield* Effect.flip(Fiber.join(otherVersion))).toMatchObject({ _tag: "WaitTimeout" })
    }).pipe(Effect.provide(stores))
  )

  it.effect("of a receipt without events has nothing to wait for", () =>
    Effect.gen(function* () {
      const receipt = { position: 0, history: 1 }
      expect(yield* Projection.waitFor(Activity)(Effect.succeed(receipt))).toBe(receipt)
    }).pipe(Effect.provide(stores))
  )

  it.effect("without a position fails at once", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      const failed = yield* Effect.flip(Projection.waitUntil(Activity, undefined as never))
      expect(failed).toMatchObject({
        operation: "status",
        reason: { _tag: "Rejected", detail: "no position is given" }
      })
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails with how far the view has come when the time is over", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      for (let i = 0; i < 6; i++) yield* deposited("a", 1)
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 7, { timeout: "2 seconds" }))
      yield* TestClock.adjust("2 seconds")
      const failed = yield* Effect.flip(Fiber.join(waiting))
      const late = { view: "Activity", wanted: 7, reached: 1, waited: Duration.seconds(2), receipt: undefined }
      expect(failed).toEqual(new WaitTimeout({ ...late, reason: "unowned" }))
      expect(failed.message).toBe(
        "Activity has reached position 1, not yet 7, after 2s; nobody works on it: is Projection.layer([Activity]) running?"
      )
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not blame a projection while the view store does not answer", () =>
    Effect.gen(function* () {
      const store = yield* ViewStore.ViewStore
      const silent = ViewStore.ViewStore.of({ ...store, status: Effect.never })
      const waiting = yield* Projection.waitUntil(Activity, 1, { timeout: "5 seconds" }).pipe(
        Effect.provideService(ViewStore.ViewStore, silent),
        Effect.forkChild
      )
      yield* TestClock.adjust("5 seconds")
      const failed = yield* Effect.flip(Fiber.join(waiting))
      expect(failed.message).toBe("the view store has not said within 5s whether Activity has reached position 1")
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails at once for a view that an event has stopped, and names the event", () =>
    Effect.gen(function* () {
      yield* opened("a")
      yield* Projection.catchUp(Broken)
      yield* deposited("a", 1)
      yield* Effect.flip(Projection.catchUp(Broken))
      const id = AccountId.make("b")
      const waiting = Executor.execute(Account, id, new OpenAccount({ owner: "Ben" })).pipe(
        Projection.waitFor([Broken])
      )
      const failed = yield* Effect.flip(waiting)
      const stoppedBy = { position: 2, stream: "Account-a", streamVersion: 2, type: "MoneyDeposited" }
      expect(failed).toMatchObject({ reason: "stopped", stoppedBy, receipt: { position: 3 }, waited: Duration.zero })
      expect(failed.message).toBe(
        "the command has happened, but Broken has reached position 1, not yet 3; " +
          'event 2 of Account-a, a "MoneyDeposited" at position 2, stopped it: evolve failed: Error: broken'
      )
      // What comes before the event is there.
      yield* Projection.waitUntil(Broken, 1)
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails at once for a view that an event has stopped before it has ever answered", () =>
    Effect.gen(function* () {
      yield* opened("a")
      yield* deposited("a", 1)
      yield* Effect.flip(Projection.catchUp(Broken))
      const failed = yield* Effect.flip(Projection.waitUntil(Broken, 1))
      expect(failed.message).toBe(
        "Broken has reached position 1, but does not answer queries yet; " +
          'event 2 of Account-a, a "MoneyDeposited" at position 2, stopped it: evolve failed: Error: broken'
      )
    }).pipe(Effect.provide(stores))
  )

  it.effect("waits for a stopped view while a projection tries the event again, or builds the view anew", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Effect.flip(Projection.catchUp(Broken))
      const { claim } = yield* ProjectionStore.ProjectionStore
      for (const build of [1, 2]) {
        const generation = { view: Broken.name, version: 1, build }
        yield* claim({ generation, owner: "other", lease: Duration.minutes(1) })
        const waiting = yield* Effect.forkChild(Projection.waitUntil(Broken, 1, { timeout: "14 seconds" }))
        yield* TestClock.adjust("13 seconds")
        expect(waiting.pollUnsafe()).toBeUndefined()
        yield* TestClock.adjust("1 second")
        yield* Effect.flip(Fiber.join(waiting))
        yield* claim({ generation, owner: "other", lease: Duration.zero })
      }
      // The projection of another version makes records that this program does not read.
      yield* claim({ generation: { view: Broken.name, version: 2 }, owner: "other", lease: Duration.minutes(1) })
      expect(yield* Effect.flip(Projection.waitUntil(Broken, 1))).toMatchObject({ reason: "stopped" })
    }).pipe(Effect.provide(stores))
  )

  it.effect("fails for a view that nobody works on, after a lease; those that wait later fail at once", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      const waitUntil = (seconds: number) =>
        Effect.gen(function* () {
          const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 2, { timeout: "1 minute" }))
          yield* TestClock.adjust(Duration.seconds(seconds))
          return waiting
        })
      const first = yield* waitUntil(11)
      expect(first.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("2 seconds")
      expect(yield* Effect.flip(Fiber.join(first))).toMatchObject({ reason: "unowned", reached: 1 })
      const second = Projection.waitUntil(Activity, 2, { timeout: "1 minute" })
      expect(yield* Effect.flip(second)).toMatchObject({ reason: "unowned", waited: Duration.zero })
      // A projection has come, and has gone again.
      const { claim } = yield* ProjectionStore.ProjectionStore
      const asking = { generation: { view: "Activity", version: 1 }, owner: "other" }
      yield* claim({ ...asking, lease: Duration.minutes(1) })
      const third = yield* waitUntil(20)
      expect(third.pollUnsafe()).toBeUndefined()
      yield* claim({ ...asking, lease: Duration.zero })
      yield* TestClock.adjust("8 seconds")
      expect(third.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("6 seconds")
      expect(yield* Effect.flip(Fiber.join(third))).toMatchObject({ reason: "unowned" })
    }).pipe(Effect.provide(stores))
  )

  it.effect(
    "begins to count anew for a view that nobody has looked at for long, or that has been there meanwhile",
    () =>
      Effect.gen(function* () {
        const waitUntil = (position: number) => Effect.forkChild(Projection.waitUntil(Activity, position))
        yield* deposited("a", 1)
        yield* Projection.catchUp(Activity)
        yield* deposited("a", 1)
        const first = yield* waitUntil(2)
        yield* TestClock.adjust("8 seconds")
        yield* Projection.catchUp(Activity)
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(first)
        yield* deposited("a", 1)
        const second = yield* waitUntil(3)
        yield* TestClock.adjust("8 seconds")
        expect(second.pollUnsafe()).toBeUndefined()
        yield* Fiber.interrupt(second)
        yield* TestClock.adjust("1 hour")
        const third = yield* waitUntil(3)
        yield* TestClock.adjust("8 seconds")
        expect(third.pollUnsafe()).toBeUndefined()
        yield* Fiber.interrupt(third)
      }).pipe(Effect.provide(stores))
  )

  it.effect("does not say that nobody works on a view that a projection owns", () =>
    Effect.gen(function* () {
      const store = yield* ProjectionStore.ProjectionStore
      for (let i = 0; i < 7; i++) yield* deposited("a", 1)
      // It owns the view, and comes no further for now.
      const generation = { view: Activity.name, version: 1 }
      const claimed = yield* store.claim({ generation, owner: "slow", lease: Duration.minutes(1) })
      const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
      yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1 })
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 7, { timeout: "2 seconds" }))
      yield* TestClock.adjust("2 seconds")
      const failed = yield* Effect.flip(Fiber.join(waiting))
      expect(failed.message).toBe("Activity has reached position 1, not yet 7, after 2s")
    }).pipe(Effect.provide(stores))
  )

  it.effect("does not return before the version answers queries, even if it has the events", () =>
    Effect.gen(function* () {
      const store = yield* ProjectionStore.ProjectionStore
      yield* deposited("a", 1)
      const generation = { view: Activity.name, version: 1 }
      const claimed = yield* store.claim({ generation, owner: "builder", lease: Duration.minutes(1) })
      const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
      yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1 })
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 1, { timeout: "2 seconds" }))
      yield* TestClock.adjust("2 seconds")
      const failed = yield* Effect.flip(Fiber.join(waiting))
      expect(failed.message).toBe("Activity has reached position 1, but does not answer queries yet, after 2s")
      yield* store.commit({ owner: { generation, epoch }, from: 1, to: 1, asks: "serve" })
      yield* Projection.waitUntil(Activity, 1)
    }).pipe(Effect.provide(stores))
  )

  it.effect("looks at the generation that serves", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      // One that is being built, and is further already.
      const store = yield* ProjectionStore.ProjectionStore
      const generation = { view: Activity.name, version: 2 }
      const claimed = yield* store.claim({ generation, owner: "builder", lease: Duration.minutes(1) })
      const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
      yield* store.commit({ owner: { generation, epoch }, from: 0, to: 2 })
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 2))
      yield* TestClock.adjust("15 seconds")
      expect(yield* Effect.flip(Fiber.join(waiting))).toMatchObject({ reached: 1 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("ends in time also when the store does not answer, and fails as the store does", () =>
    Effect.gen(function* () {
      const store = yield* ViewStore.ViewStore
      const waitOn = (status: typeof store.status) =>
        Projection.waitUntil(Activity, 1).pipe(
          Effect.provideService(ViewStore.ViewStore, { ...store, status }),
          Effect.flip,
          Effect.forkChild
        )
      const hung = yield* waitOn(Effect.never)
      yield* TestClock.adjust("15 seconds")
      expect(yield* Fiber.join(hung)).toMatchObject({ _tag: "WaitTimeout", reached: 0 })
      const reason = new Reason.Unavailable({ detail: "down" })
      const away = new ViewStoreError({ operation: "status", reason })
      expect(yield* Fiber.join(yield* waitOn(Effect.fail(away)))).toBe(away)
    }).pipe(Effect.provide(stores))
  )

  it.effect("of several parts waits for the last of them", () =>
    Effect.gen(function* () {
      const store = yield* ProjectionStore.ProjectionStore
      const statuses = Effect.flatMap(ViewStore.ViewStore, ({ status }) => status)
      const generation = { view: Activity.name, version: 1 }
      const moved = (index: number, to: number) =>
        Effect.gen(function* () {
          const part = { index, of: 2 }
          yield* store.claim({ generation, part, owner: `p${index}`, lease: Duration.minutes(1) })
          const status = (yield* statuses)[0]!.parts[index]!
          yield* store.commit({
            owner: { generation, part: index, epoch: status.epoch },
            from: status.position,
            to,
            asks: "serve"
          })
        })
      for (let i = 0; i < 4; i++) yield* deposited("a", 1)
      yield* moved(0, 4)
      yield* moved(1, 2)
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 3))
      yield* TestClock.adjust("1 second")
      expect(waiting.pollUnsafe()).toBeUndefined()
      yield* moved(1, 3)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
    }).pipe(Effect.provide(stores))
  )

  it.effect("of an inline view has nothing to wait for", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      for (let i = 0; i < 7; i++) yield* deposited("a", 1)
      const store = yield* ViewStore.ViewStore
      const status = Effect.map(store.status, (all) => all.map((each) => ({ ...each, inline: true })))
      yield* Effect.provideService(Projection.waitUntil(Activity, 7), ViewStore.ViewStore, { ...store, status })
    }).pipe(Effect.provide(stores))
  )

  it.effect("goes on with the generation that takes over", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 2))
      yield* TestClock.adjust("1 second")
      yield* Projection.rebuild(Activity)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
    }).pipe(Effect.provide(stores))
  )

  it.effect("names the view that is late", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const Other = { ...Activity, name: "Other" }
      const waiting = yield* Effect.forkChild(Projection.waitUntil([Activity, Other], 1))
      yield* TestClock.adjust("4 seconds")
      expect(waiting.pollUnsafe()).toBeUndefined()
      // A projection that starts with its process would have begun to build it by now.
      yield* TestClock.adjust("3 seconds")
      const late = { view: "Other", wanted: 1, reached: 0, reason: "unbuilt", receipt: undefined }
      const failed = yield* Effect.flip(Fiber.join(waiting))
      expect(failed).toMatchObject(late)
      expect(failed.message).toContain("nobody works on it: is Projection.layer([Other]) running?")
      yield* Projection.catchUp(Other)
      yield* Projection.waitUntil([Activity, Other], 1)
    }).pipe(Effect.provide(stores))
  )

  /** A store whose answers to `status` are given one by one, and how often it was asked. */
  const questioned = Effect.gen(function* () {
    const store = yield* ViewStore.ViewStore
    const answers: Array<Deferred.Deferred<boolean>> = []
    const status = Effect.suspend(() => {
      const inline = Deferred.makeUnsafe<boolean>()
      answers.push(inline)
      return Effect.flatMap(Deferred.await(inline), (inline) =>
        Effect.map(store.status, (all) => all.map((each) => ({ ...each, inline })))
      )
    })
    const asked = { ...store, status }
    const wait = Projection.waitUntil(Activity, 1).pipe(
      Effect.provideService(ViewStore.ViewStore, asked),
      Effect.forkChild
    )
    return {
      answers,
      wait,
      answered: (n: number) =>
        eventually(
          Effect.sync(() => answers.length === n),
          0
        )
    }
  })

  it.effect("shares a query with all others that wait, but for one that began before", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      const { answered, answers, wait } = yield* questioned
      const first = yield* wait
      yield* answered(1)
      const others = yield* Effect.all(Array.from({ length: 50 }, () => wait))
      yield* settled
      expect(answers.length).toBe(1)
      // True of the events when it was asked, which were those of the first one only.
      yield* Deferred.succeed(answers[0]!, true)
      yield* Fiber.join(first)
      yield* answered(2)
      expect(others.map((fiber) => fiber.pollUnsafe())).toEqual(others.map(() => undefined))
      yield* Deferred.succeed(answers[1]!, true)
      yield* Effect.forEach(others, Fiber.join)
      expect(answers.length).toBe(2)
    }).pipe(Effect.provide(stores))
  )

  it.effect("shares a query that outlives the caller that asked for it", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      const { answered, answers, wait } = yield* questioned
      const first = yield* wait
      yield* answered(1)
      const second = yield* wait
      const third = yield* wait
      yield* settled
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(answers[0]!, false)
      yield* answered(2)
      yield* Deferred.succeed(answers[1]!, true)
      yield* Fiber.join(third)
    }).pipe(Effect.provide(stores))
  )

  it.effect("times out while the log does not answer, although the view has come so far", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const events = yield* EventStore.EventStore
      const waiting = yield* Effect.forkChild(
        Effect.flip(Projection.waitUntil(Activity, 1, { timeout: "1 second" })).pipe(
          Effect.provideService(EventStore.EventStore, { ...events, horizons: Stream.never })
        )
      )
      yield* settled
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(waiting)
      expect(error).toBeInstanceOf(WaitTimeout)
      expect(error).toMatchObject({ view: "Activity", reason: "no answer", wanted: 1 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("asks again when a query gets no answer", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      const { answered, answers, wait } = yield* questioned
      const waiting = yield* wait
      yield* answered(1)
      yield* TestClock.adjust("2 seconds")
      yield* TestClock.adjust("1 second")
      yield* answered(2)
      yield* Deferred.succeed(answers[1]!, true)
      yield* Fiber.join(waiting)
    }).pipe(Effect.provide(stores))
  )
})
