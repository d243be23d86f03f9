import { PgEventStore } from "@hexfold/adapters-pg"
import { EventStore } from "@hexfold/core"
import { ManagedRuntime, Redacted, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { fill } from "./growth.ts"
import type { Report } from "./measure.ts"

const schema = "bench_reading"

/** Reads the whole store, and prints the number of events, the seconds and the peak of resident memory. */
const child = async (url: string): Promise<void> => {
  const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema }))
  const start = performance.now()
  const events = await runtime.runPromise(EventStore.EventStore.use((store) => Stream.runCount(store.readAll())))
  const seconds = (performance.now() - start) / 1_000
  console.log(JSON.stringify({ events, seconds, megabytes: process.resourceUsage().maxRSS / 1_024 }))
  await runtime.dispose()
}

/** Memory and speed of reading a million events with `readAll`, in a process of its own. */
export const reading = async (url: string): Promise<ReadonlyArray<Report>> => {
  const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema }))
  await runtime.runPromise(EventStore.EventStore.use((store) => fill(store, 1_000_000)))
  await runtime.dispose()
  const runs = Array.from({ length: 3 }, () => {
    const output = execFileSync(process.execPath, ["--conditions=@hexfold/source", import.meta.filename], {
      env: { ...process.env, HEXFOLD_BENCH_URL: url },
      encoding: "utf8"
    })
    return JSON.parse(output) as { events: number; seconds: number; megabytes: number }
  })
  const rates = runs.map(({ events, seconds }) => events / seconds).toSorted((a, b) => a - b)
  return [
    {
      title: "Postgres: readAll of a million events",
      measured: [{ name: "events read", rates, median: rates[1]! }],
      bars: [
        {
          claim: "peak of resident memory, MB",
          figure: Math.max(...runs.map(({ megabytes }) => megabytes)),
          atMost: 300
        }
      ]
    }
  ]
}

if (process.argv[1] === import.meta.filename) await child(process.env["HEXFOLD_BENCH_URL"]!)
