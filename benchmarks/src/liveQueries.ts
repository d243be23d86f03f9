import { MemoryStores } from "@hexfold/adapters-memory"
import { PgStores } from "@hexfold/adapters-pg"
import { PgClient } from "@effect/sql-pg"
import { type EventStore, Executor, Projection, Query, Subscription, View, ViewStore } from "@hexfold/core"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import { Begun, Counter, Increment } from "./counter.ts"
import type { Report } from "./measure.ts"

const increment = new Increment({ by: 1 })

const Counts = View.make("Counts", {
  from: [Counter],
  state: Schema.Int,
  key: () => "all",
  evolve: { Incremented: (count = 0, { by }) => count + by }
})

/** Counts what watchers of one query make a store do: for events of others, and for one event of the view. */
const watching = Effect.gen(function* () {
  const store = yield* ViewStore.ViewStore
  let queries = 0
  const query = ((asked: never, version: number) => (queries++, store.query(asked, version))) as typeof store.query
  let shown = 0
  const watch = Stream.runForEach(Subscription.query(Counts, Query.from(Counts)), () =>
    Effect.sync(() => shown++)
  ).pipe(Effect.provideService(ViewStore.ViewStore, { ...store, query }))
  const until = (holds: () => boolean) => Effect.repeat(Effect.sleep(5), { until: holds })
  yield* Layer.build(Projection.layer([Counts]))
  yield* Executor.execute(Counter, "c", increment).pipe(Projection.waitFor([Counts]))
  for (let i = 0; i < 400; i++) yield* Effect.forkScoped(watch)
  yield* until(() => shown === 400)
  const first = queries
  for (let i = 0; i < 20; i++) yield* Effect.andThen(Executor.execute(Begun, `b${i}`, increment), Effect.sleep(20))
  yield* Effect.sleep(500)
  const foreign = queries - first
  const start = performance.now()
  yield* Executor.execute(Counter, "c", increment)
  yield* until(() => shown === 800)
  return { first, foreign, own: queries - first - foreign, millis: performance.now() - start }
}).pipe(Effect.scoped)

const report = async (title: string, stores: Layer.Layer<EventStore.EventStore | ViewStore.ViewStore, unknown>) => {
  const { first, foreign, millis, own } = await Effect.runPromise(
    Effect.provide(watching, stores) as Effect.Effect<Effect.Success<typeof watching>>
  )
  return {
    title,
    measured: [],
    bars: [
      { claim: "queries of 400 equal watchers that begin", figure: first, atMost: 1 },
      { claim: "their queries for 20 events that the view does not follow", figure: foreign, atMost: 0 },
      { claim: "their queries for an event that changes a record", figure: own, atMost: 1 },
      { claim: "milliseconds from that command to the last of the 400 results", figure: millis }
    ]
  } satisfies Report
}

/** Live queries that share their asking. */
export const liveQueries = async (url: string): Promise<ReadonlyArray<Report>> => {
  const memory = await report("Live queries in memory", MemoryStores.layer())
  if (url === "") return [memory]
  const client = PgClient.layer({ url: Redacted.make(url), maxConnections: 10 })
  return [
    memory,
    await report("Live queries on Postgres", Layer.provide(PgStores.layer({ schema: "live_queries" }), client))
  ]
}
