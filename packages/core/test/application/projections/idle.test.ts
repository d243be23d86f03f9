/** What a projection costs for events that its view does not handle, and who may wait for it. */
import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore, MemoryStores, MemoryViewStore } from "@hexfold/adapters-memory"
import {
  EventStore,
  Projection,
  ProjectionMonitor,
  ProjectionStore,
  Query,
  Records,
  Subscription,
  View,
  ViewStore
} from "@hexfold/core"
import { Clock, Context, Deferred, Duration, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Account } from "../../support/account.ts"
import { Budget } from "../../support/budget.ts"
import { budget, connection, deposited, eventually, opened, reaches, statusOf } from "../../support/projected.ts"

const stores = Layer.merge(MemoryEventStore.layer(), MemoryViewStore.layer())

/** Follows the events of budgets only. */
const limitsOf = (name: string) =>
  View.make(name, {
    from: [Budget],
    state: Schema.Struct({ sum: Schema.Int, events: Schema.Int }),
    evolve: {
      BudgetSet: (state = { sum: 0, events: 0 }, { limit }) => ({ sum: state.sum + limit, events: state.events + 1 })
    }
  })

const Limits = limitsOf("Limits")

/** Follows one of several types of events. */
const Openings = View.make("Openings", {
  from: [Account],
  state: Schema.Struct({ events: Schema.Int }),
  key: () => "all",
  evolve: { AccountOpened: (state = { events: 0 }) => ({ events: state.events + 1 }) }
})

/** The stores of another process over the same data. */
const elsewhere = Effect.gen(function* () {
  const store = { ...(yield* ProjectionStore.ProjectionStore) }
  const views = { ...(yield* ViewStore.ViewStore) }
  const run = <A, E, R>(program: Effect.Effect<A, E, R>) =>
    program.pipe(
      Effect.provideService(ProjectionStore.ProjectionStore, store),
      Effect.provideService(ViewStore.ViewStore, views)
    )
  return { store, views, run }
})

const serves = (view: { readonly name: string }) =>
  eventually(Effect.map(statusOf(view), (status) => status?.serves === true))

const on = (store: ProjectionStore.ProjectionStore["Service"]) =>
  Effect.provideService(ProjectionStore.ProjectionStore, store)

/** Lets a running projection of `Limits` apply the event at position 1, and pass the five after it in memory. */
const passesFive = Effect.gen(function* () {
  yield* budget(1, 5)
  yield* reaches(Limits, 1, "10 millis")
  for (let i = 1; i <= 5; i++) yield* deposited("a", i)
  yield* TestClock.adjust("10 millis")
  expect(yield* statusOf(Limits)).toMatchObject({ position: 1 })
})

