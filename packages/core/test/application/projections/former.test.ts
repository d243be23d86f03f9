import { describe, expect, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Projection, ProjectionStore, Records, View, ViewStore } from "@hexfold/core"
import { Duration, Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account } from "../../support/account.ts"
import { collecting } from "../../support/logged.ts"
import { deposited, eventually } from "../../support/projected.ts"

const totals = (version: number, consistency: View.Consistency = "async", name = "Totals") =>
  View.make(name, {
    from: [Account],
    state: Schema.Int,
    version,
    consistency,
    evolve: { MoneyDeposited: (total = 0, { amount }) => total + amount }
  })

const [first, second, third] = [totals(1), totals(2), totals(3)]

/** The generations that the store has, as "version build". */
const kept = Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
  Effect.map(status, (all) => all.map(({ build, version, view }) => `${view} ${version} ${build}`))
)

const answers = (view: View.Any) =>
  Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
    Effect.map(status, (all) => all.some((each) => each.version === view.version && each.serves))
  )

/** Runs the projections of one process that keeps other versions for ten minutes. */
const process = (views: View.Any | ReadonlyArray<View.Any>) =>
  Layer.build(Projection.layer(views, { keepFor: "10 minutes", pause: "10 seconds", lease: "1 minute" }))

const minutes = (n: number) => Effect.repeat(TestClock.adjust("30 seconds"), { times: n * 2 - 1 })

/** Owns the only part of a generation without writing anything. */
const owned = (generation: ProjectionStore.Generation, lease: Duration.Input) =>
  Effect.flatMap(ProjectionStore.ProjectionStore, ({ claim }) =>
    claim({ generation, owner: "other", lease: Duration.fromInputUnsafe(lease) })
  )

describe("keepFor", () => {
  it("is refused where it is given, if it is no time from 0 on", () => {
    for (const keepFor of [-1, Number.NaN, Duration.millis(-5)]) {
      expect(() => Projection.layer([], { keepFor })).toThrow("is not a valid keepFor: use a time from 0 on")
    }
    Projection.layer([], { keepFor: 0 })
  })

  it.effect("drops other versions, the earlier and the later, that no projection has owned for so long", () => {
    const { into, lines } = collecting()
    return Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      yield* Projection.rebuild(first)
      yield* Projection.catchUp(third)
      yield* Projection.catchUp(totals(1, "async", "Others"))
      yield* process(second)
      yield* minutes(9)
      expect(yield* kept).toEqual(["Others 1 1", "Totals 1 1", "Totals 1 2", "Totals 2 1", "Totals 3 1"])
      yield* minutes(3)
      expect(yield* kept).toEqual(["Others 1 1", "Totals 2 1"])
      expect(lines.filter((line) => line.includes("dropped"))).toEqual([
        "Info Totals, version 1: dropped, because no projection has worked on it for 10m",
        "Info Totals, version 3: dropped, because no projection has worked on it for 10m"
      ])
      expect(yield* Records.getMany(second, ["a"])).toEqual(new Map([["a", 1]]))
    }).pipe(into, Effect.scoped, Effect.provide(MemoryStores.layer()))
  })

  it.effect("counts from the moment at which the last owner of the version ended", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(first)
      const others = yield* Effect.forkScoped(Projection.run(first, { parts: 2, pause: "10 seconds" }))
      yield* process(second)
      yield* minutes(60)
      expect(yield* kept).toEqual(["Totals 1 1", "Totals 2 1"])
      others.interruptUnsafe()
      yield* minutes(9)
      expect(yield* kept).toEqual(["Totals 1 1", "Totals 2 1"])
      yield* minutes(3)
      expect(yield* kept).toEqual(["Totals 2 1"])
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.effect("keeps a version that a projection stands by, while appends maintain it", () =>
    Effect.gen(function* () {
      const open = yield* MemoryStores.shared
      const [former, next] = [totals(1, "inline"), totals(2, "inline")]
      yield* Effect.gen(function* () {
        yield* Effect.provide(Effect.forkScoped(Projection.run(former)), open({ views: [former] }))
        yield* process(next)
        yield* minutes(60)
        expect(yield* kept).toEqual(["Totals 1 1", "Totals 2 1"])
      }).pipe(Effect.scoped, Effect.provide(open({ views: [next] })))
    })
  )

  it.effect("drops a version also if it is read all the time", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      yield* process(second)
      const reads = Effect.andThen(Records.get(first, "a"), TestClock.adjust("30 seconds"))
      yield* Effect.repeat(reads, { times: 17 })
      yield* minutes(3)
      expect(yield* Effect.flip(Records.get(first, "a"))).toMatchObject({ _tag: "NotServing", reason: "unbuilt" })
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.effect("drops nothing before its own version answers", () =>
    Effect.gen(function* () {
      yield* deposited("a", 1)
      yield* Projection.catchUp(first)
      // Another process owns the version, and comes no further for now.
      yield* owned({ view: "Totals", version: 2 }, "2 hours")
      yield* process(second)
      yield* minutes(60)
      expect([yield* kept, yield* answers(first), yield* answers(second)]).toEqual([
        ["Totals 1 1", "Totals 2 1"],
        true,
        false
      ])
      yield* owned({ view: "Totals", version: 2 }, 0)
      yield* eventually(answers(second))
      yield* minutes(2)
      expect(yield* kept).toEqual(["Totals 2 1"])
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )

  it.effect("keeps other versions for ever by default", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(first)
      yield* Layer.build(Projection.layer(second, { pause: "10 seconds" }))
      yield* minutes(60)
      expect(yield* kept).toEqual(["Totals 1 1", "Totals 2 1"])
    }).pipe(Effect.scoped, Effect.provide(MemoryStores.layer()))
  )
})
