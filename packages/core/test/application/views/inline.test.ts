import { assert, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, Projection, ProjectionStore, View, ViewStore } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { Effect, Fiber, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { describe } from "vitest"
import { Account } from "../../support/account.ts"
import { deposited, eventually, opened, statusOf, stores } from "../../support/projected.ts"

const poison = 13

// The sum of the deposits. One amount cannot be applied.
const definition = (consistency: View.Consistency, onPoison: View.OnPoison = "stop", version = 1) =>
  View.make("Deposits", {
    from: [Account],
    consistency,
    onPoison,
    version,
    state: Schema.Int,
    evolve: {
      MoneyDeposited: (sum = 0, { amount }) => {
        if (amount === poison) throw new Error("poison")
        return sum + amount
      }
    }
  })

const Deposits = definition("inline")

// Two processes on shared data. The first knows the view, the second does not.
const processes = Effect.map(MemoryStores.shared, (open) => [open({ views: [Deposits] }), open({})] as const)

const isInline = (version = 1) =>
  Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
    Effect.map(status, (all) => all.some((each) => each.version === version && each.inline))
  )

const sumOf = (key: string, version = 1) =>
  Effect.flatMap(ViewStore.ViewStore, ({ load }) =>
    Effect.map(load({ view: "Deposits", version }, [key]), ({ states }) => states.get(key))
  )

describe("the projection of an inline view", () => {
  it.effect("catches up, and leaves the view to the appends", () =>
    Effect.gen(function* () {
      const [both] = yield* processes
      yield* Effect.gen(function* () {
        yield* opened("a")
        yield* deposited("a", 1)
        const running = yield* Effect.forkChild(Projection.run(Deposits))
        yield* eventually(isInline())
        yield* deposited("a", 2)
        assert.strictEqual(yield* sumOf("a"), 3)
        const { owner } = (yield* statusOf(Deposits))!
        assert.isDefined(owner)
        // It owns the view all the time.
        yield* TestClock.adjust("1 minute")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* statusOf(Deposits))?.owner, owner)
        yield* Fiber.interrupt(running)
        assert.isTrue(yield* isInline())
        assert.isUndefined((yield* statusOf(Deposits))?.owner)
      }).pipe(Effect.provide(both))
    })
  )

  it.effect("works when appends have stopped maintaining the view, until they maintain it again", () =>
    Effect.gen(function* () {
      const [both, strangers] = yield* processes
      yield* Effect.gen(function* () {
        yield* Effect.forkChild(Projection.run(Deposits))
        for (let round = 1; round <= 3; round++) {
          yield* eventually(isInline())
          yield* Effect.provide(deposited("a", 1), strangers)
          assert.isFalse(yield* isInline())
        }
        yield* eventually(isInline())
        assert.strictEqual(yield* sumOf("a"), 3)
      }).pipe(Effect.provide(both))
    })
  )

  it.effect("stops at an event that the append could not apply", () =>
    Effect.gen(function* () {
      const [both] = yield* processes
      yield* Effect.gen(function* () {
        const running = yield* Effect.forkChild(Effect.flip(Projection.run(Deposits)))
        yield* eventually(isInline())
        const { position } = yield* deposited("a", poison)
        yield* eventually(Effect.sync(() => running.pollUnsafe() !== undefined))
        assert.deepInclude(yield* Fiber.join(running), { _tag: "ProjectionFailed", position })
        assert.isFalse(yield* isInline())
      }).pipe(Effect.provide(both))
    })
  )

  it.effect("stops the appends if the view became async, and takes over from them in a later build", () =>
    Effect.gen(function* () {
      const [both] = yield* processes
      yield* Effect.gen(function* () {
        yield* deposited("a", 1)
        yield* Projection.catchUp(Deposits)
        assert.isTrue(yield* isInline())
        yield* Projection.catchUp(definition("async"))
        assert.isFalse(yield* isInline())
        yield* Projection.catchUp(Deposits)
        assert.isTrue(yield* isInline())
        const records = yield* ProjectionStore.ProjectionStore
        const switches: Array<ProjectionStore.Commit> = []
        const commit = (commit: ProjectionStore.Commit) => {
          if (commit.asks !== undefined) switches.push(commit)
          return records.commit(commit)
        }
        yield* Projection.rebuild(Deposits).pipe(
          Effect.provideService(ProjectionStore.ProjectionStore, { ...records, commit })
        )
        // It begins to answer in the same commit, so queries never see less than before.
        assert.deepStrictEqual(
          switches.map(({ asks }) => asks),
          ["serve inline"]
        )
        const all = yield* Effect.flatMap(ViewStore.ViewStore, ({ status }) => status)
        assert.deepStrictEqual(
          all.map(({ inline, serves }) => [serves, inline]),
          [
            [false, false],
            [true, true]
          ]
        )
      }).pipe(Effect.provide(both))
    })
  )

  it.effect("works like that of an async view if it has parts, beside the appends of the version before", () =>
    Effect.gen(function* () {
      const open = yield* MemoryStores.shared
      const next = definition("inline", "stop", 2)
      yield* Effect.gen(function* () {
        yield* deposited("a", 1)
        yield* Projection.catchUp(Deposits)
        const running = yield* Effect.forkChild(Projection.run(next, { parts: 2 }))
        const epochs = Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
          Effect.map(status, (all) =>
            all.find(({ serves, version }) => serves && version === 2)?.parts.map(({ epoch }) => epoch)
          )
        )
        yield* eventually(Effect.map(epochs, (all) => all?.length === 2))
        const before = yield* epochs
        for (const amount of [1, 2, 3]) {
          yield* deposited("a", amount)
          yield* TestClock.adjust("5 seconds")
        }
        assert.deepStrictEqual(yield* epochs, before)
        assert.deepStrictEqual([yield* sumOf("a"), yield* sumOf("a", 2)], [7, 7])
        assert.isTrue(yield* isInline())
        yield* Fiber.interrupt(running)
      }).pipe(Effect.provide(open({ views: [Deposits] })))
    })
  )
})

describe("InlineViews", () => {
  it("selects the inline views, whose names must differ", () => {
    assert.deepStrictEqual(InlineViews.select([Deposits, definition("async", "stop", 2)]), [Deposits])
    assert.throws(() => InlineViews.select([Deposits, definition("inline", "stop", 2)]), "two inline views")
  })

  it.effect("applies a view's events in the order of positions, whatever order they are given in", () =>
    Effect.gen(function* () {
      const Amounts = View.make("Amounts", {
        from: [Account],
        state: Schema.Array(Schema.Int),
        key: () => "all",
        evolve: { MoneyDeposited: (amounts: ReadonlyArray<number> = [], { amount }) => [...amounts, amount] }
      })
      yield* opened("a")
      for (const amount of [1, 2, 3]) yield* deposited("a", amount)
      const log = yield* Effect.flatMap(EventStore.EventStore, ({ readAll }) => Stream.runCollect(readAll()))
      const { fold, keys } = yield* Effect.fromResult(InlineViews.plan(Amounts, log.toReversed()))
      assert.deepStrictEqual(keys, ["all"])
      const changes = yield* Effect.fromResult(fold(new Map([["all", [0]]])))
      assert.deepStrictEqual(changes, { put: [{ key: "all", state: [0, 1, 2, 3] }], remove: [] })
      const none = yield* Effect.fromResult(InlineViews.plan(Amounts, log.slice(0, 1)))
      assert.deepStrictEqual(none.keys, [])
    }).pipe(Effect.provide(stores))
  )
})
