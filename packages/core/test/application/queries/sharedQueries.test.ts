import { describe, expect, it } from "@effect/vitest"
import {
  EventStore,
  Projection,
  ProjectionStore,
  Query,
  Reason,
  Subscription,
  ViewStore,
  ViewStoreError
} from "@hexfold/core"
import { StoredRecords } from "@hexfold/core/adapter"
import { Deferred, Effect, Exit, Fiber, Option, Schema, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Activity, appendRaw, deposited, eventually, reaches, stores } from "../../support/projected.ts"

const sums = Query.from(Activity, { orderBy: ["sum"], select: ["sum"] })
const first = ({ rows }: Query.Page<{ readonly sum: number }>) => rows[0]?.state.sum ?? 0

const stateOf = Schema.decodeUnknownSync(Schema.Struct({ sum: Schema.Int }))

/** A view store that counts its queries, and can be made to fail. */
const counting = Effect.gen(function* () {
  const plain = yield* ViewStore.ViewStore
  const asked = { queries: 0, status: 0, failure: undefined as ViewStoreError | undefined }
  const query = (query: Query.Query, version: number) => {
    asked.queries++
    return Effect.suspend(() =>
      asked.failure === undefined ? plain.query(query, version) : Effect.fail(asked.failure)
    )
  }
  const status = Effect.suspend(() => (asked.status++, plain.status))
  // Each use has an object of its own, as if each had wrapped the store for itself.
  return { asked, store: () => ({ ...plain, status, query: query as unknown as typeof plain.query }) }
})

/** The first sums that a watcher is shown. Each watcher makes the query anew. */
const watch = (
  store: ViewStore.ViewStore["Service"],
  consume: (sum: number) => Effect.Effect<void> = () => Effect.void
) =>
  Effect.gen(function* () {
    const shown: Array<number> = []
    const fiber = yield* Subscription.query(Activity, { ...sums }).pipe(
      Stream.runForEach((page) =>
        Effect.andThen(
          Effect.sync(() => shown.push(first(page))),
          consume(first(page))
        )
      ),
      Effect.provideService(ViewStore.ViewStore, store),
      Effect.forkScoped({ startImmediately: true })
    )
    return { shown, fiber }
  })

const foreign = (i: number) => appendRaw("Other-1" as EventStore.Write["streamId"], "Ticked", { i })

const all = (watchers: ReadonlyArray<{ readonly shown: ReadonlyArray<number> }>, sums: ReadonlyArray<number>) =>
  eventually(Effect.sync(() => watchers.every(({ shown }) => String(shown) === String(sums))))

