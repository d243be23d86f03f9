import { Executor, Projection, ProjectionStore, Query, Records } from "@hexfold/core"
import { Duration, Effect, Fiber, Schedule, Schema } from "effect"
import { type Caught, type CaughtByChild, catchUp, counts, fill, keys, runtimeOf } from "./catchUp.ts"
import { Counter, Increment } from "./counter.ts"
import { emmettViews } from "./emmettViews.ts"
import { type Measured, median, percentile, type Report } from "./measure.ts"

const measuredOf = (name: string, runs: ReadonlyArray<Caught>): Measured => {
  if (runs.some(({ right }) => right !== keys)) throw new Error(`${name}: not all records are right`)
  const rates = runs.map(({ events, seconds }) => events / seconds)
  return { name, rates, median: median(rates) }
}

// The contenders take turns, so that other load of the machine meets both.
const catchingUp = async (url: string): Promise<Report> => {
  const emmett = await emmettViews(url)
  const ours: Array<CaughtByChild> = []
  const theirs: Array<Caught> = []
  for (const round of [1, 2, 3]) {
    ours.push(catchUp(url, round))
    theirs.push(await emmett.catchUp(round))
  }
  await emmett.close()
  const measured = [
    measuredOf("Hexfold, events applied", ours),
    measuredOf("Emmett, Pongo projection, 20,000 events", theirs)
  ] as const
  return {
    title: "Postgres: a view of 10,000 records catches up with 1,000,000 events",
    measured,
    bars: [
      { claim: "events/s", figure: measured[0].median, atLeast: 60_000 },
      { claim: "Hexfold / Emmett", figure: measured[0].median / measured[1].median, atLeast: 8 },
      {
        claim: "peak of resident memory, MB",
        figure: Math.max(...ours.map(({ megabytes }) => megabytes)),
        atMost: 400
      }
    ]
  }
}

// Executes commands at an even pace, and measures the time from each receipt until the commit that has its event.
const live = Effect.gen(function* () {
  const store = yield* ProjectionStore.ProjectionStore
  const view = counts("Live")
  yield* Projection.catchUp(view)
  const commits: Array<Commit> = []
  const commit: typeof store.commit = (given) =>
    Effect.tap(store.commit(given), () =>
      Effect.sync(() => commits.push({ position: given.to, at: performance.now() }))
    )
  const projecting = yield* Projection.run(view).pipe(
    Effect.provideService(ProjectionStore.ProjectionStore, { ...store, commit }),
    Effect.forkChild
  )
  const receipts: Array<Commit> = []
  const execute = (i: number) =>
    Effect.map(Executor.execute(Counter, `live ${(i * 7_919) % keys}`, new Increment({ by: 1 })), ({ position }) =>
      receipts.push({ position, at: performance.now() })
    )
  // The first seconds warm up. A command that is due while others are under way does not wait for them.
  const [warmUp, seconds, perSecond] = [3, 10, 1_000]
  const begin = performance.now()
  for (let due = 0; due < (warmUp + seconds) * perSecond;) {
    const now = ((performance.now() - begin) / 1_000) * perSecond
    for (; due < now; due++) yield* Effect.forkChild(execute(due))
    yield* Effect.sleep("1 millis")
  }
  const isDone = Effect.sync(
    () =>
      receipts.length >= (warmUp + seconds) * perSecond &&
      (commits.at(-1)?.position ?? 0) >= Math.max(...receipts.map(({ position }) => position))
  )
  yield* Effect.repeat(isDone, { until: (done) => done, schedule: Schedule.spaced("10 millis") }).pipe(
    Effect.timeout(Duration.minutes(1))
  )
  yield* Fiber.interrupt(projecting)
  return receipts
    .filter(({ at }) => at > begin + warmUp * 1_000)
    .map(({ at, position }) => Math.max(0, commits.find((each) => each.position >= position)!.at - at))
})

/** When a position was reached, in milliseconds. */
interface Commit {
  readonly position: number
  readonly at: number
}

const latency = (millis: ReadonlyArray<number>): Report => ({
  title: "Postgres: from the receipt of a command to the record, 1,000 commands a second",
  measured: [],
  bars: [
    { claim: "p50, ms", figure: percentile(millis, 0.5), atMost: 8 },
    { claim: "p99, ms", figure: percentile(millis, 0.99), atMost: 30 }
  ]
})

const records = 1_000_000
const owners = 1_000

const Holdings = {
  name: "Holdings",
  version: 1,
  schemas: { state: Schema.Struct({ owner: Schema.String, total: Schema.Int }) }
}

const querying = Effect.gen(function* () {
  const store = yield* ProjectionStore.ProjectionStore
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
    yield* store.commit({
      owner: { generation, epoch: claimed.epoch },
      from,
      to: from + size,
      records: { put, remove: [] },
      ...(from + size >= records ? { asks: "serve" } : undefined)
    })
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

/** Views: the rate of a catch-up, the delay of an event, the time of an answer. */
export const views = async (url: string): Promise<ReadonlyArray<Report>> => {
  const runtime = runtimeOf(url)
  await runtime.runPromise(fill)
  const reports = [await catchingUp(url)]
  reports.push(latency(await runtime.runPromise(live)))
  reports.push(queried(await runtime.runPromise(querying)))
  await runtime.dispose()
  return reports
}
