import { describe, expect, it } from "@effect/vitest"
import { EventStore, EventStoreError, CommitConflict, Projection, ProjectionStore, View, Reason } from "@hexfold/core"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { Account } from "../../support/account.ts"
import { Budget } from "../../support/budget.ts"
import {
  Activity,
  away,
  budget,
  connection,
  deposited,
  eventually,
  law,
  opened,
  reaches,
  records,
  statusOf,
  stores,
  withdrawn,
  written
} from "../../support/projected.ts"

const Limits = View.make("Limits", {
  from: [Budget],
  state: Schema.Int,
  evolve: { BudgetSet: (_, { limit }) => limit }
})

/** The last position of the log. */
const last = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  return (yield* Stream.runCollect(store.readAll())).at(-1)?.position ?? 0
})

describe("catchUp", () => {
  const id = fc.constantFrom("a", "b", "c-d")
  const amount = fc.integer({ min: 1, max: 9 })
  const steps = fc.array(
    fc.oneof(
      fc.tuple(id, amount).map(([to, amount]) => deposited(to, amount)),
      fc.tuple(id, amount).map(([from, amount]) => withdrawn(from, amount)),
      id.map((id) => opened(id)),
      fc.tuple(fc.integer({ min: 1, max: 2 }), amount).map(([id, limit]) => budget(id, limit)),
      fc.integer({ min: 1, max: 9 }).map((batch) => Projection.catchUp(Activity, { batch }))
    ),
    { maxLength: 60 }
  )

  it.effect("gives the records of a fold over the log, whatever the batches", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(steps, fc.integer({ min: 1, max: 9 }), (steps, batch) =>
          Effect.gen(function* () {
            for (const step of steps) yield* step
            const { position } = yield* Projection.catchUp(Activity, { batch })
            expect(position).toBe(yield* last)
            expect(yield* records).toEqual(yield* law())
          }).pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)
        )
      )
    )
  )

  it.effect("reports what it did, and goes on from the position of the records", () =>
    Effect.gen(function* () {
      for (let i = 1; i <= 5; i++) yield* deposited("a", i)
      expect(yield* Projection.catchUp(Activity, { batch: 2 })).toEqual({ position: 5, events: 5, commits: 3 })
      yield* deposited("a", 6)
      expect(yield* Projection.catchUp(Activity, { batch: 2 })).toEqual({ position: 6, events: 1, commits: 1 })
      expect(yield* Projection.catchUp(Activity, { batch: 2 })).toEqual({ position: 6, events: 0, commits: 0 })
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("only begins to answer in an empty store", () =>
    Effect.gen(function* () {
      expect(yield* Projection.catchUp(Activity)).toEqual({ position: 0, events: 0, commits: 1 })
      expect(yield* records).toEqual({})
      expect(yield* Projection.catchUp(Activity)).toEqual({ position: 0, events: 0, commits: 0 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("reaches the horizon also if no event matches", () =>
    Effect.gen(function* () {
      for (let i = 1; i <= 5; i++) yield* deposited("a", i)
      expect(yield* Projection.catchUp(Limits, { batch: 2 })).toEqual({ position: 5, events: 0, commits: 1 })
      expect(yield* statusOf(Limits)).toMatchObject({ position: 5, owner: undefined })
    }).pipe(Effect.provide(stores))
  )

  it.effect("reads in stretches if few events match, so that no read takes long", () =>
    Effect.gen(function* () {
      for (let i = 1; i <= 450; i++) yield* deposited("a", 1)
      yield* budget(1, 5)
      const plain = yield* EventStore.EventStore
      const stretches: Array<readonly [number, number]> = []
      const readAll: typeof plain.readAll = (options = {}) => {
        stretches.push([Number(options.after), options.upTo!])
        return plain.readAll(options)
      }
      const catchUp = Effect.provideService(Projection.catchUp(Limits, { batch: 2 }), EventStore.EventStore, {
        ...plain,
        readAll
      })
      // A stretch without an event costs no commit, and the next one is longer.
      expect(yield* catchUp).toEqual({ position: 451, events: 1, commits: 1 })
      expect(stretches).toEqual([
        [0, 200],
        [200, 451]
      ])
    }).pipe(Effect.provide(stores))
  )

  it.effect("never goes beyond the horizon, since an event may still appear there", () =>
    Effect.gen(function* () {
      for (let i = 1; i <= 5; i++) yield* deposited("a", i)
      const plain = yield* EventStore.EventStore
      const at = (position: number) => {
        const horizon: EventStore.Horizon = { position, drawn: 5, history: 1, holders: [] }
        return { ...plain, horizons: Stream.concat(Stream.make(horizon), Stream.never) }
      }
      const catchUp = (horizon: number) =>
        Effect.provideService(Projection.catchUp(Activity), EventStore.EventStore, at(horizon))
      expect(yield* catchUp(2)).toEqual({ position: 2, events: 2, commits: 1 })
      expect(yield* records).toEqual(yield* law(2))
      expect(yield* catchUp(5)).toEqual({ position: 5, events: 3, commits: 1 })
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("skips no event that is appended while it reads", () =>
    Effect.gen(function* () {
      yield* budget(1, 1)
      const plain = yield* EventStore.EventStore
      const readAll: typeof plain.readAll = (options) =>
        Stream.concat(plain.readAll(options), Stream.drain(Stream.fromEffect(Effect.orDie(late))))
      const late = Effect.provideService(deposited("a", 1), EventStore.EventStore, plain)
      const catchUp = Projection.catchUp(Activity, { batch: 10 })
      yield* Effect.provideService(catchUp, EventStore.EventStore, { ...plain, readAll })
      yield* catchUp
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("waits for the owner of the view, and takes over when the owner is gone", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      const store = yield* ProjectionStore.ProjectionStore
      const generation = { view: "Activity", version: 1 }
      yield* store.claim({ generation, owner: "other", lease: Duration.seconds(5) })
      const waiting = yield* Effect.forkChild(Projection.catchUp(Activity))
      yield* TestClock.adjust("4 seconds")
      expect(waiting.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("2 seconds")
      expect(yield* Fiber.join(waiting)).toEqual({ position: 1, events: 1, commits: 1 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("ends when the owner has reached the horizon", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Effect.forkChild(Projection.run(Activity))
      yield* reaches(Activity, 1)
      expect(yield* Projection.catchUp(Activity)).toEqual({ position: 1, events: 0, commits: 0 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("refuses a batch size below 1", () =>
    Effect.gen(function* () {
      expect(Exit.hasDies(yield* Effect.exit(Projection.catchUp(Activity, { batch: 0 })))).toBe(true)
    }).pipe(Effect.provide(stores))
  )
})

describe("run", () => {
  it.effect("refuses a lease or a pause that is zero or never ends", () =>
    Effect.gen(function* () {
      for (const time of [0, -1, Infinity]) {
        for (const options of [{ lease: time }, { pause: time }]) {
          const running = yield* Effect.forkChild(Projection.run(Activity, options), { startImmediately: true })
          const exit = running.pollUnsafe()
          yield* Fiber.interrupt(running)
          expect(exit !== undefined && Exit.hasDies(exit)).toBe(true)
        }
      }
    }).pipe(Effect.provide(stores))
  )

  it.effect("follows the log whichever of several processes works, and applies each event once", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 50; i++) yield* deposited("a", 1)
      const start = Effect.forkChild(Projection.run(Activity, { batch: 7, pause: "10 millis" }))
      const runners = [yield* start, yield* start]
      const appending = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, i) => i),
        (i) => Effect.andThen(Effect.yieldNow, i % 9 === 0 ? budget(i % 2, i) : deposited(`${i % 5}`, 1)),
        { concurrency: "unbounded" }
      ).pipe(Effect.repeat({ times: 9 }), Effect.forkChild)
      // The two processes end in turn.
      for (let i = 0; i < 6; i++) {
        yield* TestClock.adjust("20 millis")
        yield* Fiber.interrupt(runners.shift()!)
        runners.push(yield* start)
      }
      yield* Fiber.join(appending)
      yield* reaches(Activity, 450)
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("goes on at once after a restart, because the former owner has released its lease", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      const first = yield* Effect.forkChild(Projection.run(Activity))
      yield* reaches(Activity, 1)
      yield* Fiber.interrupt(first)
      expect(yield* statusOf(Activity)).toMatchObject({ owner: undefined, epoch: 1 })
      yield* deposited("a", 2)
      yield* Effect.forkChild(Projection.run(Activity))
      yield* eventually(
        Effect.map(statusOf(Activity), (status) => status?.position === 2),
        0
      )
      expect(yield* statusOf(Activity)).toMatchObject({ epoch: 2 })
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("renews its lease while it is idle", () =>
    Effect.gen(function* () {
      yield* Effect.forkChild(Projection.run(Activity))
      yield* eventually(Effect.map(statusOf(Activity), (status) => status?.owner !== undefined))
      const { owner } = (yield* statusOf(Activity))!
      yield* Effect.forkChild(Projection.run(Activity))
      for (let i = 0; i < 120; i++) yield* TestClock.adjust("1 second")
      expect(yield* statusOf(Activity)).toMatchObject({ owner, epoch: 1 })
    }).pipe(Effect.provide(stores))
  )

  const cuts = [
    ["hangs", Effect.never],
    ["fails", Effect.suspend(() => Effect.fail(away()))]
  ] as const

  it.effect.each(cuts)("takes over when the owner's connection %s, and applies nothing twice", ([, cut]) =>
    Effect.gen(function* () {
      const { hooks, store } = yield* connection
      const start = Effect.forkChild(Projection.run(Activity, { batch: 3 }))
      yield* Effect.provideService(start, ProjectionStore.ProjectionStore, store)
      yield* deposited("a", 1)
      yield* reaches(Activity, 1)
      const { owner } = (yield* statusOf(Activity))!
      hooks.before = cut
      for (let i = 0; i < 10; i++) yield* deposited("a", 1)
      const before = hooks.commits
      yield* start
      yield* reaches(Activity, 11)
      expect((yield* statusOf(Activity))!.owner).not.toBe(owner)
      // The first process is back, and both go on.
      hooks.before = Effect.void
      for (let i = 0; i < 10; i++) {
        yield* deposited("b", 1)
        yield* TestClock.adjust("1 second")
      }
      expect(hooks.commits).toBe(before)
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("stops writing when it cannot renew its lease, and works again when it can", () =>
    Effect.gen(function* () {
      const { hooks, store } = yield* connection
      yield* Effect.forkChild(Effect.provideService(Projection.run(Activity), ProjectionStore.ProjectionStore, store))
      yield* deposited("a", 1)
      yield* reaches(Activity, 1)
      const { epoch } = (yield* statusOf(Activity))!
      hooks.before = Effect.never
      for (let i = 0; i < 60; i++) yield* TestClock.adjust("1 second")
      expect(yield* statusOf(Activity)).toMatchObject({ owner: undefined })
      yield* deposited("a", 1)
      hooks.before = Effect.void
      yield* reaches(Activity, 2)
      expect((yield* statusOf(Activity))!.epoch).toBeGreaterThan(epoch)
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("applies each event once also if two projections own the view at once", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const twin: typeof plain = {
        ...plain,
        claim: (claim) => plain.claim({ ...claim, owner: "twin" }),
        load: (generation, keys) => Effect.andThen(Effect.yieldNow, plain.load(generation, keys))
      }
      for (let i = 0; i < 50; i++) yield* deposited(`${i % 3}`, 1)
      for (const batch of [3, 5]) {
        const running = Projection.run(Activity, { batch, pause: "10 millis" })
        yield* Effect.forkChild(Effect.provideService(running, ProjectionStore.ProjectionStore, twin))
      }
      yield* reaches(Activity, 50)
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("applies a batch once if it sends it again in the same epoch before the first commit arrives", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const gate = yield* Deferred.make<void>()
      let late: Fiber.Fiber<void, unknown> | undefined
      const cut: typeof plain = {
        ...plain,
        claim: (claim) => (Duration.isZero(claim.lease) ? Effect.fail(away()) : plain.claim(claim)),
        commit: (commit) =>
          Effect.gen(function* () {
            if (late !== undefined) return yield* plain.commit(commit)
            late = yield* Effect.forkDetach(Effect.andThen(Deferred.await(gate), plain.commit(commit)))
            return yield* Effect.fail(away())
          })
      }
      for (let i = 0; i < 3; i++) yield* deposited("a", 1)
      yield* Effect.forkChild(Effect.provideService(Projection.run(Activity), ProjectionStore.ProjectionStore, cut))
      yield* reaches(Activity, 3)
      yield* deposited("a", 1)
      yield* reaches(Activity, 4)
      yield* Deferred.succeed(gate, undefined)
      const refused = yield* Effect.flip(Fiber.join(late!))
      expect(refused).toMatchObject({ expected: { epoch: 1, position: 0 }, actual: { epoch: 1, position: 4 } })
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("gets a conflict also if the next owner has not written yet", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const gate = yield* Deferred.make<void>()
      const commit: typeof plain.commit = (commit) => Effect.andThen(Deferred.await(gate), plain.commit(commit))
      yield* deposited("a", 1)
      const claiming: Array<ProjectionStore.Claim> = []
      const claim: typeof plain.claim = (claim) =>
        claiming.push(claim) === 1 ? plain.claim({ ...claim, lease: Duration.zero }) : Effect.fail(away())
      const running = Projection.catchUp(Activity)
      const store = { ...plain, claim, commit }
      yield* Effect.forkChild(Effect.provideService(running, ProjectionStore.ProjectionStore, store), {
        startImmediately: true
      })
      yield* eventually(Effect.sync(() => claiming.length > 0))
      const { generation, lease } = claiming[0]!
      yield* plain.claim({ generation, owner: "other", lease })
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("1 second")
      expect(yield* statusOf(Activity)).toMatchObject({ owner: "other", position: 0, epoch: 2 })
      expect(yield* written("Account-a", "all")).toEqual({})
    }).pipe(Effect.provide(stores))
  )

  it.effect("goes on at once after a conflict, if no other projection owns the view", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      let retried = false
      const commit: typeof plain.commit = (commit) => {
        if (retried) return plain.commit(commit)
        retried = true
        const place = { epoch: commit.owner.epoch, position: commit.from }
        return Effect.fail(new CommitConflict({ view: "Activity", version: 1, expected: place, actual: place }))
      }
      yield* deposited("a", 1)
      const running = Projection.run(Activity, { pause: "1 hour" })
      yield* Effect.forkChild(Effect.provideService(running, ProjectionStore.ProjectionStore, { ...plain, commit }))
      yield* reaches(Activity, 1, "0 millis")
    }).pipe(Effect.provide(stores))
  )

  it.effect("gives up a commit without an answer, and goes on", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      let unanswered = 1
      const commit: typeof plain.commit = (commit) => (unanswered-- > 0 ? Effect.never : plain.commit(commit))
      yield* deposited("a", 1)
      const running = Projection.run(Activity)
      yield* Effect.forkChild(Effect.provideService(running, ProjectionStore.ProjectionStore, { ...plain, commit }))
      yield* reaches(Activity, 1)
      expect(unanswered).toBe(-1)
    }).pipe(Effect.provide(stores))
  )

  it.effect.each([
    ["alone", [Activity]],
    ["shared with others", [Activity, Limits]]
  ] as const)("gives up a read without an answer, and goes on: %s", ([, views]) =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      const plain = yield* EventStore.EventStore
      let unanswered = 1
      const readAll: typeof plain.readAll = (options) =>
        Stream.suspend(() => (unanswered-- > 0 ? Stream.never : plain.readAll(options)))
      const silent = Layer.succeed(EventStore.EventStore, { ...plain, readAll })
      const reached = Effect.forEach(views, (view) => reaches(view, 1))
      yield* Effect.provide(reached, Layer.provide(Projection.layer(views), silent))
      expect(unanswered).toBeLessThan(0)
    }).pipe(Effect.provide(stores))
  )

  it.effect("releases a lease whose claim got no answer, and none of another owner", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const owner = yield* Effect.forkChild(Projection.run(Activity))
      yield* eventually(Effect.map(statusOf(Activity), (status) => status?.owner !== undefined))
      const leases: Array<number> = []
      let answers = true
      const claim: typeof plain.claim = (claim) => {
        leases.push(Duration.toMillis(claim.lease))
        const given = plain.claim(claim)
        return answers || leases.at(-1) === 0 ? given : Effect.andThen(given, Effect.never)
      }
      const second = yield* Effect.forkChild(
        Effect.provideService(Projection.run(Activity), ProjectionStore.ProjectionStore, { ...plain, claim })
      )
      for (let i = 0; i < 5; i++) yield* TestClock.adjust("1 second")
      // It claims once, and then looks at the status until the view is free.
      expect(leases).toEqual([10_000])
      answers = false
      yield* Fiber.interrupt(owner)
      yield* eventually(Effect.map(statusOf(Activity), (status) => status?.owner !== undefined))
      yield* Fiber.interrupt(second)
      expect(yield* statusOf(Activity)).toMatchObject({ owner: undefined })
    }).pipe(Effect.provide(stores))
  )

  it.effect("gets a conflict for a commit that arrives after another projection has taken over", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const [gate, sent] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      let arrived: Exit.Exit<void, unknown> | undefined
      // A commit that was sent arrives, even if its sender has ended.
      const commit: typeof plain.commit = (commit) =>
        Deferred.await(gate).pipe(
          Effect.andThen(plain.commit(commit)),
          Effect.onExit((exit) => Effect.sync(() => (arrived = exit))),
          Effect.forkDetach,
          Effect.tap(Deferred.succeed(sent, undefined)),
          Effect.flatMap(Fiber.join)
        )
      yield* deposited("a", 1)
      const slow = Effect.provideService(Projection.run(Activity), ProjectionStore.ProjectionStore, {
        ...plain,
        commit
      })
      const first = yield* Effect.forkChild(slow)
      yield* Deferred.await(sent)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(first))
      yield* Effect.forkChild(Projection.run(Activity))
      yield* reaches(Activity, 1)
      yield* deposited("a", 2)
      yield* reaches(Activity, 2)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(stopping)
      yield* eventually(Effect.sync(() => arrived !== undefined))
      expect(arrived).toEqual(Exit.fail(expect.any(CommitConflict)))
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("applies a batch once if its commit succeeded without an answer", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      let unanswered = 3
      const commit: typeof plain.commit = (commit) =>
        Effect.andThen(
          plain.commit(commit),
          Effect.suspend(() => (unanswered-- > 0 ? Effect.fail(away()) : Effect.void))
        )
      for (let i = 0; i < 10; i++) yield* deposited("a", 1)
      const running = Projection.run(Activity, { batch: 2 })
      yield* Effect.forkChild(Effect.provideService(running, ProjectionStore.ProjectionStore, { ...plain, commit }))
      yield* reaches(Activity, 10)
      expect(unanswered).toBeLessThan(0)
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("waits while the event store is unavailable, and fails for an error that waiting does not cure", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      const plain = yield* EventStore.EventStore
      const failing =
        (...reasons: Array<Reason.Reason>): typeof plain.readAll =>
        (options) =>
          Stream.suspend(() => {
            const reason = reasons.shift()
            return reason === undefined
              ? plain.readAll(options)
              : Stream.fail(new EventStoreError({ operation: "readAll", reason }))
          })
      const run = (readAll: typeof plain.readAll) =>
        Effect.forkChild(Effect.provideService(Projection.run(Activity), EventStore.EventStore, { ...plain, readAll }))
      const away = new Reason.Timeout({ detail: "slow" })
      const patient = yield* run(failing(away, away))
      yield* reaches(Activity, 1)
      yield* Fiber.interrupt(patient)
      yield* deposited("a", 1)
      const failed = yield* Effect.flip(Fiber.join(yield* run(failing(new Reason.Corrupt({ detail: "torn" })))))
      expect(failed).toMatchObject({ _tag: "EventStoreError", reason: { _tag: "Corrupt" } })
      expect(yield* statusOf(Activity)).toMatchObject({ owner: undefined, position: 1 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("finishes its commit when it is interrupted, and then releases the lease", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const [gate, sent] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const commit: typeof plain.commit = (commit) =>
        Deferred.succeed(sent, undefined).pipe(
          Effect.andThen(Deferred.await(gate)),
          Effect.andThen(plain.commit(commit))
        )
      for (let i = 0; i < 4; i++) yield* deposited("a", 1)
      const running = Projection.run(Activity, { batch: 2 })
      const runner = yield* Effect.forkChild(
        Effect.provideService(running, ProjectionStore.ProjectionStore, { ...plain, commit })
      )
      yield* Deferred.await(sent)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(runner), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      expect(stopping.pollUnsafe()).toBeUndefined()
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(stopping)
      expect(yield* statusOf(Activity)).toMatchObject({ position: 2, owner: undefined })
      expect(yield* written("Account-a", "all")).toEqual(yield* law(2))
    }).pipe(Effect.provide(stores))
  )
})

describe("layer", () => {
  it.effect("runs views in the background until it closes; a view that fails stops alone", () =>
    Effect.gen(function* () {
      const Broken = View.make("Broken", {
        from: [Account],
        state: Schema.Int,
        evolve: {
          MoneyDeposited: () => {
            throw new Error("no")
          }
        }
      })
      yield* Effect.gen(function* () {
        yield* budget(1, 5)
        yield* deposited("a", 1)
        yield* reaches(Activity, 2)
        yield* reaches(Limits, 2)
        yield* deposited("a", 1)
        yield* reaches(Activity, 3)
        yield* reaches(Broken, 1)
      }).pipe(Effect.provide(Projection.layer([Activity, Limits, Broken])))
      for (const view of [Activity, Limits, Broken]) {
        expect(yield* statusOf(view)).toMatchObject({ owner: undefined })
      }
      yield* reaches(Activity, 4).pipe(Effect.provide(Projection.layer(Activity)), (waiting) =>
        Effect.andThen(deposited("a", 1), waiting)
      )
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )
})
