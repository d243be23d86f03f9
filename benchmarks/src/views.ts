// As the README advises applications.
import "effect/schema/SchemaJITCompiler/enable"
import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgViewStore } from "@hexfold/adapters-pg"
import { EventStore, Executor, Projection, Query, Records, StreamId, View, ViewStore } from "@hexfold/core"
import { Duration, Effect, Fiber, Layer, ManagedRuntime, Redacted, Schedule, Schema } from "effect"
import { execFileSync } from "node:child_process"
import { Counter, Increment } from "./counter.ts"
import { percentile, type Report } from "./measure.ts"

const schema = "bench_views"
const keys = 10_000
const eventsInAll = 1_000_000

const runtimeOf = (url: string) => {
  const stores = Layer.merge(PgEventStore.layer({ schema }), PgViewStore.layer({ schema }))
  return ManagedRuntime.make(Layer.provide(stores, PgClient.layer({ url: Redacted.make(url) })))
}

const counts = (name: string) =>
  View.make(name, {
    from: [Counter],
    state: Schema.Struct({ count: Schema.Int, sum: Schema.Int }),
    evolve: {
      Incremented: (state, { by }) => ({ count: (state?.count ?? 0) + 1, sum: (state?.sum ?? 0) + by })
    }
  })

// The counters in turn, so that a batch touches as many records as it has events.
const fill = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  const counters = Array.from({ length: keys }, (_, i) => StreamId.make("Counter", String(i)))
  for (let round = 0; round < eventsInAll / keys; round++) {
    for (let first = 0; first < keys; first += 2_500) {
      yield* store.append({
        writes: counters.slice(first, first + 2_500).map((streamId) => {
          const id = crypto.randomUUID()
          const metadata = { correlationId: id, causationId: id }
          return { streamId, events: [{ id, type: "Incremented", data: { by: 1 }, metadata }] }
        }),
        conditions: []
      })
    }
  }
})

/** Catches a new view up and prints the events, the seconds and the process's peak of resident memory. */
const child = async (url: string, view: string): Promise<void> => {
  const runtime = runtimeOf(url)
  const start = performance.now()
  const { events } = await runtime.runPromise(Projection.catchUp(counts(view)))
  const seconds = (performance.now() - start) / 1_000
  console.log(JSON.stringify({ events, seconds, megabytes: process.resourceUsage().maxRSS / 1_024 }))
  await runtime.dispose()
}

const catchUp = (url: string): Report => {
  const runs = [1, 2, 3].map((run) => {
    const output = execFileSync(process.execPath, ["--conditions=@hexfold/source", import.meta.filename], {
      env: { ...process.env, HEXFOLD_BENCH_URL: url, HEXFOLD_BENCH_VIEW: `Counts${run}` },
      encoding: "utf8"
    })
    return JSON.parse(output) as { events: number; seconds: number; megabytes: number }
  })
  const rates = runs.map(({ events, seconds }) => events / seconds).toSorted((a, b) => a - b)
  return {
    title: "Postgres: a view of 10,000 records catches up with 1,000,000 events",
    measured: [{ name: "events applied", rates, median: rates[1]! }],
    bars: [
      { claim: "events/s", figure: rates[1]!, atLeast: 25_000 },
      {
        claim: "peak of resident memory, MB",
        figure: Math.max(...runs.map(({ megabytes }) => megabytes)),
        atMost: 400
      }
    ]
  }
}

