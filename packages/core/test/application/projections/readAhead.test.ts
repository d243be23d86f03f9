import { describe, expect, it } from "@effect/vitest"
import { EventStore, EventStoreError, Projection, ProjectionStore, Query, Reason, Records, View } from "@hexfold/core"
import { Deferred, Effect, Fiber, Option, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Account } from "../../support/account.ts"
import { deposited, opened, stores } from "../../support/projected.ts"

const Sums = View.make("Sums", {
  from: [Account],
  onPoison: "park",
  state: Schema.Int,
  evolve: {
    AccountOpened: () => 0,
    MoneyDeposited: (sum = 0, { amount }) => {
      if (hands.refuses === amount) throw new Error("refused")
      return sum + amount
    }
  }
})

const hands = { refuses: 0 }

const sumOf = (id: string) => Effect.map(Records.get(Sums, id), Option.getOrUndefined)

/** The projection store, with what was loaded and hooks that run before and after each commit. */
const watched = (before: Hook = () => Effect.void, after: Hook = () => Effect.void) =>
  Effect.map(ProjectionStore.ProjectionStore, (plain) => {
    const loads: Array<ReadonlyArray<string>> = []
    const store: typeof plain = {
      ...plain,
      load: (generation, keys) => (loads.push(keys), plain.load(generation, keys)),
      commit: (commit) => Effect.ensuring(Effect.andThen(before(commit), plain.commit(commit)), after(commit))
    }
    return { loads, on: Effect.provideService(ProjectionStore.ProjectionStore, store) }
  })

type Hook = (commit: ProjectionStore.Commit) => Effect.Effect<unknown>

/** Deposits of 1, 2 and so on into accounts in turn, the first of which are opened before. */
const depositInTurn = (ids: ReadonlyArray<string>, events: number) =>
  Effect.andThen(
    Effect.forEach(ids, (id) => opened(id)),
    Effect.forEach(
      Array.from({ length: events }, (_, i) => i),
      (i) => deposited(ids[i % ids.length]!, i + 1)
    )
  )

