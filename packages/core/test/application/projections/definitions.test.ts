import { assert, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import {
  Aggregate,
  Decision,
  Executor,
  Projection,
  ProjectionMonitor,
  Query,
  Records,
  View,
  ViewStore
} from "@hexfold/core"
import { Effect, Fiber, Layer, Logger, Schema } from "effect"
import { TestClock } from "effect/testing"
import { describe } from "vitest"
import { eventually } from "../../support/projected.ts"

const Placed = Schema.TaggedStruct("Placed", { total: Schema.Int })
const Cancelled = Schema.TaggedStruct("Cancelled", {})
const Place = Schema.TaggedStruct("Place", { total: Schema.Int })
const Cancel = Schema.TaggedStruct("Cancel", {})

/** The aggregate of a program that does not know that orders can be cancelled. */
const OldOrder = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Place],
  events: [Placed],
  decide: { Place: ({ total }) => Decision.accept(Placed.make({ total })) },
  evolve: { Placed: (n) => n + 1 }
})

const Order = Aggregate.make("Order", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Place, Cancel],
  events: [Placed, Cancelled],
  decide: {
    Place: ({ total }) => Decision.accept(Placed.make({ total })),
    Cancel: () => Decision.accept(Cancelled.make({}))
  },
  evolve: { Placed: (n) => n + 1, Cancelled: (n) => n }
})

const State = Schema.Struct({ total: Schema.Int, cancelled: Schema.Int })
const none = { total: 0, cancelled: 0 }

const oldViewOf = (consistency: View.Consistency, order: typeof Order | typeof OldOrder = OldOrder) =>
  View.make("Orders", {
    from: [order],
    consistency,
    state: State,
    evolve: { Placed: (state = none, { total }) => ({ ...state, total: state.total + total }) }
  })

const viewOf = (consistency: View.Consistency, indexes: ReadonlyArray<"total"> = []) =>
  View.make("Orders", {
    from: [Order],
    consistency,
    indexes,
    state: State,
    evolve: {
      Placed: (state = none, { total }) => ({ ...state, total: state.total + total }),
      Cancelled: (state = none) => ({ ...state, cancelled: state.cancelled + 1 })
    }
  })

// Of a program that knows that orders can be cancelled, but not in this view.
const Old = oldViewOf("async", Order)
const New = viewOf("async")
const Indexed = viewOf("async", ["total"])

const Counts = View.make("Orders", { from: [Order], state: Schema.Int, evolve: { Placed: (n = 0) => n + 1 } })

const place = (id: string, total = 1) => Executor.execute(Order, id, Place.make({ total }))
const cancel = (id: string) => Executor.execute(Order, id, Cancel.make({}))

const recordsOf = (view: typeof New | typeof Old) =>
  Effect.gen(function* () {
    const { load } = yield* ViewStore.ViewStore
    const { states } = yield* load({ view: view.name, version: view.version }, ["a", "b"])
    const decode = Schema.decodeUnknownSync(State)
    return Object.fromEntries(
      [...states].map(([key, state]) => [key, [decode(state).total, decode(state).cancelled] as const])
    )
  })

const builds = Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
  Effect.map(status, (all) => all.map(({ build, fingerprint, serves }) => ({ build, fingerprint, serves })))
)

