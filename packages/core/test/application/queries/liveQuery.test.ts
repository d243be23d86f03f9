import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import {
  EventStore,
  EventStoreError,
  type InvalidCursor,
  type NotServing,
  Projection,
  ProjectionStore,
  Query,
  Reason,
  Subscription,
  ViewStore,
  ViewStoreError
} from "@hexfold/core"
import { StoredRecords } from "@hexfold/core/adapter"
import { Clock, Deferred, Duration, Effect, Fiber, Option, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Activity, budget, deposited, eventually, opened, reaches, stores } from "../../support/projected.ts"

const sums = Query.from(Activity, { orderBy: ["sum"], select: ["sum"] })
const textOf = ({ rows }: Query.Page<{ readonly sum: number }>) =>
  rows.map(({ key, state }) => `${key} ${state.sum}`).join(", ")

/** The results of a live query, as they arrive. */
const shown = Effect.gen(function* () {
  const results: Array<string> = []
  yield* Subscription.query(Activity, sums).pipe(
    Stream.runForEach((page) => Effect.sync(() => results.push(textOf(page)))),
    Effect.forkScoped({ startImmediately: true })
  )
  yield* eventually(Effect.sync(() => results.length === 1))
  return results
})

/** A view store that counts its calls. */
const counting = Effect.gen(function* () {
  const plain = yield* ViewStore.ViewStore
  const asked = { status: 0, query: 0 }
  const query = (query: Query.Query | Query.Count, version: number) =>
    Effect.suspend((): Effect.Effect<unknown, InvalidCursor | NotServing | ViewStoreError> => {
      asked.query++
      return query._tag === "Count" ? plain.query(query, version) : plain.query(query, version)
    })
  const store: ViewStore.ViewStore["Service"] = {
    ...plain,
    query: query as typeof plain.query,
    status: Effect.suspend(() => (asked.status++, plain.status))
  }
  return { asked, plain, store }
})

const minutes = (n: number) => Effect.repeat(TestClock.adjust("1 second"), { times: n * 60 - 1 })