describe("the next events", () => {
  it.effect("are read while the store commits those before", () =>
    Effect.gen(function* () {
      yield* depositInTurn(["a"], 5)
      const events = yield* EventStore.EventStore
      const read = new Map([2, 4].map((after) => [after, Deferred.makeUnsafe<void>()]))
      const readAll: typeof events.readAll = (options) => {
        const begun = read.get(Number(options?.after))
        if (begun !== undefined) Deferred.doneUnsafe(begun, Effect.void)
        return events.readAll(options)
      }
      const { on } = yield* watched(({ to }) => {
        const begun = read.get(to)
        return begun === undefined ? Effect.void : Deferred.await(begun)
      })
      const { commits } = yield* Projection.catchUp(Sums, { batch: 2 }).pipe(
        on,
        Effect.provideService(EventStore.EventStore, { ...events, readAll })
      )
      expect(commits).toBe(3)
      expect(yield* sumOf("a")).toBe(15)
    }).pipe(Effect.provide(stores))
  )

  it.effect("fail the projection if they cannot be read, after the commit of those before", () =>
    Effect.gen(function* () {
      yield* depositInTurn(["a"], 5)
      const events = yield* EventStore.EventStore
      const failure = new EventStoreError({ operation: "readAll", reason: new Reason.Corrupt({ detail: "broken" }) })
      const readAll: typeof events.readAll = (options) =>
        options?.after === 4 ? Stream.fail(failure) : events.readAll(options)
      const failing = Projection.catchUp(Sums, { batch: 2 })
      const error = yield* Effect.flip(Effect.provideService(failing, EventStore.EventStore, { ...events, readAll }))
      expect(error).toBe(failure)
      expect(yield* Projection.catchUp(Sums)).toMatchObject({ events: 2, position: 6 })
      expect(yield* sumOf("a")).toBe(15)
    }).pipe(Effect.provide(stores))
  )

  it.effect("are read again if they have waited for long, because the log may have lost them", () =>
    Effect.gen(function* () {
      yield* depositInTurn(["a"], 5)
      const events = yield* EventStore.EventStore
      const reads: Array<unknown> = []
      const readAll: typeof events.readAll = (options) => (reads.push(options?.after), events.readAll(options))
      let commits = 0
      // The first commit waits until the next events were read, and then takes long.
      const { on } = yield* watched(() => {
        if (++commits > 1) return Effect.void
        const isRead = Effect.repeat(Effect.yieldNow, { until: () => reads.includes(2) })
        return Effect.andThen(Effect.andThen(isRead, TestClock.adjust("0 millis")), TestClock.adjust("1 second"))
      })
      yield* Projection.catchUp(Sums, { batch: 2 }).pipe(
        on,
        Effect.provideService(EventStore.EventStore, { ...events, readAll })
      )
      expect(reads.filter((after) => after === 2).length).toBe(2)
      expect(yield* sumOf("a")).toBe(15)
    }).pipe(Effect.provide(stores))
  )

  it.effect("are not read any more when the projection ends", () =>
    Effect.gen(function* () {
      yield* depositInTurn(["a"], 5)
      const events = yield* EventStore.EventStore
      const begun = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<void>()
      const never = Stream.fromEffect(
        Effect.andThen(Deferred.succeed(begun, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Deferred.succeed(ended, undefined))
        )
      )
      const readAll: typeof events.readAll = (options) => (options?.after === 4 ? never : events.readAll(options))
      const running = yield* Projection.run(Sums, { batch: 2 }).pipe(
        Effect.provideService(EventStore.EventStore, { ...events, readAll }),
        Effect.forkChild
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(running)
      yield* Deferred.await(ended)
    }).pipe(Effect.provide(stores))
  )
})

describe("the records of the last batches", () => {
  it.effect("are not loaded again", () =>
    Effect.gen(function* () {
      yield* depositInTurn(["a", "b"], 6)
      const { loads, on } = yield* watched()
      yield* Projection.catchUp(Sums, { batch: 3 }).pipe(on)
      expect(loads).toEqual([["a", "b"]])
      expect([yield* sumOf("a"), yield* sumOf("b")]).toEqual([1 + 3 + 5, 2 + 4 + 6])
    }).pipe(Effect.provide(stores))
  )

  it.effect("are loaded again when a key was parked: its events wait", () =>
    Effect.gen(function* () {
      yield* depositInTurn(["a", "b"], 6)
      hands.refuses = 3
      const { loads, on } = yield* watched()
      yield* Projection.catchUp(Sums, { batch: 3 }).pipe(on)
      expect(loads.slice(1)).toEqual([["a"]])
      expect([yield* sumOf("a"), yield* sumOf("b")]).toEqual([1, 2 + 4 + 6])
      hands.refuses = 0
      expect(yield* Projection.retryParked(Sums)).toMatchObject({ applied: 2 })
      expect(yield* sumOf("a")).toBe(1 + 3 + 5)
    }).pipe(Effect.provide(stores))
  )

  it.effect("are loaded again when a parked key was retried between two batches", () =>
    Effect.gen(function* () {
      yield* depositInTurn(["a"], 5)
      hands.refuses = 2
      const context = yield* Effect.context<Projection.Stores>()
      const retry = Effect.suspend(() => {
        hands.refuses = 0
        return Effect.orDie(Effect.provide(Projection.retryParked(Sums), context))
      })
      const { on } = yield* watched(undefined, ({ to }) => (to === 4 ? retry : Effect.void))
      yield* Projection.catchUp(Sums, { batch: 2 }).pipe(on)
      expect(yield* sumOf("a")).toBe(15)
    }).pipe(Effect.provide(stores))
  )

  it.effect("are loaded again when they are too many to be kept", () =>
    Effect.gen(function* () {
      const Many = View.make("Many", {
        from: [Account],
        state: Schema.Int,
        key: (_, { position }) => Array.from({ length: 4_000 }, (_, i) => `${position % 6} ${i}`),
        evolve: { MoneyDeposited: (sum = 0, { amount }) => sum + amount }
      })
      yield* Effect.forEach(Array.from({ length: 12 }), () => deposited("a", 1))
      const { loads, on } = yield* watched()
      yield* Projection.catchUp(Many, { batch: 1 }).pipe(on)
      expect(loads.length).toBe(12)
      expect(yield* Records.count(Many, Query.from(Many))).toBe(24_000)
      expect(yield* Records.get(Many, "0 3999")).toEqual(Option.some(2))
    }).pipe(Effect.provide(stores))
  )
})
