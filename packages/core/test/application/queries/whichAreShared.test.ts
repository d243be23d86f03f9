/** Which live queries of a process are shared: equal ones of one version of a view, asynchronous or inline. */
import { describe, expect, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { type EventStore, Projection, Query, Records, Subscription, View, ViewStore } from "@hexfold/core"
import { Effect, Fiber, Redacted, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Account } from "../../support/account.ts"
import { Activity, appendRaw, deposited, eventually, opened, reaches } from "../../support/projected.ts"

/** A view store that counts its queries. */
const counting = Effect.gen(function* () {
  const plain = yield* ViewStore.ViewStore
  const asked: Array<string> = []
  const query = (query: Query.Query, version: number) => {
    asked.push(`${version} ${JSON.stringify(query)}`)
    return plain.query(query, version)
  }
  const store = ViewStore.ViewStore.of({ ...plain, query: query as unknown as typeof plain.query })
  return { asked, on: Effect.provideService(ViewStore.ViewStore, store) }
})

const watch = <A, E, R, B>(results: Stream.Stream<A, E, R>, f: (result: A) => B) =>
  Effect.gen(function* () {
    const shown: Array<B> = []
    const fiber = yield* results.pipe(
      Stream.runForEach((result) => Effect.sync(() => shown.push(f(result)))),
      Effect.forkScoped({ startImmediately: true })
    )
    return { shown, fiber }
  })

const foreign = (i: number) => appendRaw("Other-1" as EventStore.Write["streamId"], "Ticked", { i })

const all = (watchers: ReadonlyArray<{ readonly shown: ReadonlyArray<unknown> }>, results: ReadonlyArray<unknown>) =>
  eventually(Effect.sync(() => watchers.every(({ shown }) => JSON.stringify(shown) === JSON.stringify(results))))

const hundred = <A, E, R>(one: Effect.Effect<A, E, R>) => Effect.all(Array.from({ length: 100 }, () => one))

const ordered = Query.from(Activity, { orderBy: ["sum"], limit: 1 })

describe("live queries", () => {
  it.effect("with another limit, order, place to begin or timeout are asked by themselves", () =>
    Effect.gen(function* () {
      const { asked, on } = yield* counting
      yield* opened("a")
      yield* deposited("b", 1)
      yield* Projection.catchUp(Activity)
      const { next } = yield* Records.query(Activity, ordered)
      const questions = [
        ordered,
        Query.from(Activity, { orderBy: ["sum"], limit: 2 }),
        Query.from(Activity, { orderBy: [["sum", "desc"]], limit: 1 }),
        { ...ordered, timeout: 1_000 },
        Query.after(ordered, next!)
      ]
      const watchers = yield* Effect.forEach([...questions, ...questions], (query) =>
        watch(Subscription.query(Activity, query), ({ rows }) => rows.map(({ state }) => state.sum)).pipe(on)
      )
      yield* eventually(Effect.sync(() => watchers.every(({ shown }) => shown.length === 1)))
      const expected = [[0], [0, 1], [1], [0], [1]]
      expect(watchers.map(({ shown }) => shown[0])).toEqual([...expected, ...expected])
      expect(new Set(asked).size).toBe(questions.length)
      expect(asked.length).toBe(questions.length)
      const counted = yield* watch(Subscription.count(Activity, ordered), (count) => count).pipe(on)
      yield* all([counted], [3])
      expect(asked.length).toBe(questions.length + 1)
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.effect("of programs with other secrets are asked once, and each gets a cursor of its own", () =>
    Effect.gen(function* () {
      const { asked, on } = yield* counting
      yield* opened("a")
      yield* deposited("b", 1)
      yield* Projection.catchUp(Activity)
      const secrets = ["a secret of thirty-two characters", "another secret of thirty-two characters"]
      const sealing = secrets.map((secret) => Effect.provide(Records.sealedCursors(Redacted.make(secret))))
      const watchers = yield* Effect.forEach(sealing, (sealed) =>
        watch(Subscription.query(Activity, ordered), ({ next }) => next!).pipe(sealed, on)
      )
      yield* eventually(Effect.sync(() => watchers.every(({ shown }) => shown.length === 1)))
      expect(asked.length).toBe(1)
      for (const [i, sealed] of sealing.entries()) {
        const [own, other] = [watchers[i]!.shown[0]!, watchers[1 - i]!.shown[0]!]
        const { rows } = yield* sealed(Records.query(Activity, Query.after(ordered, own)))
        expect(rows.map(({ state }) => state.sum)).toEqual([1])
        const failed = yield* Effect.flip(sealed(Records.query(Activity, Query.after(ordered, other))))
        expect(failed._tag).toBe("InvalidCursor")
      }
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.effect("of two versions are asked by themselves; if one version stops to answer, only its own fail", () =>
    Effect.gen(function* () {
      const next = { ...Activity, version: 2 }
      const { asked, on } = yield* counting
      const sums = (view: typeof Activity) =>
        watch(Subscription.record(view, "all"), (state) => (state._tag === "Some" ? state.value.sum : 0))
      yield* deposited("a", 1)
      for (const view of [Activity, next]) yield* Projection.catchUp(view)
      const [former, later] = [yield* hundred(sums(Activity)), yield* hundred(sums(next))]
      const counts = yield* hundred(on(watch(Subscription.count(Activity, ordered), (count) => count)))
      yield* all([...former, ...later], [1])
      yield* all(counts, [2])
      yield* deposited("a", 2)
      yield* Projection.catchUp(next)
      yield* all(later, [1, 3])
      // The other version looks for what it has missed, and asks nothing.
      yield* TestClock.adjust("10 seconds")
      expect(asked.length).toBe(1)
      yield* all(former, [1])
      yield* Projection.catchUp(Activity)
      yield* all(former, [1, 3])
      yield* TestClock.adjust("2 minutes")
      yield* deposited("a", 3)
      yield* Projection.catchUp(next)
      yield* all(later, [1, 3, 6])
      const ended = [...former, ...counts]
      yield* eventually(Effect.sync(() => ended.every(({ fiber }) => fiber.pollUnsafe() !== undefined)))
      for (const { fiber } of ended) {
        const error = yield* Effect.flip(Fiber.join<unknown, unknown>(fiber))
        expect(error).toMatchObject({ _tag: "NotServing", version: 1, reason: "left" })
      }
      yield* Projection.catchUp(Activity)
      yield* all([yield* sums(Activity)], [6])
      yield* deposited("a", 4)
      yield* Projection.catchUp(next)
      yield* all(later, [1, 3, 6, 10])
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.effect("of a view that is rebuilt are asked once more when the new build takes over", () =>
    Effect.gen(function* () {
      const { asked, on } = yield* counting
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      const sums = Subscription.query(Activity, Query.from(Activity, { orderBy: ["sum"], limit: 1 }))
      const watchers = yield* hundred(on(watch(sums, ({ rows }) => rows[0]!.state.sum)))
      yield* all(watchers, [1])
      yield* Projection.rebuild(Activity)
      for (let i = 0; i < 20; i++) yield* foreign(i)
      yield* Projection.catchUp(Activity)
      yield* eventually(Effect.sync(() => asked.length === 2))
      yield* TestClock.adjust("10 seconds")
      expect(asked.length).toBe(2)
      yield* deposited("a", 2)
      yield* Projection.catchUp(Activity)
      yield* all(watchers, [1, 3])
      expect(asked.length).toBe(3)
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )
})

const Deposits = View.make("Deposits", {
  from: [Account],
  consistency: "inline",
  state: Schema.Int,
  evolve: { MoneyDeposited: (sum = 0, { amount }) => sum + amount }
})

it.effect(
  "live queries of an inline view are asked only for the events of the view, also after appends have left it to its projection",
  () =>
    Effect.gen(function* () {
      const open = yield* MemoryStores.shared
      const [knowing, unknowing] = [open({ views: [Deposits] }), open({})]
      yield* Effect.gen(function* () {
        const { asked, on } = yield* counting
        yield* deposited("a", 1)
        yield* Effect.forkScoped(Projection.run(Deposits))
        const isInline = Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
          Effect.map(status, (builds) => builds.some(({ inline }) => inline))
        )
        yield* eventually(isInline)
        const sums = Subscription.query(Deposits, Query.from(Deposits))
        const watchers = yield* hundred(on(watch(sums, ({ rows }) => rows.map(({ state }) => state))))
        yield* all(watchers, [[1]])
        for (let i = 0; i < 20; i++) {
          yield* foreign(i)
          yield* opened(`of-others-${i}`)
          yield* TestClock.adjust("100 millis")
        }
        expect(asked.length).toBe(1)
        yield* deposited("a", 2)
        yield* all(watchers, [[1], [3]])
        expect(asked.length).toBe(2)
        // An append of a process that does not know the view leaves it to its projection.
        yield* Effect.provide(deposited("a", 4), unknowing)
        yield* all(watchers, [[1], [3], [7]])
        yield* reaches(Deposits, 43)
        yield* deposited("a", 8)
        yield* all(watchers, [[1], [3], [7], [15]])
      }).pipe(Effect.provide(knowing))
    }).pipe(Effect.scoped)
)
