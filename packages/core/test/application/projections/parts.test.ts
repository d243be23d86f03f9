import { describe, expect, it } from "@effect/vitest"
import { EventStore, Projection, ProjectionStore, View, ViewStore } from "@hexfold/core"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { Account } from "../../support/account.ts"
import {
  Activity,
  away,
  budget,
  connection,
  deposited,
  eventually,
  law,
  reaches,
  records,
  stores,
  withdrawn
} from "../../support/projected.ts"

const partsOf = Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
  Effect.map(status, (all) => all.find(({ view }) => view === "Activity")?.parts ?? [])
)

const owners = Effect.map(partsOf, (parts) => parts.map(({ owner }) => owner))

const some = (n: number) =>
  Effect.forEach(
    Array.from({ length: n }, (_, i) => i),
    (i) => (i % 7 === 0 ? budget(i % 3, i) : deposited(`account ${i % 11}`, 1 + (i % 4)))
  )

describe("a view in parts", () => {
  const steps = fc.array(
    fc.oneof(
      fc.tuple(fc.constantFrom("a", "b", "c-d"), fc.integer({ min: 1, max: 9 })).map(([id, n]) => deposited(id, n)),
      fc.constantFrom("a", "b").map((id) => withdrawn(id, 1)),
      fc.integer({ min: 1, max: 9 }).map((limit) => budget(limit % 2, limit)),
      fc
        .record({ parts: fc.integer({ min: 1, max: 5 }), batch: fc.integer({ min: 1, max: 5 }) })
        .map((options) => Projection.catchUp(Activity, options))
    ),
    { maxLength: 40 }
  )

  it.effect("has the records of a fold over the log, however its keys were divided over time", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(steps, fc.integer({ min: 1, max: 5 }), (steps, parts) =>
          Effect.gen(function* () {
            for (const step of steps) yield* step
            yield* Projection.catchUp(Activity, { parts })
            expect(yield* records).toEqual(yield* law())
          }).pipe(Effect.provide(Layer.fresh(stores)), Effect.runPromise)
        )
      )
    )
  )

  it.effect("has an owner for each part; when an owner ends, others take over its parts", () =>
    Effect.gen(function* () {
      const start = Effect.forkChild(Projection.run(Activity, { parts: 4, maxParts: 3, batch: 5 }))
      const [first] = [yield* start, yield* start]
      yield* some(50)
      yield* reaches(Activity, 50)
      expect(new Set(yield* owners).size).toBe(4)
      yield* Fiber.interrupt(first!)
      expect((yield* owners).filter((owner) => owner !== undefined).length).toBeLessThan(4)
      yield* start
      yield* some(50)
      yield* reaches(Activity, 100)
      expect(yield* owners).not.toContain(undefined)
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("answers although its parts have read different horizons", () =>
    Effect.gen(function* () {
      yield* some(20)
      const events = yield* EventStore.EventStore
      const [{ position }] = [...(yield* Stream.runCollect(Stream.take(events.horizons, 1)))] as [EventStore.Horizon]
      const serves = Effect.map(
        Effect.flatMap(ViewStore.ViewStore, ({ status }) => status),
        (all) => all[0]?.serves
      )
      const running = (horizons: EventStore.EventStore["Service"]["horizons"]) =>
        Effect.forkChild(
          Effect.provideService(Projection.run(Activity, { parts: 2, maxParts: 1 }), EventStore.EventStore, {
            ...events,
            horizons
          })
        )
      // The second process has seen positions that no event has.
      yield* running(Stream.concat(Stream.take(events.horizons, 1), Stream.never))
      yield* eventually(Effect.map(partsOf, (parts) => parts.some((part) => part.position === position)))
      yield* running(
        Stream.map(events.horizons, (horizon) => ({ ...horizon, position: position + 3, drawn: position + 3 }))
      )
      yield* eventually(Effect.map(partsOf, (parts) => parts.some((part) => part.position === position + 3)))
      yield* eventually(
        Effect.map(serves, (does) => does === true),
        "1 second"
      )
    }).pipe(Effect.provide(stores))
  )

  it.effect("has at most `maxParts` parts with an owner in one process", () =>
    Effect.gen(function* () {
      yield* Effect.forkChild(Projection.run(Activity, { parts: 3, maxParts: 1 }))
      yield* some(10)
      yield* eventually(Effect.map(owners, (all) => all.some((owner) => owner !== undefined)))
      for (let i = 0; i < 30; i++) {
        yield* TestClock.adjust("1 second")
        expect((yield* owners).filter((owner) => owner !== undefined).length).toBe(1)
      }
    }).pipe(Effect.provide(stores))
  )

  it.effect("is divided anew when no projection uses the old number, also from parts at different positions", () =>
    Effect.gen(function* () {
      yield* some(20)
      yield* Projection.catchUp(Activity, { parts: 3 })
      yield* some(30)
      const plain = yield* ProjectionStore.ProjectionStore
      const { commit } = plain
      // Only the first part advances.
      const first: typeof commit = (given) => (given.owner.part === 0 ? commit(given) : Effect.fail(away()))
      const running = Projection.run(Activity, { parts: 3, batch: 4 })
      const lame = Effect.provideService(running, ProjectionStore.ProjectionStore, { ...plain, commit: first })
      const old = yield* Effect.forkChild(lame)
      yield* eventually(Effect.map(partsOf, ([part]) => part?.position === 50))
      yield* Effect.forkChild(Projection.run(Activity, { parts: 2 }))
      yield* TestClock.adjust("5 seconds")
      expect((yield* partsOf).length).toBe(3)
      yield* Fiber.interrupt(old)
      yield* eventually(Effect.map(partsOf, ({ length }) => length === 2))
      yield* reaches(Activity, 50)
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("refuses commits of former owners after it was divided anew", () =>
    Effect.gen(function* () {
      const { claim, commit } = yield* ProjectionStore.ProjectionStore
      const generation = { view: "Activity", version: 1 }
      const lease = Duration.seconds(1)
      const claimed = yield* claim({ generation, owner: "old", lease, part: { index: 0, of: 2 } })
      yield* TestClock.adjust("2 seconds")
      yield* claim({ generation, owner: "new", lease, part: { index: 1, of: 3 } })
      const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
      const late = yield* Effect.flip(commit({ owner: { generation, part: 0, epoch }, from: 0, to: 1 }))
      expect(late._tag).toBe("CommitConflict")
    }).pipe(Effect.provide(stores))
  )

  it.effect("has reached a position when all its parts have", () =>
    Effect.gen(function* () {
      const { plain, store, hooks } = yield* connection
      yield* some(10)
      yield* Projection.catchUp(Activity, { parts: 2 })
      yield* some(10)
      hooks.before = Effect.never
      const commit: typeof plain.commit = (given) =>
        given.owner.part === 1 ? store.commit(given) : plain.commit(given)
      const running = Projection.run(Activity, { parts: 2 })
      yield* Effect.forkChild(Effect.provideService(running, ProjectionStore.ProjectionStore, { ...plain, commit }))
      const waiting = yield* Effect.forkChild(Projection.waitUntil(Activity, 20, { timeout: "5 minutes" }))
      yield* eventually(Effect.map(partsOf, ([first]) => first?.position === 20))
      yield* TestClock.adjust("1 second")
      expect(waiting.pollUnsafe()).toBeUndefined()
      hooks.before = Effect.void
      yield* eventually(Effect.sync(() => waiting.pollUnsafe() !== undefined))
      yield* Fiber.join(waiting)
      expect(yield* records).toEqual(yield* law())
    }).pipe(Effect.provide(stores))
  )

  it.effect("answers, in a new version, when the last part has caught up", () =>
    Effect.gen(function* () {
      const version = (version: number) =>
        View.make("Sums", {
          from: [Account],
          version,
          state: Schema.Int,
          evolve: { MoneyDeposited: (sum = 0, { amount }) => sum + version * amount }
        })
      yield* some(30)
      yield* Projection.catchUp(version(1))
      yield* Projection.catchUp(version(2), { parts: 3, batch: 3 })
      const { load, status } = yield* ViewStore.ViewStore
      const projected = yield* ProjectionStore.ProjectionStore
      expect((yield* status).map(({ serves }) => serves)).toEqual([true, true])
      const keys = Array.from({ length: 11 }, (_, i) => `account ${i}`)
      const [old, next] = [
        yield* projected.load({ view: "Sums", version: 1 }, keys),
        yield* load({ view: "Sums", version: 2 }, keys)
      ]
      expect(next.states).toEqual(new Map(Array.from(old.states, ([key, sum]) => [key, 2 * Number(sum)])))
    }).pipe(Effect.provide(stores))
  )

  it.effect("refuses `parts` and `maxParts` that are not whole numbers from 1 on", () =>
    Effect.gen(function* () {
      for (const options of [{ parts: 0 }, { parts: 1.5 }, { maxParts: 0 }]) {
        expect(Exit.hasDies(yield* Effect.exit(Projection.catchUp(Activity, options)))).toBe(true)
      }
    }).pipe(Effect.provide(stores))
  )
})

describe("views that share a reader", () => {
  const Others = ["One", "Two", "Three"].map((name) =>
    View.make(name, {
      from: [Account],
      state: Schema.Array(Schema.Int),
      key: () => "all",
      evolve: { MoneyDeposited: (all = [], _, { position }) => [...all, position] }
    })
  )

  const counted = Effect.map(EventStore.EventStore, (plain) => {
    const reads = { count: 0 }
    const readAll: typeof plain.readAll = (options) => (reads.count++, plain.readAll(options))
    return { reads, store: { ...plain, readAll } }
  })

  it.effect("read each event once while their positions are close, and miss none", () =>
    Effect.gen(function* () {
      const { reads, store } = yield* counted
      const views = [Activity, ...Others]
      yield* Effect.gen(function* () {
        yield* some(30)
        for (const view of views) yield* reaches(view, 30)
        const before = reads.count
        for (let position = 31; position <= 40; position++) {
          yield* deposited("a", 1)
          for (const view of views) yield* reaches(view, position)
        }
        expect(reads.count - before).toBe(10)
      }).pipe(
        Effect.provide(Projection.layer(views, { batch: 10 })),
        Effect.provideService(EventStore.EventStore, store)
      )
      const { load } = yield* ViewStore.ViewStore
      const isDeposit = (position: number) => (position - 1) % 7 !== 0 || position > 30
      const deposits = Array.from({ length: 40 }, (_, i) => i + 1).filter(isDeposit)
      expect(yield* records).toEqual(yield* law())
      for (const { name } of Others) {
        expect((yield* load({ view: name, version: 1 }, ["all"])).states.get("all")).toEqual(deposits)
      }
    }).pipe(Effect.provide(stores))
  )

  it.effect("do not wait for a view that lags", () =>
    Effect.gen(function* () {
      const { plain } = yield* connection
      const { load, status } = yield* ViewStore.ViewStore
      yield* some(40)
      const gate = yield* Deferred.make<void>()
      const slow: typeof plain.commit = (given) =>
        given.owner.generation.view === "One"
          ? Effect.andThen(Deferred.await(gate), plain.commit(given))
          : plain.commit(given)
      yield* Effect.gen(function* () {
        yield* reaches(Others[1]!, 40)
        yield* some(40)
        yield* reaches(Others[1]!, 80)
        expect((yield* status).find(({ view }) => view === "One")!.position).toBe(0)
        yield* Deferred.succeed(gate, undefined)
        yield* reaches(Others[0]!, 80)
      }).pipe(
        Effect.provide(Projection.layer(Others, { batch: 5, lease: "1 hour" })),
        Effect.provideService(ProjectionStore.ProjectionStore, { ...plain, commit: slow })
      )
      const all = (name: string) =>
        Effect.map(load({ view: name, version: 1 }, ["all"]), ({ states }) => states.get("all"))
      expect(yield* all("One")).toEqual(yield* all("Two"))
    }).pipe(Effect.provide(stores))
  )
})
