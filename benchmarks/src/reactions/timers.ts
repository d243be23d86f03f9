import { PgStores } from "@hexfold/adapters-pg"
import { Aggregate, Deadline, Decision, EventStore, Executor, Projection, StreamId } from "@hexfold/core"
import { Effect, Layer, ManagedRuntime, Redacted, Schedule, Schema } from "effect"
import pg from "pg"
import { Counter, Increment } from "../counter.ts"
import { fibers } from "../fibers.ts"
import { alternate, percentile, type Report } from "../measure.ts"

const Remind = Schema.TaggedStruct("Remind", {})
const Reminded = Schema.TaggedStruct("Reminded", {})

const Reminder = Aggregate.make("Reminder", {
  id: Schema.String,
  state: Schema.Null,
  initial: null,
  commands: [Remind],
  events: [Reminded],
  decide: { Remind: () => Decision.accept(Reminded.make({})) },
  evolve: { Reminded: () => null }
})

const stores = (url: string, schema: string) => ManagedRuntime.make(PgStores.layerUrl(Redacted.make(url), { schema }))

// The times of the timers lie evenly in so many seconds, and begin when all of them are set.
const [due, within, settingAtMost] = [100_000, 60, 120]

const falling = async (url: string): Promise<Report> => {
  const runtime = stores(url, "bench_timers")
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const recorded = async (type: string) => {
    const { rows } = await client.query<{ readonly count: number; readonly millis: number | null }>(
      `select count(*)::int as count, (extract(epoch from max(recorded_at)) * 1000)::float8 as millis
       from bench_timers.events where type = $1`,
      [type]
    )
    return rows[0]!
  }
  const first = Date.now() + settingAtMost * 1_000
  const timeOf = (i: number) => first + Math.floor((i * within * 1_000) / due)
  await runtime.runPromise(
    fibers(256, due, (i) =>
      Deadline.schedule(Reminder, String(i % 10_000), Remind.make({}), { after: timeOf(i) - Date.now(), id: String(i) })
    )
  )
  if (Date.now() > first) throw new Error("the timers were not set in time")
  const done = Effect.promise(async () => (await recorded("Reminded")).count === due)
  await runtime.runPromise(
    Effect.raceFirst(
      Layer.launch(Deadline.layer([Reminder], { concurrency: 64 })),
      Effect.repeat(done, { until: (isDone) => isDone, schedule: Schedule.spaced("1 second") }).pipe(
        Effect.timeout("10 minutes")
      )
    )
  )
  const [fired, reminded] = [await recorded("TimerFired"), await recorded("Reminded")]
  const { rows } = await client.query<{ readonly late: number }>(
    `select (extract(epoch from recorded_at) * 1000 - (data ->> 'at')::bigint)::float8 as late
     from bench_timers.events where type = 'TimerFired'`
  )
  const late = rows.map(({ late }) => late)
  await client.end()
  await runtime.dispose()
  const after = ({ millis }: { readonly millis: number | null }) => (millis! - first) / 1_000
  return {
    title: `Postgres: ${due} deadlines that fall due within ${within} s`,
    measured: [],
    bars: [
      { claim: "timers that fired", figure: fired.count, atLeast: due, atMost: due },
      { claim: "commands that were executed", figure: reminded.count, atLeast: due, atMost: due },
      { claim: "the last one fired after, s", figure: after(fired), atMost: within + 10 },
      { claim: "the last command was executed after, s", figure: after(reminded), atMost: within + 10 },
      { claim: "from its time until it fired, p50, ms", figure: percentile(late, 0.5) },
      { claim: "from its time until it fired, p99, ms", figure: percentile(late, 0.99) }
    ]
  }
}

const [waiting, size, commands, rounds] = [1_000_000, 2_000, 10_000, 11]

const setting = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  const at = Date.now() + 365 * 86_400_000
  for (let first = 0; first < waiting; first += size) {
    yield* store.append({
      conditions: [],
      parts: [
        {
          writes: Array.from({ length: size }, (_, i) => {
            const id = crypto.randomUUID()
            const data = {
              at: at + i,
              for: { _tag: "Command", target: "Reminder", id: "1", command: { _tag: "Remind" } }
            }
            const event = { id, type: "TimerSet", data, metadata: { correlationId: id, causationId: id } }
            return { streamId: StreamId.make("Hexfold_Timer", String(first + i)), events: [event] }
          })
        }
      ]
    })
  }
  yield* Projection.catchUp(Deadline.Waiting)
})

// Both have the layer, one of them a million timers.
const beside = async (url: string): Promise<Report> => {
  const layers = ["bench_waiting", "bench_no_timers"].map((schema) =>
    ManagedRuntime.make(
      Deadline.layer([Reminder]).pipe(Layer.provideMerge(PgStores.layerUrl(Redacted.make(url), { schema })))
    )
  )
  const [many, none] = layers as [(typeof layers)[0], (typeof layers)[0]]
  await many!.runPromise(setting)
  const run = (runtime: (typeof layers)[0]) => (round: number) =>
    runtime!.runPromise(
      fibers(256, commands, (i) => Executor.execute(Counter, `${round}-${i}`, new Increment({ by: 1 })))
    )
  const measured = await alternate(
    [
      { name: "commands beside a million waiting timers", count: commands, run: run(many!) },
      { name: "commands without timers", count: commands, run: run(none!) }
    ],
    rounds
  )
  for (const runtime of layers) await runtime.dispose()
  return {
    title: "Postgres: commands of 256 callers, beside a million timers that wait",
    measured,
    bars: [{ claim: "with / without", figure: measured[0]!.median / measured[1]!.median, atLeast: 0.97 }]
  }
}

/** Timers: many that fall due in a minute, and a million that wait. */
export const timers = async (url: string): Promise<ReadonlyArray<Report>> => [await falling(url), await beside(url)]