describe("record", () => {
  it.effect("gives the present state of one record, or none, and then each different one", () =>
    Effect.gen(function* () {
      const sums: Array<number | undefined> = []
      yield* Projection.catchUp(Activity)
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* Subscription.record(Activity, "Account-a").pipe(
        Stream.runForEach((state) => Effect.sync(() => sums.push(Option.getOrUndefined(state)?.sum))),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* eventually(Effect.sync(() => sums.length === 1))
      yield* deposited("a", 1)
      yield* eventually(Effect.sync(() => sums.length === 2))
      // The view advances, the record stays the same.
      yield* deposited("b", 1)
      yield* reaches(Activity, 2)
      yield* deposited("a", 2)
      yield* eventually(Effect.sync(() => sums.length === 3))
      expect(sums).toEqual([undefined, 1, 3])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )
})

describe("query", () => {
  it.effect("gives the present result, and then each different one", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* Effect.forkScoped(Projection.run(Activity))
      const results = yield* shown
      expect(results).toEqual(["Account-a 1, all 1"])
      yield* deposited("a", 2)
      yield* eventually(Effect.sync(() => results.length === 2))
      // The view advances, the result stays the same.
      yield* opened("a")
      yield* reaches(Activity, 3)
      yield* deposited("b", 1)
      yield* eventually(Effect.sync(() => results.length === 3))
      expect(results.slice(1)).toEqual(["Account-a 3, all 3", "Account-b 1, Account-a 3, all 4"])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("is empty at first for a view without events", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      const results = yield* shown
      expect(results).toEqual([""])
      yield* deposited("a", 1)
      yield* minutes(1)
      expect(results).toEqual([""])
      yield* Projection.catchUp(Activity)
      yield* eventually(Effect.sync(() => results.length === 2))
      expect(results[1]).toBe("Account-a 1, all 1")
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("counts records", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* reaches(Activity, 1)
      const counts = yield* Queue.unbounded<number>()
      const live = Subscription.count(Activity, Query.from(Activity))
      expectTypeOf<Stream.Success<typeof live>>().toEqualTypeOf<number>()
      yield* live.pipe(
        Stream.runForEach((count) => Queue.offer(counts, count)),
        Effect.forkScoped({ startImmediately: true })
      )
      expect(yield* Queue.take(counts)).toBe(2)
      yield* deposited("a", 1)
      yield* deposited("b", 1)
      yield* reaches(Activity, 3)
      expect(yield* Queue.take(counts)).toBe(3)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("asks nothing while nothing happens", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* Effect.provideService(shown, ViewStore.ViewStore, store)
      expect(asked).toEqual({ status: 1, query: 1 })
      yield* minutes(10)
      expect(asked).toEqual({ status: 1, query: 1 })
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("looks once a second at a view that lags without advancing, and does not query it", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      yield* Effect.provideService(shown, ViewStore.ViewStore, store)
      yield* minutes(1)
      const { query, status } = asked
      yield* minutes(1)
      expect({ query, more: asked.status - status }).toEqual({ query: 1, more: 60 })
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("queries an inline view at once after an append", () =>
    Effect.gen(function* () {
      const { asked, plain, store } = yield* counting
      yield* Projection.catchUp(Activity)
      const status = Effect.map(store.status, (all) => all.map((each) => ({ ...each, inline: true })))
      const results = yield* Effect.provideService(shown, ViewStore.ViewStore, { ...store, status })
      // Written to the record without the projection, like by an append.
      const { claim, commit } = yield* ProjectionStore.ProjectionStore
      yield* claim({ generation: { view: "Activity", version: 1 }, owner: "append", lease: Duration.minutes(1) })
      const put = [{ key: "x", state: { positions: [], sum: 7, at: "2026-01-01T00:00:00.000Z" } }]
      const { epoch, position } = (yield* plain.status)[0]!.parts[0]!
      const generation = { view: "Activity", version: 1 }
      yield* commit({ owner: { generation, epoch }, from: position, to: position, records: { put, remove: [] } })
      yield* budget(1, 1)
      yield* eventually(
        Effect.sync(() => results.length === 2),
        0
      )
      expect(results).toEqual(["", "x 7"])
      expect(asked).toEqual({ status: 2, query: 2 })
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("skips results for a slow consumer, but not the latest", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const first = yield* Deferred.make<void>()
      const results: Array<string> = []
      yield* Subscription.query(Activity, sums).pipe(
        Stream.runForEach((page) =>
          Effect.andThen(
            Effect.sync(() => results.push(textOf(page))),
            Deferred.await(first)
          )
        ),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* eventually(Effect.sync(() => results.length === 1))
      for (let i = 0; i < 20; i++) {
        yield* deposited("a", 1)
        yield* Projection.catchUp(Activity)
        yield* TestClock.adjust("1 second")
      }
      yield* Deferred.succeed(first, undefined)
      yield* eventually(Effect.sync(() => results.at(-1) === "Account-a 21, all 21"))
      expect(results).toEqual(["Account-a 1, all 1", "Account-a 21, all 21"])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("continues with a generation that takes over, also at the same position", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* deposited("a", 1)
      const results = yield* shown
      const { claim, commit } = yield* ProjectionStore.ProjectionStore
      const generation = { view: "Activity", version: 1, build: 2 }
      const claimed = yield* claim({ generation, owner: "builder", lease: Duration.minutes(1) })
      const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
      yield* commit({ owner: { generation, epoch }, from: 0, to: 1, asks: "serve" })
      yield* eventually(Effect.sync(() => results.length === 2))
      expect(results).toEqual(["Account-a 1, all 1", ""])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("waits while a store is unavailable, and then repeats no result", () =>
    Effect.gen(function* () {
      const { plain, store } = yield* counting
      const events = yield* EventStore.EventStore
      let down = true
      const reason = new Reason.Unavailable({ detail: "down" })
      const cut = <A, E, F>(effect: Effect.Effect<A, E>, error: F) =>
        Effect.suspend((): Effect.Effect<A, E | F> => (down ? Effect.fail(error) : effect))
      const away = new ViewStoreError({ operation: "status", reason })
      const gone = new EventStoreError({ operation: "readAll", reason })
      const horizons = Stream.mapEffect(events.horizons, (horizon) => cut(Effect.succeed(horizon), gone))
      const results: Array<string> = []
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* Subscription.query(Activity, sums).pipe(
        Stream.runForEach((page) => Effect.sync(() => results.push(textOf(page)))),
        Effect.provideService(EventStore.EventStore, { ...events, horizons }),
        Effect.provideService(ViewStore.ViewStore, { ...store, status: cut(plain.status, away) }),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* minutes(1)
      expect(results).toEqual([])
      down = false
      yield* eventually(Effect.sync(() => results.length === 1))
      down = true
      yield* opened("b")
      yield* minutes(1)
      down = false
      yield* Projection.catchUp(Activity)
      yield* eventually(Effect.sync(() => results.length === 2))
      expect(results).toEqual(["Account-a 1, all 1", "Account-b 0, Account-a 1, all 1"])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("says when it has heard of what it shows, also while the view is never at the newest event", () =>
    Effect.gen(function* () {
      const { plain, store } = yield* counting
      const behind = Effect.map(plain.status, (all) =>
        all.map((each) => ({ ...each, position: Math.max(0, each.position - 1) }))
      )
      const pages: Array<unknown> = []
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* StoredRecords.live(Activity, sums).pipe(
        Stream.runForEach((page) => Effect.sync(() => pages.push(page))),
        Effect.provideService(ViewStore.ViewStore, { ...store, status: behind }),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* eventually(Effect.sync(() => pages.length === 1))
      // Nobody has waited for what was there at first.
      expect(StoredRecords.heardAt(pages[0])).toBeUndefined()
      const times: Array<number> = []
      for (let n = 1; n <= 5; n++) {
        yield* minutes(1)
        times.push(yield* Clock.currentTimeMillis)
        yield* deposited("a", n)
        yield* eventually(Effect.sync(() => pages.length === n + 1))
      }
      // As far as is known, the event before the newest one is not shown before the newest one is.
      const heard = pages.slice(2).map((page) => StoredRecords.heardAt(page)!)
      expect(heard.map((time, i) => time >= times[i]!)).toEqual([true, true, true, true])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("fails for errors that waiting does not cure", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const wrong = Subscription.query(Activity, Query.after(sums, "no cursor"))
      expect(yield* Effect.flip(Stream.runDrain(wrong))).toMatchObject({ _tag: "InvalidCursor" })
      const other = { name: "Activity" as const, version: 1, schemas: { state: Query.QuerySchema } }
      const undecodable = yield* Effect.forkChild(
        Effect.flip(Stream.runDrain(Subscription.query(other, Query.from(Activity))))
      )
      expect(yield* Fiber.join(undecodable)).toMatchObject({ _tag: "RecordDecodeError", view: "Activity" })
    }).pipe(Effect.provide(stores))
  )
})
