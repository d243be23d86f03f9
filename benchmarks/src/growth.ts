import { PgEventStore } from "@hexfold/adapters-pg"
import { EventStore, StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect, ManagedRuntime, Redacted } from "effect"
import pg from "pg"
import { alternate, type Report } from "./measure.ts"
import { callers, newEvent } from "./postgres.ts"

const streamsInAppend = 500
const eventsInStream = 5

/** Fills a store with streams of random ids, five events each. */
export const fill = (store: EventStore.EventStore["Service"], events: number): Effect.Effect<void, unknown> =>
  Effect.forEach(
    Array.from({ length: Math.ceil(events / (streamsInAppend * eventsInStream)) }),
    () =>
      store.append({
        conditions: [],
        parts: [
          {
            writes: Array.from({ length: streamsInAppend }, () => ({
              streamId: StreamId.make("Filled", crypto.randomUUID()),
              events: Array.from({ length: eventsInStream }, newEvent)
            }))
          }
        ]
      }),
    { concurrency: 4, discard: true }
  )

/** The rate of appends to a small store and to a large one, in alternation. */
export const growth = async (url: string, small: number, large: number): Promise<ReadonlyArray<Report>> => {
  const count = 20_000
  const contenders = await Promise.all(
    [small, large].map(async (size) => {
      const schema = `bench_${size}`
      const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema }))
      const store = await runtime.runPromise(EventStore.EventStore)
      await runtime.runPromise(fill(store, size))
      return { schema, size, store, runtime }
    })
  )
  const admin = new pg.Client(url)
  await admin.connect()
  for (const { schema } of contenders) await admin.query(`vacuum analyze ${schema}.events, ${schema}.streams`)
  await admin.query("checkpoint")
  await admin.end()
  const measured = await alternate(
    contenders.map(({ runtime, size, store }) => ({
      name: `append, ${size.toLocaleString("en")} events stored`,
      count,
      run: () =>
        callers(64, count, () => {
          const streamId = StreamId.make("Appended", crypto.randomUUID())
          return runtime.runPromise(
            store.append({
              conditions: [{ _tag: "Stream", streamId, expected: Expectation.noStream }],
              parts: [{ writes: [{ streamId, events: [newEvent()] }] }]
            })
          )
        })
    })),
    7
  )
  for (const { runtime } of contenders) await runtime.dispose()
  const figure = measured[1]!.median / measured[0]!.median
  return [
    {
      title: "Postgres: appends to a store that has grown, 64 callers, random ids",
      measured,
      bars: [
        { claim: `rate at ${large.toLocaleString("en")} / rate at ${small.toLocaleString("en")}`, figure, atLeast: 0.8 }
      ]
    }
  ]
}