describe("events that a view does not handle", () => {
  it.effect("cost it no commit, and their position is written with the lease", () =>
    Effect.gen(function* () {
      const { hooks, store } = yield* connection
      yield* Effect.forkChild(
        Effect.forEach([Limits, Openings], (view) => Effect.forkChild(Projection.run(view))).pipe(
          Effect.andThen(Effect.never),
          on(store)
        )
      )
      yield* serves(Limits)
      yield* serves(Openings)
      const before = hooks.commits
      for (let i = 1; i <= 50; i++) {
        yield* deposited("a", i)
        yield* TestClock.adjust("10 millis")
      }
      expect(hooks.commits).toBe(before)
      // At most a third of the lease.
      yield* TestClock.adjust(Duration.divideUnsafe(Duration.seconds(10), 3))
      for (const view of [Limits, Openings]) expect(yield* statusOf(view)).toMatchObject({ position: 50, history: 1 })
      expect(hooks.commits).toBe(before)
      yield* budget(1, 5)
      yield* opened("a")
      yield* reaches(Openings, 52)
      yield* reaches(Limits, 52)
      expect(hooks.commits).toBe(before + 2)
      const { rows } = yield* Records.query(Limits, Query.from(Limits))
      expect(rows.map(({ state }) => state)).toEqual([{ sum: 5, events: 1 }])
    }).pipe(Effect.provide(stores))
  )

  it.effect("are passed in the status of the owner's process before the position is written", () =>
    Effect.gen(function* () {
      yield* Effect.forkChild(Projection.run(Limits))
      yield* passesFive
      expect(yield* ProjectionMonitor.status([Limits])).toMatchObject([{ position: 6, percent: 100, lag: 0 }])
    }).pipe(Effect.provide(stores))
  )

  it.effect("are passed for the next owner too when the projection ends", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(Projection.run(Limits))
      yield* passesFive
      yield* Fiber.interrupt(running)
      expect(yield* statusOf(Limits)).toMatchObject({ position: 6, history: 1, owner: undefined })
    }).pipe(Effect.provide(stores))
  )

  it.effect("are not written by a renewal while a commit is under way, which would be refused then", () =>
    Effect.gen(function* () {
      const plain = yield* ProjectionStore.ProjectionStore
      const renewals: Array<ProjectionStore.Renewal["passed"]> = []
      let commits = 0
      let slowly = Duration.zero
      const slow: typeof plain = {
        ...plain,
        claim: (claim) => (renewals.push(claim.renews?.passed), plain.claim(claim)),
        commit: (commit) => (commits++, Effect.andThen(Effect.sleep(slowly), plain.commit(commit)))
      }
      yield* Effect.forkChild(Projection.run(Limits).pipe(on(slow)))
      yield* passesFive
      const [renewed, committed] = [renewals.length, commits]
      slowly = Duration.seconds(7)
      yield* budget(1, 6)
      yield* reaches(Limits, 7)
      expect(renewals.slice(renewed)).toEqual([undefined, undefined])
      expect(commits).toBe(committed + 1)
    }).pipe(Effect.provide(stores))
  )

  it.effect("are read again after a crash, and nothing is applied twice", () =>
    Effect.gen(function* () {
      const { hooks, plain, store } = yield* connection
      const running = yield* Effect.forkChild(Projection.run(Limits).pipe(on(store)))
      yield* passesFive
      hooks.before = Effect.never
      yield* Fiber.interrupt(running).pipe(Effect.forkChild({ startImmediately: true }))
      expect(yield* statusOf(Limits)).toMatchObject({ position: 1 })
      yield* budget(1, 6)
      yield* Effect.forkChild(Projection.run(Limits).pipe(on(plain)))
      yield* reaches(Limits, 7)
      const { rows } = yield* Records.query(Limits, Query.from(Limits))
      expect(rows.map(({ state }) => state)).toEqual([{ sum: 11, events: 2 }])
    }).pipe(Effect.provide(stores))
  )

  it.effect("are not written when the log has lost them: the projection goes on where the records stand", () =>
    Effect.gen(function* () {
      const { loseLast, open } = yield* MemoryStores.lossy
      yield* Effect.gen(function* () {
        yield* Effect.forkChild(Projection.run(Limits))
        yield* passesFive
        yield* loseLast(5)
        yield* budget(1, 6)
        yield* reaches(Limits, 2)
        const { rows } = yield* Records.query(Limits, Query.from(Limits))
        expect(rows.map(({ state }) => state)).toEqual([{ sum: 11, events: 2 }])
        expect(yield* ProjectionMonitor.status([Limits])).toMatchObject([{ state: "live", position: 2 }])
      }).pipe(Effect.provide(open({})))
    })
  )

  it.effect("do not keep a job from its end, whether or not another process owns the view", () =>
    Effect.gen(function* () {
      const other = yield* elsewhere
      for (let i = 1; i <= 5; i++) yield* deposited("a", i)
      for (const job of [Projection.build(Limits), Projection.catchUp(Openings), Projection.serve(Limits)]) {
        expect((yield* job).position).toBe(5)
      }
      expect(yield* statusOf(Limits)).toMatchObject({ position: 5, owner: undefined })
      yield* Effect.forkChild(other.run(Projection.run(Limits)))
      yield* eventually(Effect.map(statusOf(Limits), (status) => status?.owner !== undefined))
      yield* deposited("a", 6)
      expect(yield* Projection.catchUp(Limits)).toEqual({ position: 6, events: 0, commits: 0 })
      // The owner has not written the position yet.
      expect(yield* statusOf(Limits)).toMatchObject({ position: 5 })
      const rebuilt = yield* Projection.rebuild(Limits)
      expect(rebuilt).toMatchObject({ position: 6, events: 0, build: 2 })
    }).pipe(Effect.provide(stores))
  )

  it.effect.each([1, 1_000])("cost nothing in a gap of a billion positions with batches of %s", (batch) =>
    Effect.gen(function* () {
      const first = yield* budget(1, 5)
      const plain = yield* EventStore.EventStore
      const end = 1_000_000_001
      const log = [first, { ...first, version: 2, position: end }]
      let reads = 0
      const readAll: typeof plain.readAll = ({ after = 0, limit = Infinity, upTo = Infinity } = {}) => {
        reads++
        return Stream.fromIterable(
          log.filter(({ position }) => position > Number(after) && position <= upTo).slice(0, limit)
        )
      }
      const horizons = Stream.make({ position: end, drawn: end, history: 1, holders: [] })
      const gaps = { ...plain, readAll, horizons }
      const report = yield* Projection.catchUp(Limits, { batch }).pipe(
        Effect.provideService(EventStore.EventStore, gaps)
      )
      expect(report).toEqual({ position: end, events: 2, commits: 2 })
      expect(reads).toBeLessThan(30)
    }).pipe(Effect.provide(stores))
  )
})

