import { PgEventStore } from "@hexfold/adapters-pg"
import { Aggregate, Decision, EventStore, Executor } from "@hexfold/core"
import { Effect, ManagedRuntime, Redacted, Schema, Stream } from "effect"
import { randomBytes } from "node:crypto"
import { alternate, type Contender, type Report } from "./measure.ts"

class Write extends Schema.TaggedClass<Write>()("Write", { text: Schema.String }) {}

const Letter = Aggregate.make("Letter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Write],
  events: [Schema.TaggedStruct("Written", { text: Schema.String })],
  errors: [],
  decide: { Write: ({ text }) => Decision.accept({ _tag: "Written", text }) },
  evolve: { Written: (count) => count + 1 }
})

const count = 1_000
const bytes = 300_000

/** Reads of large events. Postgres compresses those with much repetition: they should cost what others of their length do. */
export const large = async (url: string): Promise<ReadonlyArray<Report>> => {
  const contender = async (name: string, schema: string, text: () => string) => {
    const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema }))
    await runtime.runPromise(
      Effect.forEach(
        Array.from({ length: count }, (_, i) => i),
        (i) => Executor.execute(Letter, `${i}`, new Write({ text: text() })),
        { concurrency: 4, discard: true }
      )
    )
    const read = EventStore.EventStore.use((store) => Stream.runDrain(store.readAll()))
    const contender: Contender = { name, count, run: () => runtime.runPromise(read) }
    return { contender, dispose: () => runtime.dispose() }
  }
  const all = [
    await contender("events that do not compress", "bench_random", () =>
      randomBytes((bytes * 3) / 4).toString("base64")
    ),
    await contender("events that compress", "bench_equal", () => "a line of a letter. ".repeat(bytes / 20))
  ]
  const measured = await alternate(
    all.map(({ contender }) => contender),
    3
  )
  for (const { dispose } of all) await dispose()
  return [
    {
      title: `Postgres: readAll of ${count} events of ${bytes / 1_000} kB`,
      measured,
      bars: [
        {
          claim: "time of events that compress / of events that do not",
          figure: measured[0]!.median / measured[1]!.median,
          atMost: 2
        },
        { claim: "MB/s, events that compress", figure: (measured[1]!.median * bytes) / 1_000_000 }
      ]
    }
  ]
}