/** Runs an effect, and returns its result and the warnings of it that say that a definition differs. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const warnings: Array<string> = []
  const infos: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    const text = [message].flat().join(" ")
    if (logLevel === "Warn") warnings.push(text)
    if (logLevel === "Info") infos.push(text)
  })
  return Effect.map(Effect.provideService(effect, Logger.CurrentLoggers, new Set([logger])), (result) => ({
    result,
    warnings,
    infos
  }))
}

describe("a projection whose definition differs from the one that has made the records", () => {
  it.effect("does not pass over an event that the other one handles, and warns at growing intervals what to do", () =>
    Effect.gen(function* () {
      const { infos, warnings } = yield* logged(
        Effect.gen(function* () {
          yield* Projection.catchUp(New)
          const old = yield* Effect.forkChild(Projection.run(Old))
          yield* cancel("a")
          yield* place("b", 3)
          yield* TestClock.adjust("4 minutes")
          yield* Projection.catchUp(New)
          assert.deepStrictEqual(yield* recordsOf(New), { a: [0, 1], b: [3, 0] })
          yield* TestClock.adjust("20 seconds")
          // It takes over where the records are those of its definition.
          yield* Projection.rebuild(Old)
          yield* TestClock.adjust("5 seconds")
          yield* place("b", 4)
          yield* eventually(Effect.map(recordsOf(Old), ({ b }) => b?.[0] === 7))
          assert.strictEqual((yield* Effect.flip(Projection.catchUp(New)))._tag, "DefinitionDiffers")
          yield* Fiber.interrupt(old)
        })
      )
      // At once, and after one and three minutes.
      assert.lengthOf(warnings, 3)
      for (const each of warnings) {
        assert.include(each, "Orders, version 1: the projection does not work")
        assert.include(each, "it differs in the events that it handles")
        assert.include(each, "Raise the version of the view, or build the records anew with Projection.rebuild")
      }
      assert.isTrue(infos.some((each) => each.includes("Orders, version 1: the projection works again")))
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it.effect("is shown by the status, and is not healthy", () =>
    Effect.gen(function* () {
      yield* place("a")
      yield* Projection.catchUp(New)
      const [own] = yield* ProjectionMonitor.status([New])
      assert.notStrictEqual(own?.state, "another definition")
      const [other] = yield* ProjectionMonitor.status([Indexed])
      assert.strictEqual(other?.state, "another definition")
      const unhealthy = yield* Effect.flip(ProjectionMonitor.health([Indexed]))
      assert.include(unhealthy.message, "another definition of this version has made the records")
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it.effect("is told in which parts it differs", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(New)
      const differences = [
        [Indexed, "it differs in its indexes. "],
        [Old, "it differs in the events that it handles. "],
        [Counts, "it differs in the events that it handles and the Schema of its state. "],
        [
          View.make("Orders", {
            from: [Order],
            state: Schema.Int,
            key: () => "a",
            evolve: { Placed: (n = 0) => n + 1 }
          }),
          "it differs in the events that it handles, the Schema of its state and its keys. "
        ]
      ] as const
      for (const [view, text] of differences) {
        const error = yield* Effect.flip(Projection.catchUp(view))
        assert.strictEqual(error._tag, "DefinitionDiffers")
        assert.include(error.message, text)
      }
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it.effect("does not differ by the number of parts", () =>
    Effect.gen(function* () {
      yield* place("a")
      yield* Projection.catchUp(New, { parts: 2 })
      assert.deepStrictEqual(yield* builds, [{ build: 1, fingerprint: New.fingerprint, serves: true }])
      yield* Projection.catchUp(New, { parts: 3 })
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})

describe("a process that appends with another definition of an inline view", () => {
  it.effect("does not maintain it, also for an event type that it does not know", () =>
    Effect.gen(function* () {
      const open = yield* MemoryStores.shared
      const [view, former] = [viewOf("inline"), oldViewOf("inline")]
      const [one, other] = [open({ views: [view] }), open({ views: [former] })]
      const isInline = Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
        Effect.map(status, (all) => all.some(({ inline }) => inline))
      ).pipe(Effect.provideContext(one))
      yield* Effect.provideContext(Projection.catchUp(view), one)
      yield* Effect.provideContext(cancel("a"), one)
      assert.isTrue(yield* isInline)
      yield* Effect.provideContext(Executor.execute(OldOrder, "b", Place.make({ total: 2 })), other)
      assert.isFalse(yield* isInline)
      assert.strictEqual(
        (yield* Effect.flip(Effect.provideContext(Projection.catchUp(former), other)))._tag,
        "DefinitionDiffers"
      )
      yield* Effect.provideContext(Projection.catchUp(view), one)
      assert.isTrue(yield* isInline)
      assert.deepStrictEqual(yield* Effect.provideContext(recordsOf(view), one), { a: [0, 1], b: [2, 0] })
    })
  )
})

describe("a projection that may rebuild", () => {
  const running = (view: View.Any) => Effect.forkChild(Layer.launch(Projection.layer([view], { onChange: "rebuild" })))
  const serves = (view: View.Any) =>
    eventually(
      Effect.map(builds, (all) => all.some((each) => each.serves && each.fingerprint === view.fingerprint)),
      "1 second"
    )

  it.effect("builds the records anew under the same version; the process with the former definition does not", () =>
    Effect.gen(function* () {
      const { infos, warnings } = yield* logged(
        Effect.gen(function* () {
          yield* place("a", 2)
          yield* cancel("a")
          const old = yield* running(Old)
          yield* serves(Old)
          const next = yield* running(New)
          yield* serves(New)
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(
            (yield* builds).map(({ fingerprint }) => fingerprint),
            [Old.fingerprint, New.fingerprint]
          )
          yield* place("b", 3)
          yield* TestClock.adjust("10 seconds")
          assert.deepStrictEqual(yield* recordsOf(New), { a: [2, 1], b: [3, 0] })
          yield* Fiber.interrupt(next)
          yield* Fiber.interrupt(old)
          // A process that starts has the present definition, whatever it is.
          const again = yield* running(Old)
          yield* serves(Old)
          yield* Fiber.interrupt(again)
        })
      )
      assert.isNotEmpty(warnings)
      assert.lengthOf(
        infos.filter((each) => each.includes("builds the records anew, because another definition has made them")),
        2
      )
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it.effect("leaves the rebuild to another process that is at it", () =>
    Effect.gen(function* () {
      yield* place("a", 2)
      yield* Projection.catchUp(Old)
      const both = [yield* running(New), yield* running(New)]
      yield* serves(New)
      yield* TestClock.adjust("1 minute")
      yield* place("b", 3)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* recordsOf(New), { a: [2, 0], b: [3, 0] })
      yield* Fiber.interruptAll(both)
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})

describe("a list with two views of one name and version", () => {
  const message = /two views are called Orders, version 1, so they would have the same records\. Rename one of them/

  it("throws where it is given", () => {
    const lists: ReadonlyArray<readonly [string, (views: ReadonlyArray<View.Any>) => unknown]> = [
      ["Projection.layer", Projection.layer],
      ["ProjectionMonitor.status", ProjectionMonitor.status],
      ["ProjectionMonitor.health", ProjectionMonitor.health],
      ["ProjectionMonitor.watch", ProjectionMonitor.watch],
      ["ProjectionMonitor.layer", ProjectionMonitor.layer],
      ["MemoryStores.layer", (views) => MemoryStores.layer({ views })]
    ]
    for (const [name, give] of lists) {
      assert.throws(() => give([New, Counts]), message, name)
      assert.throws(() => give([New, viewOf("async")]), message, name)
      assert.throws(() => give([viewOf("inline"), Counts]), message, name)
      assert.throws(() => give([New, New]), /Orders, version 1 is in the list twice/, name)
    }
    const open = Effect.runSync(MemoryStores.shared)
    assert.throws(() => open({ views: [New, Counts] }), message)
  })

  it.effect("is fine with two versions, which run side by side", () =>
    Effect.gen(function* () {
      const next = View.make("Orders", {
        from: [Order],
        version: 2,
        state: Schema.Int,
        evolve: { Placed: (n = 0) => n + 1 }
      })
      yield* place("a", 7)
      yield* Effect.forkScoped(Layer.launch(Projection.layer([New, next])))
      yield* eventually(Effect.map(builds, (all) => all.filter(({ serves }) => serves).length === 2))
      assert.deepStrictEqual(yield* recordsOf(New), { a: [7, 0] })
      assert.strictEqual((yield* Records.query(next, Query.from(next))).rows[0]?.state, 1)
      assert.lengthOf(yield* ProjectionMonitor.status([New, next]), 2)
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})
