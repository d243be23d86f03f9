import { PgEventStore } from "@hexfold/adapters-pg"
import { EventStore, type EventStore as Port, StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { ManagedRuntime, Redacted } from "effect"
import type { Report } from "./measure.ts"

const appendOver = (streams: ReadonlyArray<StreamId.StreamId>, id: string): Port.Append => ({
  conditions: streams.map((streamId) => ({ _tag: "Stream", streamId, expected: Expectation.noStream })),
  parts: [
    {
      writes: streams.map((streamId) => {
        const eventId = crypto.randomUUID()
        const metadata = { correlationId: eventId, causationId: eventId }
        return { streamId, events: [{ id: eventId, type: "Stocked", data: { n: 1 }, metadata }] }
      }),
      command: { id, fingerprint: "" }
    }
  ]
})

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** One append over many streams, and its repeat by the command id: streams a second. */
export const many = async (url: string): Promise<ReadonlyArray<Report>> => {
  const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema: "bench_many" }))
  const store = await runtime.runPromise(EventStore.EventStore)
  const measured: Record<string, Array<number>> = {}
  const add = (name: string, count: number, seconds: number) => (measured[name] ??= []).push(count / seconds)
  for (let round = 0; round < 7; round++) {
    for (const count of [100, 4_000, 10_000]) {
      const run = crypto.randomUUID()
      const append = appendOver(
        Array.from({ length: count }, (_, i) => StreamId.make("Item", `${run}-${i}`)),
        run
      )
      for (const name of ["append", "repeat"]) {
        const start = performance.now()
        await runtime.runPromise(store.append(append))
        // The first round warms up.
        if (round > 0) add(`${name} over ${count} streams`, count, (performance.now() - start) / 1_000)
      }
    }
  }
  await runtime.dispose()
  const rate = (name: string) => median(measured[name]!)
  return [
    {
      title: "Postgres: one append over many streams, in streams a second",
      measured: Object.entries(measured).map(([name, rates]) => ({ name, rates, median: median(rates) })),
      bars: [
        {
          claim: "time of a stream in an append over 10,000 streams, against one over 100",
          figure: rate("append over 100 streams") / rate("append over 10000 streams"),
          atMost: 3
        },
        {
          claim: "time of the repeat of a command over 4,000 streams, against its append",
          figure: rate("append over 4000 streams") / rate("repeat over 4000 streams"),
          atMost: 1
        }
      ]
    }
  ]
}
