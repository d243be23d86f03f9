import { expect, it } from "@effect/vitest"
import { Aggregate, Decision, Executor, Projection, Reactor } from "@hexfold/core"
import { Effect, Fiber, Layer, Schedule, Schema } from "effect"
import { stores } from "../../support/projected.ts"

const Bell = Aggregate.make("Bell", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Schema.TaggedStruct("Ring", {}), Schema.TaggedStruct("Mute", {})],
  events: [Schema.TaggedStruct("Rung", {}), Schema.TaggedStruct("Muted", {})],
  decide: { Ring: () => Decision.accept({ _tag: "Rung" }), Mute: () => Decision.accept({ _tag: "Muted" }) },
  evolve: { Rung: (n) => n + 1, Muted: (n) => n }
})

it.live("a version that handles one more kind of event handles it from where the former one has ended", () =>
  Effect.gen(function* () {
    for (const [id, tag] of [
      ["stuck", "Ring"],
      ["a", "Mute"],
      ["a", "Ring"]
    ] as const) {
      yield* Executor.execute(Bell, id, { _tag: tag })
    }
    const handled: Array<string> = []
    const rang = (version: number, id: string) =>
      version === 1 && id === "stuck" ? Effect.never : Effect.sync(() => handled.push(`${version}: rung ${id}`))
    const first = Reactor.make("Bells", { from: [Bell], start: "beginning", on: { Rung: (_, { id }) => rang(1, id) } })
    const next = Reactor.make("Bells", {
      from: [Bell],
      start: "beginning",
      version: 2,
      on: {
        Rung: (_, { id }) => rang(2, id),
        Muted: (_, { id }) => Effect.sync(() => handled.push(`2: muted ${id}`))
      }
    })
    const running = yield* Effect.forkScoped(Layer.launch(Reactor.layer([first], { stopWithin: 1 })))
    yield* Effect.repeat(
      Effect.sync(() => handled.length > 0),
      { until: (done) => done, schedule: Schedule.spaced("5 millis") }
    )
    yield* Fiber.interrupt(running)
    yield* Reactor.catchUp(next)
    expect(handled).toEqual(["1: rung a", "2: rung stuck", "2: muted a"])
    yield* Executor.execute(Bell, "b", { _tag: "Ring" }).pipe(
      Effect.tap(Reactor.catchUp(next)),
      Projection.waitFor(next)
    )
    expect(handled.at(-1)).toBe("2: rung b")
  }).pipe(Effect.provide(Layer.fresh(stores)))
)
