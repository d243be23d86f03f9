import { PgEventStore } from "@hexfold/adapters-pg"
import { EventStore, StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { ManagedRuntime, Redacted, Stream } from "effect"
import pg from "pg"
import { fill } from "./growth.ts"
import { alternate, median, percentile, type Report } from "./measure.ts"
import { callers, newEvent } from "./postgres.ts"

/** What the index of conversations costs appends, and how fast it answers, with so many events stored. */
export const conversations = async (url: string, size = 1_000_000): Promise<ReadonlyArray<Report>> => {
  const admin = new pg.Client(url)
  await admin.connect()
  // The disk would hide what the index costs.
  await admin.query("alter role current_user set synchronous_commit = off")
  const logs = []
  for (const [i, name] of ["with the index", "without"].entries()) {
    const schema = `conversations_${i}`
    const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema }))
    const store = await runtime.runPromise(EventStore.EventStore)
    await runtime.runPromise(fill(store, size))
    if (name === "without") await admin.query(`drop index ${schema}.events_conversation`)
    await admin.query(`vacuum analyze ${schema}.events, ${schema}.streams`)
    logs.push({ name, runtime, store })
  }
  await admin.query("checkpoint")

  const reports: Array<Report> = []
  for (const [number, count, rounds] of [
    [64, 10_000, 31],
    [1, 1_000, 31]
  ] as const) {
    const measured = await alternate(
      logs.map(({ name, runtime, store }) => ({
        name: `append, ${name}`,
        count,
        run: () =>
          callers(number, count, () => {
            const streamId = StreamId.make("Appended", crypto.randomUUID())
            return runtime.runPromise(
              store.append({
                conditions: [{ _tag: "Stream", streamId, expected: Expectation.noStream }],
                parts: [{ writes: [{ streamId, events: [newEvent()] }] }]
              })
            )
          })
      })),
      rounds
    )
    const [indexed, plain] = measured
    reports.push({
      title: `Postgres: appends to new streams beside ${size.toLocaleString("en")} events, one event each, ${number} callers`,
      measured,
      bars: [
        {
          claim: "rate with the index of conversations / without",
          figure: indexed!.median / plain!.median,
          atLeast: 0.9
        },
        {
          claim: "the same, the median of the ratios of the rounds",
          figure: median(indexed!.rates.map((rate, i) => rate / plain!.rates[i]!))
        }
      ]
    })
  }

  const { runtime, store } = logs[0]!
  const read = (options: EventStore.AllReadOptions) => runtime.runPromise(Stream.runCollect(store.readAll(options)))
  const job = crypto.randomUUID()
  const events = Array.from({ length: 50 }, () => ({
    ...newEvent(),
    metadata: { correlationId: job, causationId: job }
  }))
  await callers(8, 1_000, (i) =>
    runtime.runPromise(
      store.append({
        conditions: [],
        parts: [
          {
            writes: [
              {
                streamId: StreamId.make("Job", String(i)),
                events: events.map((event) => ({ ...event, id: crypto.randomUUID() }))
              }
            ]
          }
        ]
      })
    )
  )
  const times = async (count: number, optionsOf: (i: number) => EventStore.AllReadOptions) => {
    const all: Array<number> = []
    for (let i = 0; i < count; i++) {
      const options = optionsOf(i)
      const start = performance.now()
      await read(options)
      all.push(performance.now() - start)
    }
    return all
  }
  const places = Array.from({ length: 1_000 }, () => Math.floor(Math.random() * size))
  const one = await times(places.length, (i) => ({ after: places[i]!, limit: 1 }))
  const found: Array<string> = []
  for (const after of places) found.push((await read({ after, limit: 1 }))[0]!.metadata.correlationId)
  const few = await times(found.length, (i) => ({ correlationId: found[i]! }))
  const { position } = (await read({ correlationId: job, limit: 1 }))[0]!
  const after = (i: number) => position - 1 + i * 1_000
  const plain = await times(40, (i) => ({ after: after(i), limit: 1_000 }))
  const pages = await times(40, (i) => ({ correlationId: job, after: after(i), limit: 1_000 }))
  const [ofOne, ofFew, ofPlain, ofPages] = [one, few, plain, pages].map((all) => percentile(all, 0.5))
  reports.push({
    title: `Postgres: the events of a conversation, of more than ${size.toLocaleString("en")}`,
    measured: [],
    bars: [
      { claim: "a conversation of one event: p50, ms", figure: ofFew! },
      { claim: "a conversation of one event: p99, ms", figure: percentile(few, 0.99) },
      { claim: "it takes so many times as long as one event by its position", figure: ofFew! / ofOne!, atMost: 3 },
      { claim: "a page of 1,000 events of a conversation of 50,000: p50, ms", figure: ofPages! },
      { claim: "it takes so many times as long as 1,000 events by position", figure: ofPages! / ofPlain!, atMost: 2 }
    ]
  })
  for (const log of logs) await log.runtime.dispose()
  await admin.query("alter role current_user reset synchronous_commit")
  await admin.end()
  return reports
}