describe("equal live queries", () => {
  it.effect("are asked once for all, and not for events that change no record", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* deposited("a", 1)
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* reaches(Activity, 1)
      const watchers = yield* Effect.all(Array.from({ length: 100 }, () => watch(store())))
      yield* all(watchers, [1])
      expect(asked.queries).toBe(1)
      for (let i = 0; i < 20; i++) {
        yield* foreign(i)
        yield* TestClock.adjust("100 millis")
      }
      yield* reaches(Activity, 21)
      yield* TestClock.adjust("5 seconds")
      expect(asked.queries).toBe(1)
      yield* deposited("a", 2)
      yield* all(watchers, [1, 3])
      expect(asked.queries).toBe(2)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("400 of them make one query for an event, whatever the order of the query's members is", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* deposited("a", 1)
      yield* reaches(Activity, 1)
      const watchers = yield* Effect.all(Array.from({ length: 400 }, () => watch(store())))
      yield* all(watchers, [1])
      for (let sum = 2; sum < 5; sum++) {
        yield* deposited("a", 1)
        yield* eventually(Effect.sync(() => watchers.every(({ shown }) => shown.at(-1) === sum)))
        expect(asked.queries).toBe(sum)
      }
      const turned = Object.fromEntries(Object.entries(sums).reverse()) as unknown as typeof sums
      const page = yield* Subscription.query(Activity, turned).pipe(
        Stream.runHead,
        Effect.provideService(ViewStore.ViewStore, store())
      )
      expect([first(Option.getOrThrow(page)), asked.queries]).toEqual([4, 4])
      yield* Subscription.query(Activity, Query.from(Activity)).pipe(
        Stream.runHead,
        Effect.provideService(ViewStore.ViewStore, store())
      )
      expect(asked.queries).toBe(5)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect(
    "with a pace are asked once in it, and show the last change; one that comes meanwhile is answered at once",
    () =>
      Effect.gen(function* () {
        const { asked, store } = yield* counting
        yield* Effect.forkScoped(Projection.run(Activity))
        yield* deposited("a", 1)
        yield* reaches(Activity, 1)
        const paced = Effect.gen(function* () {
          const shown: Array<number> = []
          yield* StoredRecords.live(Activity, { ...sums }, { pace: "1 hour" }).pipe(
            Stream.runForEach(({ rows }) => Effect.sync(() => shown.push(stateOf(rows[0]?.state).sum))),
            Effect.provideService(ViewStore.ViewStore, store()),
            Effect.forkScoped({ startImmediately: true })
          )
          return { shown }
        })
        const early = yield* paced
        yield* all([early], [1])
        for (let position = 2; position < 6; position++) {
          yield* deposited("a", 1)
          yield* reaches(Activity, position)
        }
        expect([early.shown, asked.queries]).toEqual([[1], 1])
        const late = yield* paced
        yield* all([late], [5])
        yield* all([early], [1, 5])
        expect(asked.queries).toBe(2)
        yield* deposited("a", 1)
        yield* reaches(Activity, 6)
        yield* TestClock.adjust("50 minutes")
        expect(asked.queries).toBe(2)
        yield* TestClock.adjust("10 minutes")
        yield* all([early], [1, 5, 6])
        yield* all([late], [5, 6])
        expect(asked.queries).toBe(3)
      }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("let other work go on between the groups in which they are told", () =>
    Effect.gen(function* () {
      const { store } = yield* counting
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* deposited("a", 1)
      yield* reaches(Activity, 1)
      const watchers = yield* Effect.all(Array.from({ length: 300 }, () => watch(store())))
      yield* all(watchers, [1])
      const told = () => watchers.filter(({ shown }) => shown.length === 2).length
      const counts = new Set<number>()
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => counts.add(told()))
          )
        )
      )
      yield* deposited("a", 1)
      yield* all(watchers, [1, 2])
      expect(counts.size).toBeGreaterThan(5)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("show a late one what is in the records when it comes, though no event says that they have changed", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const early = yield* watch(store())
      yield* all([early], [1])
      const { status } = yield* ViewStore.ViewStore
      const { commit } = yield* ProjectionStore.ProjectionStore
      const [
        {
          parts: [part],
          position
        }
      ] = (yield* status) as [ViewStore.Status]
      const generation = { view: "Activity", version: 1 }
      const put = [{ key: "x", state: { positions: [], sum: -7, at: "2026-01-01T00:00:00.000Z" } }]
      const owner = { generation, epoch: part!.epoch }
      yield* commit({ owner, from: position, to: position, records: { put, remove: [] } })
      const late = yield* watch(store())
      yield* all([late], [-7])
      yield* all([early], [1, -7])
      expect(asked.queries).toBe(2)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("do not wait for a slow one, and ask nothing while nobody waits for an answer", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* deposited("a", 1)
      yield* reaches(Activity, 1)
      const [free, scope] = [yield* Deferred.make<void>(), yield* Scope.make()]
      const slow = yield* watch(store(), () => Deferred.await(free))
      const quick = yield* Scope.provide(watch(store()), scope)
      yield* all([slow, quick], [1])
      for (let sum = 2; sum < 6; sum++) {
        yield* deposited("a", 1)
        yield* eventually(Effect.sync(() => quick.shown.at(-1) === sum))
      }
      expect([slow.shown, asked.queries]).toEqual([[1], 5])
      yield* Scope.close(scope, Exit.void)
      for (let i = 0; i < 5; i++) yield* deposited("a", 1)
      yield* reaches(Activity, 10)
      yield* TestClock.adjust("5 seconds")
      expect(asked.queries).toBe(5)
      yield* Deferred.succeed(free, undefined)
      yield* all([slow], [1, 10])
      expect(asked.queries).toBe(6)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("go on when one is interrupted; after the last one nothing is asked", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* deposited("a", 1)
      yield* reaches(Activity, 1)
      const [one, two, three] = [yield* watch(store()), yield* watch(store()), yield* watch(store())]
      yield* all([one, two, three], [1])
      yield* Fiber.interrupt(one.fiber)
      yield* deposited("a", 1)
      yield* all([two, three], [1, 2])
      expect([one.shown, asked.queries]).toEqual([[1], 2])
      yield* Fiber.interrupt(two.fiber)
      yield* Fiber.interrupt(three.fiber)
      const { status } = asked
      yield* deposited("a", 1)
      yield* reaches(Activity, 3)
      yield* TestClock.adjust("1 minute")
      expect([asked.queries, asked.status]).toEqual([2, status])
      const again = yield* watch(store())
      yield* all([again], [3])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("end with the same error, and those that come later begin anew", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* Effect.forkScoped(Projection.run(Activity))
      yield* deposited("a", 1)
      yield* reaches(Activity, 1)
      const watchers = [yield* watch(store()), yield* watch(store())]
      yield* all(watchers, [1])
      const reason = new Reason.Rejected({ detail: "no right to read" })
      asked.failure = new ViewStoreError({ operation: "query", view: "Activity", reason })
      yield* deposited("a", 1)
      yield* eventually(Effect.sync(() => watchers.every(({ fiber }) => fiber.pollUnsafe() !== undefined)))
      for (const { fiber } of watchers) expect(yield* Effect.flip(Fiber.join(fiber))).toBe(asked.failure)
      expect(asked.queries).toBe(2)
      asked.failure = undefined
      yield* all([yield* watch(store())], [2])
    }).pipe(Effect.scoped, Effect.provide(stores))
  )

  it.effect("are not shared with one inside a transaction of its caller", () =>
    Effect.gen(function* () {
      const { asked, store } = yield* counting
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const events = yield* EventStore.EventStore
      const outside = yield* watch(store())
      yield* all([outside], [1])
      const joined = { ...events, inTransaction: () => true }
      const inside = yield* watch(store()).pipe(Effect.provideService(EventStore.EventStore, joined))
      yield* all([inside], [1])
      expect(asked.queries).toBe(2)
    }).pipe(Effect.scoped, Effect.provide(stores))
  )
})