describe("a wait for a view that does not handle the last event", () => {
  const idle = Effect.gen(function* () {
    yield* Effect.forkChild(Projection.run(Limits))
    yield* serves(Limits)
    yield* budget(1, 5)
    yield* reaches(Limits, 1, "10 millis")
    for (let i = 1; i <= 3; i++) yield* deposited("a", i)
    yield* TestClock.adjust("10 millis")
    expect(yield* statusOf(Limits)).toMatchObject({ position: 1 })
  })

  it.effect("ends at once in the process that works on the view", () =>
    Effect.gen(function* () {
      yield* idle
      // By its name alone, too: the projection of this process says how far it has come.
      const waiting = yield* Effect.forkChild(Projection.waitUntil({ name: "Limits", version: 1 }, 4))
      yield* TestClock.adjust(0)
      expect(waiting.pollUnsafe()).toBeDefined()
      yield* Fiber.join(waiting)
      expect(yield* statusOf(Limits)).toMatchObject({ position: 1 })
    }).pipe(Effect.provide(stores))
  )

  it.effect("asks the log in another process, and does not wait until the position is written", () =>
    Effect.gen(function* () {
      const other = yield* elsewhere
      yield* idle
      const waiting = yield* Effect.forkChild(other.run(Projection.waitUntil(Limits, 4)))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(waiting)
      expect(yield* statusOf(Limits)).toMatchObject({ position: 1 })
      // By a name alone nobody knows which events the view handles.
      const named = yield* Effect.forkChild(other.run(Projection.waitUntil({ name: "Limits", version: 1 }, 4)))
      yield* TestClock.adjust("100 millis")
      expect(named.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(named)
    }).pipe(Effect.provide(stores))
  )

  it.effect("waits for an event that the view handles before it, also if the owner is gone", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(Projection.run(Limits))
      yield* serves(Limits)
      yield* Fiber.interrupt(running)
      const { position } = yield* budget(1, 5)
      for (let i = 1; i <= 3; i++) yield* deposited("a", i)
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Limits, position + 3))
      yield* TestClock.adjust("3 seconds")
      expect(waiting.pollUnsafe()).toBeUndefined()
      yield* Effect.forkChild(Projection.run(Limits))
      yield* TestClock.adjust("200 millis")
      yield* Fiber.join(waiting)
      const { rows } = yield* Records.query(Limits, Query.from(Limits))
      expect(rows.map(({ state }) => state.sum)).toEqual([5])
    }).pipe(Effect.provide(stores))
  )

  /** A projection of this process has passed position 4, and does not hear that the log has lost all but the first event. */
  const lost = Effect.gen(function* () {
    const { loseLast, open } = yield* MemoryStores.lossy
    const stores = open({})
    const store = Context.get(stores, EventStore.EventStore)
    const hears = yield* Deferred.make<void>()
    const horizons = Stream.mapEffect(store.horizons, (horizon) =>
      horizon.history === 1 ? Effect.succeed(horizon) : Effect.as(Deferred.await(hears), horizon)
    )
    // The projection asks for the horizon before it releases its lease.
    yield* Effect.addFinalizer(() => Deferred.succeed(hears, undefined))
    yield* idle.pipe(Effect.provideService(EventStore.EventStore, { ...store, horizons }), Effect.provide(stores))
    return { stores, lose: loseLast(3) }
  })

  it.effect(
    "believes, as a job does, nothing that the projection of this process has passed in a history that has ended",
    () =>
      Effect.gen(function* () {
        const { lose, stores } = yield* lost
        yield* lose
        yield* Effect.gen(function* () {
          const { position } = yield* budget(1, 6)
          const waiting = yield* Effect.forkChild(Projection.waitUntil(Limits, { history: 2, position }))
          const job = yield* Effect.forkChild(Projection.catchUp(Limits))
          yield* TestClock.adjust("1 second")
          expect(waiting.pollUnsafe()).toBeUndefined()
          expect(job.pollUnsafe()).toBeUndefined()
        }).pipe(Effect.provide(stores))
      })
  )

  it.effect(
    "as a live query does, which shows the event of the present history when another process has applied it",
    () =>
      Effect.gen(function* () {
        const { lose, stores } = yield* lost
        yield* Effect.gen(function* () {
          const shown: Array<number> = []
          yield* Effect.forkChild(
            Stream.runForEach(Subscription.query(Limits, Query.from(Limits)), ({ rows }) =>
              Effect.sync(() => shown.push(rows[0]!.state.sum))
            )
          )
          yield* TestClock.adjust("10 millis")
          yield* lose
          yield* budget(1, 6)
          yield* TestClock.adjust("1 second")
          expect(shown).toEqual([5])
          const { commit } = yield* ProjectionStore.ProjectionStore
          const { epoch } = (yield* statusOf(Limits))!
          const owner = { generation: { view: "Limits", version: 1 }, epoch }
          const put = [{ key: "1", state: { sum: 11, events: 2 } }]
          yield* commit({ owner, from: 1, to: 2, history: 2, records: { put, remove: [] } })
          yield* TestClock.adjust("1 second")
          expect(shown).toEqual([5, 11])
        }).pipe(Effect.provide(stores))
      })
  )

  it.effect("does not end while an append under way may still add an event for the view", () =>
    Effect.gen(function* () {
      const other = yield* elsewhere
      yield* idle
      const plain = yield* EventStore.EventStore
      const held = Stream.concat(Stream.make({ position: 3, drawn: 4, history: 1, holders: [] }), Stream.never)
      const waiting = yield* Effect.forkChild(
        other
          .run(Projection.waitUntil(Limits, 4))
          .pipe(Effect.provideService(EventStore.EventStore, { ...plain, horizons: held }))
      )
      yield* TestClock.adjust("2 seconds")
      expect(waiting.pollUnsafe()).toBeUndefined()
      yield* Fiber.interrupt(waiting)
    }).pipe(Effect.provide(stores))
  )
})

