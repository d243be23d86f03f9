import { PgEventStore } from "@hexfold/adapters-pg"
import { type EventStore, Executor } from "@hexfold/core"
import { Effect, ManagedRuntime, Redacted } from "effect"
import pg from "pg"
import { Counter, Increment } from "./counter.ts"
import { percentile, type Report } from "./measure.ts"

const streams = 64
const increment = new Increment({ by: 1 })

/** What one caller a stream sees in some seconds. */
interface Seen {
  /** The times of the commands that succeeded, by stream, in milliseconds. */
  readonly millis: ReadonlyArray<ReadonlyArray<number>>
  /** The reasons of the commands that failed, by stream. */
  readonly failures: ReadonlyArray<ReadonlyArray<string>>
}

const drive = (seconds: number): Effect.Effect<Seen, never, EventStore.EventStore> =>
  Effect.gen(function* () {
    const millis = Array.from({ length: streams }, (): Array<number> => [])
    const failures = Array.from({ length: streams }, (): Array<string> => [])
    const end = performance.now() + seconds * 1_000
    const caller = (i: number) =>
      Effect.gen(function* () {
        while (performance.now() < end) {
          const start = performance.now()
          yield* Effect.matchEffect(Executor.execute(Counter, `locked-${i}`, increment), {
            onSuccess: () => Effect.sync(() => void millis[i]!.push(performance.now() - start)),
            onFailure: (error) =>
              Effect.sync(() => void failures[i]!.push("reason" in error ? error.reason._tag : error._tag))
          })
        }
      })
    yield* Effect.forEach(
      Array.from({ length: streams }, (_, i) => i),
      caller,
      { concurrency: "unbounded", discard: true }
    )
    return { millis, failures }
  })

/** Commands on 64 streams, of which a transaction of another program locks two. */
export const locked = async (url: string, seconds = 20): Promise<ReadonlyArray<Report>> => {
  const schema = "bench_locked"
  const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema }))
  // Warms up, and makes the streams.
  await runtime.runPromise(drive(3))
  const free = await runtime.runPromise(drive(seconds))
  const stranger = new pg.Client({ connectionString: url })
  await stranger.connect()
  await stranger.query("begin")
  await stranger.query(`select from ${schema}.streams where key in ('Counter-locked-0', 'Counter-locked-1') for update`)
  const held = runtime.runPromise(drive(seconds))
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  await stranger.query("rollback")
  await stranger.end()
  const beside = await held
  const after = await runtime.runPromise(drive(3))
  await runtime.dispose()
  const others = ({ millis }: Seen) => millis.slice(2).flat()
  const failuresOf = (from: number, to: number, seen: Seen) => seen.failures.slice(from, to).flat()
  const rate = (seen: Seen) => others(seen).length / seconds
  const p99 = (seen: Seen) => percentile(others(seen), 0.99)
  return [
    {
      title: `Postgres: commands on ${streams} streams, of which another program's transaction locks two for ${seconds} s`,
      measured: [
        { name: "commands on 62 streams, no lock", rates: [rate(free)], median: rate(free) },
        { name: "commands on 62 streams, beside two that are locked", rates: [rate(beside)], median: rate(beside) }
      ],
      bars: [
        { claim: "p99 of the 62 beside locked streams / without locks", figure: p99(beside) / p99(free), atMost: 10 },
        { claim: "p99 of the 62 without locks, ms", figure: p99(free) },
        { claim: "p99 of the 62 beside locked streams, ms", figure: p99(beside) },
        { claim: "failed commands on the 62", figure: failuresOf(2, streams, beside).length, atMost: 0 },
        {
          claim: "locked streams whose commands end with a Timeout",
          figure: beside.failures.slice(0, 2).filter((reasons) => reasons.includes("Timeout")).length,
          atLeast: 2
        },
        { claim: "failed commands after the lock", figure: failuresOf(0, streams, after).length, atMost: 0 }
      ]
    }
  ]
}
