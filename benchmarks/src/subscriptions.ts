import { MemoryEventStore } from "@hexfold/adapters-memory"
import { PgEventStore } from "@hexfold/adapters-pg"
import { PgClient } from "@effect/sql-pg"
import { type EventStore, Executor, Subscription } from "@hexfold/core"
import { Effect, Layer, Redacted, Stream } from "effect"
import { Counter, Increment } from "./counter.ts"
import { median, type Report } from "./measure.ts"

const subscribers = 1_000
const increment = new Increment({ by: 1 })

/** Commands one after the other, beside subscriptions. Gives the milliseconds of a command, and of its deliveries. */
const beside = (
  count: number,
  commands: number,
  subscription: Stream.Stream<unknown, unknown, EventStore.EventStore>,
  matches: boolean
) =>
  Effect.gen(function* () {
    let delivered = 0
    let begun = 0
    const follow = Effect.andThen(
      Effect.sync(() => begun++),
      Stream.runForEach(subscription, () => Effect.sync(() => delivered++))
    )
    const execute = (from: number, n: number) =>
      Effect.gen(function* () {
        for (let i = from; i < from + n; i++) yield* Executor.execute(Counter, `c${i}`, increment)
      })
    for (let i = 0; i < count; i++) yield* Effect.forkChild(follow)
    // All have caught up with an empty log, and wait.
    while (begun < count) yield* Effect.sleep(10)
    yield* Effect.sleep(500)
    yield* execute(0, commands)
    const before = delivered
    const cpu = process.cpuUsage()
    const start = performance.now()
    yield* execute(commands, commands)
    const executed = performance.now() - start
    const wanted = matches ? count * 2 * commands : 0
    while (delivered < wanted) yield* Effect.sleep(1)
    const used = process.cpuUsage(cpu)
    return {
      command: executed / commands,
      delivery: matches ? (used.user + used.system) / (delivered - before) : 0
    }
  })

const nothing = Subscription.recorded({ aggregates: ["Nobody"] })
const everything = Subscription.recorded({ aggregates: ["Counter"] })

const report = async (title: string, store: () => Layer.Layer<EventStore.EventStore, unknown>, commands: number) => {
  const run = <A>(work: Effect.Effect<A, unknown, EventStore.EventStore>) =>
    Effect.runPromise(Effect.provide(work, store()) as Effect.Effect<A>)
  const rounds = { alone: [] as Array<number>, idle: [] as Array<number>, delivery: [] as Array<number> }
  for (let round = 0; round < 3; round++) {
    rounds.alone.push((await run(beside(0, commands, nothing, false))).command)
    rounds.idle.push((await run(beside(subscribers, commands, nothing, false))).command)
    rounds.delivery.push((await run(beside(subscribers, 100, everything, true))).delivery)
  }
  const [alone, idle] = [median(rounds.alone), median(rounds.idle)]
  return {
    title,
    measured: [
      { name: "commands without subscriptions", rates: rounds.alone.map((ms) => 1_000 / ms), median: 1_000 / alone },
      { name: "beside 1,000 that match nothing", rates: rounds.idle.map((ms) => 1_000 / ms), median: 1_000 / idle }
    ],
    bars: [
      {
        claim: "a command beside 1,000 subscriptions that match nothing takes so many times as long",
        figure: idle / alone,
        atMost: 1.2
      },
      {
        claim: "µs of the process for a delivery, 1,000 subscriptions that all match",
        figure: median(rounds.delivery),
        atMost: 20
      }
    ]
  } satisfies Report
}

/** Subscriptions that share the reading of the log. */
export const subscriptions = async (url: string): Promise<ReadonlyArray<Report>> => {
  const client = PgClient.layer({ url: Redacted.make(url), maxConnections: 10 })
  let schemas = 0
  const onPostgres = () => Layer.provide(PgEventStore.layer({ schema: `subscriptions_${++schemas}` }), client)
  const memory = await report("Subscriptions in memory", () => MemoryEventStore.layer(), 20_000)
  return url === "" ? [memory] : [memory, await report("Subscriptions on Postgres", onPostgres, 1_000)]
}
