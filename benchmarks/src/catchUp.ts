// The README advises applications to do this.
import "effect/schema/SchemaJITCompiler/enable"
import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgViewStore } from "@hexfold/adapters-pg"
import { EventStore, Projection, Query, Records, StreamId, View } from "@hexfold/core"
import { Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { execFileSync } from "node:child_process"
import { Counter } from "./counter.ts"

const schema = "bench_views"
const eventsInAll = 1_000_000

/** The number of counters, which is also the number of records. */
export const keys = 10_000

/** The stores of the benchmarks of views. */
export const runtimeOf = (url: string) => {
  const stores = Layer.merge(PgEventStore.layer({ schema }), PgViewStore.layer({ schema }))
  return ManagedRuntime.make(Layer.provide(stores, PgClient.layer({ url: Redacted.make(url) })))
}

/** A view with a record for each counter. */
export const counts = (name: string) =>
  View.make(name, {
    from: [Counter],
    state: Schema.Struct({ count: Schema.Int, sum: Schema.Int }),
    evolve: {
      Incremented: (state, { by }) => ({ count: (state?.count ?? 0) + 1, sum: (state?.sum ?? 0) + by })
    }
  })

/** Appends events of the counters in turn, so that a batch touches as many records as it has events. */
export const fill = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  const counters = Array.from({ length: keys }, (_, i) => StreamId.make("Counter", String(i)))
  for (let round = 0; round < eventsInAll / keys; round++) {
    for (let first = 0; first < keys; first += 2_500) {
      yield* store.append({
        conditions: [],
        parts: [
          {
            writes: counters.slice(first, first + 2_500).map((streamId) => {
              const id = crypto.randomUUID()
              const metadata = { correlationId: id, causationId: id }
              return { streamId, events: [{ id, type: "Incremented", data: { by: 1 }, metadata }] }
            })
          }
        ]
      })
    }
  }
})

/** The result of a contender. `right` is the number of records with the correct count and sum. */
export interface Caught {
  readonly events: number
  readonly seconds: number
  readonly right: number
}

/** The result of a process of its own, with its peak of resident memory. */
export interface CaughtByChild extends Caught {
  readonly megabytes: number
}

// Catches a new view up, and prints the result with the peak of resident memory of the process.
const child = async (url: string, name: string): Promise<void> => {
  const runtime = runtimeOf(url)
  const view = counts(name)
  const start = performance.now()
  const { events } = await runtime.runPromise(Projection.catchUp(view))
  const seconds = (performance.now() - start) / 1_000
  const megabytes = process.resourceUsage().maxRSS / 1_024
  const each = eventsInAll / keys
  const where = Query.from(view, { where: ({ and, eq }) => and(eq("count", each), eq("sum", each)) })
  const right = await runtime.runPromise(Records.count(view, where))
  console.log(JSON.stringify({ events, seconds, right, megabytes } satisfies CaughtByChild))
  await runtime.dispose()
}

/** Catches a new view up in a process of its own, which has done nothing else. */
export const catchUp = (url: string, round: number): CaughtByChild => {
  const output = execFileSync(process.execPath, ["--conditions=@hexfold/source", import.meta.filename], {
    env: { ...process.env, HEXFOLD_BENCH_URL: url, HEXFOLD_BENCH_VIEW: `Counts${round}` },
    encoding: "utf8"
  })
  return JSON.parse(output) as CaughtByChild
}

if (process.argv[1] === import.meta.filename) {
  await child(process.env["HEXFOLD_BENCH_URL"]!, process.env["HEXFOLD_BENCH_VIEW"]!)
}
