import { assert, describe, it } from "@effect/vitest"
import { PgStores } from "@hexfold/adapters-pg"
import { Aggregate, Decision, Executor, ProjectionMonitor, Reactor } from "@hexfold/core"
import { type Context, Effect, Layer, Schedule, Schema } from "effect"
import { ownServer } from "../support/ownServer.ts"

const Note = Schema.TaggedStruct("Note", { n: Schema.Int })
const Noted = Schema.TaggedStruct("Noted", { n: Schema.Int })

const journal = <const Name extends string>(name: Name) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: Schema.Array(Schema.Int),
    initial: [],
    commands: [Note],
    events: [Noted],
    decide: { Note: ({ n }) => Decision.accept(Noted.make({ n })) },
    evolve: { Noted: (all, { n }) => [...all, n] }
  })

const Source = journal("Source")
const Target = journal("Target")

const copying = (version: number) =>
  Reactor.make("Copying", {
    from: [Source],
    start: "beginning",
    version,
    on: { Noted: ({ n }, { id }) => Executor.execute(Target, id, Note.make({ n })) }
  })

const eventually = <E, R>(holds: Effect.Effect<boolean, E, R>) =>
  holds.pipe(
    Effect.catch(() => Effect.succeed(false)),
    Effect.repeat({ until: (does) => does, schedule: Schedule.spaced("20 millis") })
  )

describe("a server that is started again while one version of a reactor takes over from another", () => {
  for (const how of ["restart", "crash"] as const) {
    it.live(`loses and doubles nothing: ${how}`, () =>
      Effect.gen(function* () {
        const server = yield* ownServer()
        const node = Layer.build(PgStores.layerUrl(server.url, { schema: "takeover" }))
        const [first, second] = yield* Effect.all([node, node])
        const options = { lease: "2 seconds", pause: "20 millis" } as const
        const run = (version: number, context: Context.Context<Reactor.Stores>) =>
          Effect.forkScoped(
            Layer.launch(Reactor.layer([copying(version)], options)).pipe(Effect.provideContext(context))
          )
        // A command whose answer was lost is sent again under its id.
        const note = (n: number) =>
          Executor.execute(Source, `${n % 3}`, Note.make({ n }), { commandId: `note ${n}` }).pipe(
            Effect.retry({ schedule: Schedule.spaced("50 millis"), while: ({ _tag }) => _tag === "EventStoreError" })
          )
        const versionOf = Effect.map(ProjectionMonitor.status([copying(2)]), ([status]) => status?.version)
        const noted = (id: string) => Effect.map(Executor.load(Target, id), ({ state }) => state)
        yield* run(1, first)
        yield* Effect.gen(function* () {
          for (let n = 1; n <= 20; n++) yield* note(n)
          yield* run(2, second)
          yield* server[how]
          for (let n = 21; n <= 40; n++) yield* note(n)
          const all = Effect.forEach(["0", "1", "2"], noted)
          yield* eventually(Effect.map(all, (each) => each.flat().length >= 40))
          const expected = (rest: number) => Array.from({ length: 40 }, (_, i) => i + 1).filter((n) => n % 3 === rest)
          assert.deepStrictEqual(yield* all, [expected(0), expected(1), expected(2)])
          yield* eventually(Effect.map(versionOf, (version) => version === 2))
        }).pipe(Effect.provideContext(first))
      })
    )
  }
})
