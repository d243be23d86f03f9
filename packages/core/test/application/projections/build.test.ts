import { describe, expect, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection, ProjectionStore, Query, Records, View, ViewStore } from "@hexfold/core"
import { Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account } from "../../support/account.ts"
import { deposited, eventually } from "../../support/projected.ts"

const totals = (version: number, consistency: View.Consistency) =>
  View.make("Totals", {
    from: [Account],
    state: Schema.Int,
    version,
    consistency,
    evolve: {
      MoneyDeposited: (total = 0, { amount }) => {
        if (version === 3) throw new Error("no")
        return total + version * amount
      }
    }
  })

const [first, second] = [totals(1, "async"), totals(2, "async")]
const [firstInline, secondInline] = [totals(1, "inline"), totals(2, "inline")]

/** Each generation with its position, and what it does. */
const generations = Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
  Effect.map(status, (all) =>
    all.map(({ inline, position, serves, version }) => ({
      version,
      position,
      does: inline ? "answers inline" : serves ? "answers" : "nothing"
    }))
  )
)

const totalsOf = (view: typeof first) =>
  Effect.map(Records.query(view, Query.from(view)), ({ rows }) =>
    Object.fromEntries(rows.map(({ key, state }) => [key, state]))
  )

const done = (fiber: Fiber.Fiber<unknown, unknown>) => eventually(Effect.sync(() => fiber.pollUnsafe() !== undefined))

/** The stores of a process that knows version 1 of the inline view, and of one that knows version 2. */
const processes = Effect.map(
  MemoryStores.shared,
  (open) => [open({ views: [firstInline] }), open({ views: [secondInline] })] as const
)

describe("build", () => {
  it.effect("ends when the version has caught up, which answers from then on, beside the one that works", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 5; i++) yield* deposited("a", 1)
      const working = yield* Effect.forkScoped(Projection.run(first))
      yield* eventually(Effect.map(generations, ([is]) => is?.does === "answers"))
      expect(yield* Projection.build(second, { batch: 2 })).toEqual({ position: 5, events: 5, commits: 3 })
      expect([yield* totalsOf(first), yield* totalsOf(second)]).toEqual([{ a: 5 }, { a: 10 }])
      yield* deposited("a", 1)
      yield* eventually(Effect.map(generations, ([is]) => is?.position === 6))
      expect(working.pollUnsafe()).toBeUndefined()
      // Again, shortly before the deployment.
      expect(yield* Projection.build(second)).toEqual({ position: 6, events: 1, commits: 1 })
      expect([yield* totalsOf(first), yield* totalsOf(second)]).toEqual([{ a: 6 }, { a: 12 }])
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.effect("of a version leaves an inline view of another version to its appends", () =>
    Effect.gen(function* () {
      const [former, next] = yield* processes
      yield* Effect.gen(function* () {
        yield* deposited("a", 1)
        yield* Projection.catchUp(firstInline)
        // A job that only knows the next version builds it.
        yield* Effect.provide(Projection.build(secondInline), next)
        expect(yield* generations).toEqual([
          { version: 1, position: 1, does: "answers inline" },
          { version: 2, position: 1, does: "answers" }
        ])
        yield* deposited("a", 1)
        expect(yield* generations).toMatchObject([{ position: 2, does: "answers inline" }, { position: 1 }])
        expect(yield* totalsOf(firstInline)).toEqual({ a: 2 })
        // The processes of the next version begin.
        yield* Effect.provide(Projection.catchUp(secondInline), next)
        expect(yield* generations).toMatchObject([{ does: "answers inline" }, { position: 2, does: "answers inline" }])
        expect(yield* totalsOf(secondInline)).toEqual({ a: 4 })
      }).pipe(Effect.provide(former))
    })
  )

  it.effect("of an inline view that appends maintain leaves it to them", () =>
    Effect.gen(function* () {
      const [former] = yield* processes
      yield* Effect.gen(function* () {
        yield* deposited("a", 1)
        yield* Projection.catchUp(firstInline)
        expect(yield* Projection.build(firstInline)).toEqual({ position: 1, events: 0, commits: 0 })
        yield* deposited("a", 1)
        expect(yield* generations).toEqual([{ version: 1, position: 2, does: "answers inline" }])
        expect(yield* totalsOf(firstInline)).toEqual({ a: 2 })
      }).pipe(Effect.provide(former))
    })
  )

  it.effect("fails at an event that cannot be applied, and does not answer", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      expect(yield* Effect.flip(Projection.build(totals(3, "async")))).toMatchObject({
        _tag: "ProjectionFailed",
        version: 3,
        position: 1
      })
      expect(yield* generations).toMatchObject([{ does: "answers" }, { version: 3, does: "nothing" }])
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})

describe("serve", () => {
  it.effect("brings a version that was left to the events that it lacks, and ends when it answers", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      yield* TestClock.adjust("2 minutes")
      yield* deposited("a", 1)
      yield* Projection.catchUp(second)
      expect(yield* Effect.flip(totalsOf(first))).toMatchObject({ _tag: "NotServing", reason: "left" })
      expect(yield* Projection.serve(first)).toMatchObject({ position: 2, events: 1 })
      expect([yield* totalsOf(first), yield* totalsOf(second)]).toEqual([{ a: 2 }, { a: 4 }])
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it.effect("waits for another owner that has applied every event, but has not asked to answer yet", () =>
    Effect.gen(function* () {
      const { claim, commit } = yield* ProjectionStore.ProjectionStore
      yield* deposited("a", 1)
      const generation = { view: "Totals", version: 1 }
      const claimed = yield* claim({ generation, owner: "other", lease: Duration.hours(1) })
      const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
      yield* commit({ owner: { generation, epoch }, from: 0, to: 1 })
      const waiting = yield* Effect.forkChild(Projection.serve(first))
      yield* TestClock.adjust("1 minute")
      expect(waiting.pollUnsafe()).toBeUndefined()
      yield* commit({ owner: { generation, epoch }, from: 1, to: 1, asks: "serve" })
      yield* done(waiting)
      expect(yield* Fiber.join(waiting)).toEqual({ position: 1, events: 0, commits: 0 })
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})
