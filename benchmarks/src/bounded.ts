import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import { Aggregate, EventStore, Projection, ProjectionMonitor, View } from "@hexfold/core"
import { Effect, Layer, ManagedRuntime, Redacted, Schema, Scope, Stream } from "effect"
import { randomUUID } from "node:crypto"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { Worker, isMainThread, workerData } from "node:worker_threads"

/**
 * Batches that are bounded by time and size. A program of its own, because it shows
 * what one run does and is not compared with anything:
 *
 * npm run bounded --workspace @hexfold/benchmarks -- [entries] [events] [lease in seconds]
 *
 * One record of many entries that grows with each event: how long the event loop is
 * held, and how long one process and two processes take. Then events that touch 600
 * records each, with default options.
 */
const [entries = 20_000, events = 300, lease = 10] = process.argv.slice(2).map(Number)

const Added = Schema.TaggedStruct("Added", {})
const Stock = Aggregate.make("Stock", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [Added],
  errors: [],
  decide: {},
  evolve: { Added: (n) => n + 1 }
})

const item = (i: number) => ({ sku: `sku-${i}`, amount: i })
const imported = Array.from({ length: entries }, (_, i) => item(i))

const lists = (name: string) =>
  View.make(name, {
    from: [Stock],
    state: Schema.Struct({ items: Schema.Array(Schema.Struct({ sku: Schema.String, amount: Schema.Int })) }),
    evolve: { Added: (list, _, { version }) => ({ items: [...(list?.items ?? imported), item(version)] }) }
  })

const Many = View.make("Many", {
  from: [Stock],
  state: Schema.Int,
  key: (_, { position }) => Array.from({ length: 600 }, (_, i) => `${position % 50}/${i}`),
  evolve: { Added: (n = 0) => n + 1 }
})

const stores = (url: string) => PgStores.layerUrl(Redacted.make(url), { schema: "bench_bounded" })

/** Waits until a view has caught up, and gives the seconds that it took. */
const caughtUp = (view: View.Any) =>
  Effect.gen(function* () {
    const began = performance.now()
    for (;;) {
      const [status] = yield* ProjectionMonitor.status([view])
      if (status !== undefined && status.lag === 0) return (performance.now() - began) / 1_000
      yield* Effect.sleep("50 millis")
    }
  })

const timed = (view: View.Any, processes: number, url: string) =>
  Effect.acquireUseRelease(
    Effect.sync(() =>
      Array.from({ length: processes }, () => new Worker(import.meta.filename, { workerData: [url, view.name] }))
    ),
    () => caughtUp(view),
    (workers) => Effect.promise(() => Promise.all(workers.map((worker) => worker.terminate())))
  )

const main = (url: string) =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore
    const id = Stock.streamId("all")
    const one = () => {
      const id = randomUUID()
      return { id, type: "Added", data: { _tag: "Added" }, metadata: { correlationId: id, causationId: id } }
    }
    const writes = [{ streamId: id, events: Array.from({ length: events }, one) }]
    yield* store.append({ conditions: [], parts: [{ writes }] })
    yield* Stream.runDrain(store.readAll())

    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const began = performance.now()
    yield* Projection.catchUp(lists("Alone"), { lease: `${lease} seconds` })
    delay.disable()
    const seconds = (performance.now() - began) / 1_000
    console.log(`${events} events on a record of ${entries} entries: ${seconds.toFixed(1)} s`)
    console.log(`the event loop was held for at most ${(delay.max / 1e6).toFixed(0)} ms`)

    const single = yield* timed(lists("One"), 1, url)
    const both = yield* timed(lists("Two"), 2, url)
    console.log(`one process ${single.toFixed(1)} s, two processes ${both.toFixed(1)} s: ${(both / single).toFixed(2)}`)

    const scope = yield* Scope.make()
    const start = performance.now()
    yield* Layer.buildWithScope(Projection.layer([Many]), scope)
    yield* caughtUp(Many)
    yield* Effect.sync(() => {
      const took = ((performance.now() - start) / 1_000).toFixed(1)
      console.log(`${events} events that touch 600 records each, default options: ${took} s`)
    })
  })

if (isMainThread) {
  await Effect.runPromise(
    Effect.flatMap(EmbeddedPostgres.EmbeddedPostgres, ({ url }) =>
      Effect.provide(main(Redacted.value(url)), stores(Redacted.value(url)))
    ).pipe(Effect.provide(EmbeddedPostgres.layer()))
  )
  process.exit(0)
} else {
  const [url, name] = workerData as readonly [string, string]
  await ManagedRuntime.make(stores(url)).runPromise(Projection.run(lists(name), { lease: `${lease} seconds` }))
}