describe("the views of one process", () => {
  const views = Array.from({ length: 50 }, (_, i) => limitsOf(`Limits${i}`))

  it.effect("renew their leases at one moment, and those that wait for an owner ask for the status once", () =>
    Effect.gen(function* () {
      const plain = yield* ProjectionStore.ProjectionStore
      const clock = yield* Clock.Clock
      const renewals: Array<readonly [time: number, view: string]> = []
      const claim: typeof plain.claim = (claim) => {
        if (claim.renews !== undefined) renewals.push([clock.currentTimeMillisUnsafe(), claim.generation.view])
        return plain.claim(claim)
      }
      // Their projections begin one after the other.
      for (const view of views) {
        yield* Effect.forkChild(Projection.run(view).pipe(on({ ...plain, claim })))
        yield* TestClock.adjust("17 millis")
      }
      yield* serves(views.at(-1)!)
      renewals.length = 0
      yield* TestClock.adjust("20 seconds")
      const beats = Map.groupBy(renewals, ([time]) => time)
      expect(beats.size).toBe(6)
      for (const beat of beats.values()) expect(new Set(beat.map(([, view]) => view)).size).toBe(views.length)

      const other = yield* elsewhere
      let [looks, claims] = [0, 0]
      const status = Effect.suspend(() => (looks++, other.views.status))
      const waiting = Projection.layer(views).pipe(
        Layer.provide(Layer.succeed(ViewStore.ViewStore, { ...other.views, status })),
        Layer.provide(
          Layer.succeed(ProjectionStore.ProjectionStore, {
            ...other.store,
            claim: (claim) => Effect.suspend(() => (claims++, other.store.claim(claim)))
          })
        )
      )
      yield* Effect.forkChild(Layer.launch(waiting))
      yield* TestClock.adjust("2 seconds")
      expect(claims).toBe(views.length)
      looks = 0
      yield* TestClock.adjust("10 seconds")
      expect(claims).toBe(views.length)
      expect(looks).toBeLessThanOrEqual(20)
      expect(looks).toBeGreaterThanOrEqual(9)
    }).pipe(Effect.provide(stores))
  )

  it.effect("that two processes share throw no batch away, and need no more commits than one", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 400; i++) yield* budget(i % 40, i)
      const count = (processes: number, parts: number) =>
        Effect.gen(function* () {
          const plain = yield* ProjectionStore.ProjectionStore
          const view = limitsOf(`Shared${processes}x${parts}`)
          const outcomes: Array<string> = []
          const commit: typeof plain.commit = (commit) =>
            plain.commit(commit).pipe(
              Effect.andThen(Effect.yieldNow),
              Effect.onExit(({ _tag }) => Effect.sync(() => void outcomes.push(_tag)))
            )
          const options = { batch: 10, parts, maxParts: Math.ceil(parts / processes) }
          const working = Array.from({ length: processes }, () =>
            Projection.catchUp(view, options).pipe(on({ ...plain, commit }))
          )
          const fibers = yield* Effect.forkChild(Effect.all(working, { concurrency: "unbounded" }))
          yield* eventually(Effect.sync(() => fibers.pollUnsafe() !== undefined))
          const reports = yield* Fiber.join(fibers)
          expect(reports.map(({ position }) => position)).toEqual(reports.map(() => 400))
          expect(outcomes.filter((each) => each !== "Success")).toEqual([])
          const { rows } = yield* Records.query(view, Query.from(view))
          expect(rows.reduce((sum, { state }) => sum + state.events, 0)).toBe(400)
          return { commits: outcomes.length, by: reports.map(({ commits }) => commits) }
        })
      for (const parts of [1, 4]) {
        const one = yield* count(1, parts)
        const two = yield* count(2, parts)
        expect(two.commits).toBeLessThanOrEqual(one.commits + parts)
        if (parts > 1) for (const commits of two.by) expect(commits).toBeGreaterThan(0)
      }
    }).pipe(Effect.provide(stores))
  )
})
