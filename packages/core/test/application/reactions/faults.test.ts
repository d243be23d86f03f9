import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Process, Projection, Reactor, View } from "@hexfold/core"
import { Effect, Metric, Schedule, Schema, Stream } from "effect"
import { stores } from "../../support/projected.ts"
import { Bell, ring, ringBroken, ringBrokenTogether, ringing } from "../../support/reacting.ts"

const counted = (name: string) =>
  Effect.map(Metric.snapshot, (all) =>
    all.flatMap(({ id, state }) => (id === name ? [(state as { readonly count?: number }).count] : []))
  )

describe("reactors", () => {
  it.live("count each attempt of a handler that has failed once", () =>
    Effect.gen(function* () {
      yield* ring(1, ["a"])
      const reactor = { ...ringing(() => Effect.fail("no"), { onPoison: "skip" }), retry: Schedule.recurs(2) }
      yield* Reactor.catchUp(reactor)
      expect(yield* counted("hexfold_reactor_failures_total")).toEqual([3])
    }).pipe(Effect.provide(stores), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("a view whose keys follow from the stream", () => {
  it.effect("parks an event of a retired type that does not decode, and does not pass it", () =>
    Effect.gen(function* () {
      yield* ring(1, ["a"])
      yield* ringBroken("c")
      yield* ringBrokenTogether("b")
      yield* ring(4, ["a"])
      const view = View.make("Rings", {
        from: [Bell],
        onPoison: "park",
        state: Schema.Int,
        evolve: { Rang: (count = 0) => count + 1 }
      })
      yield* Projection.catchUp(view)
      const letters = yield* Stream.runCollect(Projection.deadLetters(view))
      expect(letters.map(({ error, key, position }) => [position, key, error?.step])).toEqual([
        [2, "c", "decode"],
        [3, "b", "decode"],
        [4, "b", undefined]
      ])
    }).pipe(Effect.provide(stores))
  )
})

describe("a process", () => {
  it("does not start after a position that cannot be one", () => {
    const Door = Aggregate.make("Door", {
      id: Schema.String,
      state: Schema.Null,
      initial: null,
      events: [],
      evolve: {}
    })
    const make = (after: number) =>
      Process.make("Opening", { from: [Door], to: [], start: { after }, state: Schema.Null, initial: null, on: {} })
    expect(() => make(-1)).toThrow("it cannot start after position -1")
    expect(make(0).start).toEqual({ after: 0 })
  })
})