// Commands at an even pace, and how long after its receipt the view has the position of each.
const live = Effect.gen(function* () {
  const { status } = yield* ViewStore.ViewStore
  const view = counts("Live")
  yield* Projection.catchUp(view)
  const projecting = yield* Effect.forkChild(Projection.run(view))
  const done: Array<{ readonly position: number; readonly at: number }> = []
  const seen: Array<{ readonly position: number; readonly at: number }> = []
  const watching = yield* Effect.map(status, (all) => {
    const position = all.find(({ view: name }) => name === view.name)?.position ?? 0
    if (position !== seen.at(-1)?.position) seen.push({ position, at: performance.now() })
  }).pipe(Effect.repeat(Schedule.spaced("1 millis")), Effect.forkChild)
  const seconds = 10
  const tick = (n: number) =>
    Effect.forEach(
      Array.from({ length: 10 }, (_, i) => `${(n * 7_919 + i * 104_729) % keys}`),
      (id) =>
        Effect.map(Executor.execute(Counter, id, new Increment({ by: 1 })), ({ position }) =>
          done.push({ position, at: performance.now() })
        ),
      { concurrency: "unbounded", discard: true }
    )
  let n = 0
  yield* Effect.suspend(() => Effect.forkChild(tick(n++))).pipe(
    Effect.repeat(Schedule.fixed("10 millis").pipe(Schedule.while(() => n < seconds * 100)))
  )
  const last = Effect.sync(() => done.length === n * 10 && Math.max(...done.map(({ position }) => position)))
  yield* last.pipe(
    Effect.repeat({
      until: (position) => position !== false && (seen.at(-1)?.position ?? 0) >= position,
      schedule: Schedule.spaced("10 millis")
    }),
    Effect.timeout(Duration.minutes(1))
  )
  yield* Fiber.interruptAll([projecting, watching])
  return done.map(({ at, position }) => Math.max(0, seen.find((each) => each.position >= position)!.at - at))
})

const latency = (millis: ReadonlyArray<number>): Report => ({
  title: "Postgres: from the receipt of a command to the record, 1,000 commands a second",
  measured: [],
  bars: [
    { claim: "p50, ms", figure: percentile(millis, 0.5), atMost: 25 },
    { claim: "p99, ms", figure: percentile(millis, 0.99), atMost: 100 }
  ]
})

const records = 1_000_000
const owners = 1_000

const Holdings = {
  name: "Holdings",
  schemas: { state: Schema.Struct({ owner: Schema.String, total: Schema.Int }) }
}

const querying = Effect.gen(function* () {
  const store = yield* ViewStore.ViewStore
  const generation = { view: Holdings.name, version: 1 }
  const indexes = [[["owner"], ["total"]]]
  const claimed = yield* store.claim({ generation, owner: "bench", lease: Duration.hours(1), indexes })
  if (claimed._tag !== "Owned") return yield* Effect.die(claimed)
  const size = 10_000
  for (let from = 0; from < records; from += size) {
    const put = Array.from({ length: size }, (_, i) => {
      const n = from + i
      return { key: String(n), state: { owner: `owner ${n % owners}`, total: (n * 7_919) % records } }
    })
    yield* store.commit({ generation, epoch: claimed.epoch, from, to: from + size, put, remove: [] })
  }
  const millis: Array<number> = []
  for (let i = 0; i < 1_100; i++) {
    const owner = `owner ${(i * 613) % owners}`
    const query = Query.from(Holdings, {
      where: ({ eq }) => eq("owner", owner),
      orderBy: [["total", "desc"]],
      limit: 20
    })
    const start = performance.now()
    yield* Records.query(Holdings, query)
    if (i >= 100) millis.push(performance.now() - start)
  }
  return millis
})

const queried = (millis: ReadonlyArray<number>): Report => ({
  title: "Postgres: the first 20 of an owner's records by their total, of 1,000,000 records",
  measured: [],
  bars: [
    { claim: "p50, ms", figure: percentile(millis, 0.5), atMost: 3 },
    { claim: "p99, ms", figure: percentile(millis, 0.99) }
  ]
})

/** Views: how fast they catch up, how soon they have an event, how fast they answer. */
export const views = async (url: string): Promise<ReadonlyArray<Report>> => {
  const runtime = runtimeOf(url)
  await runtime.runPromise(fill)
  const reports = [catchUp(url)]
  reports.push(latency(await runtime.runPromise(live)))
  reports.push(queried(await runtime.runPromise(querying)))
  await runtime.dispose()
  return reports
}

if (process.argv[1] === import.meta.filename) {
  await child(process.env["HEXFOLD_BENCH_URL"]!, process.env["HEXFOLD_BENCH_VIEW"]!)
}
