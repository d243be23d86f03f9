import { STREAM_DOES_NOT_EXIST } from "@event-driven-io/emmett"
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql"
import { PgEventStore } from "@hexfold/adapters-pg"
import { EventStore, Executor, StateCache, StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect, ManagedRuntime, Redacted } from "effect"
import pg from "pg"
import { Begun, Counter, Increment } from "./counter.ts"
import { fibers } from "./fibers.ts"
import { alternate, type Contender, type Report } from "./measure.ts"

const increment = new Increment({ by: 1 })

/** Calls `one` `count` times in all, from the given number of concurrent callers. */
export const callers = async (number: number, count: number, one: (i: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const caller = async () => {
    while (next < count) await one(next++)
  }
  await Promise.all(Array.from({ length: number }, caller))
}

/** An event to append, like one of the executor. */
export const newEvent = (): EventStore.NewEvent => {
  const id = crypto.randomUUID()
  return { id, type: "Incremented", data: { by: 1 }, metadata: { correlationId: id, causationId: id } }
}

// The row of one event, in a table with the same columns and indexes.
const insertBaseline = async (url: string, connections: number) => {
  const pool = new pg.Pool({ connectionString: url, max: connections })
  await pool.query(`create table if not exists baseline (
    position bigint generated always as identity primary key, stream bigint not null, stream_id text collate "C" not null,
    version bigint not null, event_id uuid not null, type text collate "C" not null, schema_version smallint not null default 1,
    data jsonb not null, metadata jsonb not null, recorded_at timestamptz not null, unique (stream, version))`)
  await pool.query("create sequence if not exists baseline_stream")
  const text = `insert into baseline (stream, stream_id, version, event_id, type, data, metadata, recorded_at)
    values (nextval('baseline_stream'), $1, 1, $2, $3, $4, $5, now()) returning position`
  return {
    insert: (streamId: string) => {
      const { data, id, metadata, type } = newEvent()
      return pool.query({
        name: "insert",
        text,
        values: [streamId, id, type, JSON.stringify(data), JSON.stringify(metadata)]
      })
    },
    close: () => pool.end()
  }
}

/** Commands and appends on new streams on Postgres, against plain inserts and Emmett. */
export const postgres = async (url: string): Promise<ReadonlyArray<Report>> => {
  const runtime = ManagedRuntime.make(PgEventStore.layerUrl(Redacted.make(url), { schema: "bench" }))
  const store = await runtime.runPromise(EventStore.EventStore)
  const reports: Array<Report> = []

  for (const [number, count, bars] of [
    [256, 20_000, { reads: 1.5, begins: 3.5, known: undefined }],
    [16, 12_000, { reads: 0.8, begins: undefined, known: undefined }],
    [1, 1_500, { reads: 0.4, begins: 0.75, known: 0.75 }]
  ] as const) {
    const few = await insertBaseline(url, Math.min(number, 10))
    const many = await insertBaseline(url, Math.min(number, 32))
    const cache = StateCache.make({ capacity: 1_000 })
    const execute = (round: number) =>
      runtime.runPromise(fibers(number, count, (i) => Executor.execute(Counter, `${number}-${round}-${i}`, increment)))
    const begin = (round: number) =>
      runtime.runPromise(fibers(number, count, (i) => Executor.execute(Begun, `${number}-${round}-${i}`, increment)))
    const goOn = () =>
      runtime.runPromise(
        Effect.provideService(
          fibers(number, count, (i) => Executor.execute(Counter, `known-${i % 100}`, increment)),
          StateCache.Current,
          cache
        )
      )
    const insert = (baseline: typeof few) => (round: number) =>
      callers(number, count, (i) => baseline.insert(`Counter-${number}-${round}-${i}`))
    const contenders: ReadonlyArray<Contender> = [
      { name: "Hexfold, execute: read, decide, append", count, run: execute },
      { name: "Hexfold, execute: a command that begins a stream", count, run: begin },
      { name: "Hexfold, execute: 100 known streams, with a state cache", count, run: goOn },
      { name: `pg, prepared INSERT, ${Math.min(number, 10)} connections`, count, run: insert(few) },
      ...(number > 10
        ? [{ name: `pg, prepared INSERT, ${Math.min(number, 32)} connections`, count, run: insert(many) }]
        : [])
    ]
    const measured = await alternate(contenders, 5)
    const best = Math.max(...measured.slice(3).map(({ median }) => median))
    const bar = (claim: string, place: number, atLeast: number | undefined) => ({
      claim: `${claim} / the faster INSERT`,
      figure: measured[place]!.median / best,
      ...(atLeast === undefined ? {} : { atLeast })
    })
    reports.push({
      title: `Postgres: commands on new streams, one event each, ${number} callers`,
      measured,
      bars: [
        bar("Hexfold's execute", 0, bars.reads),
        bar("that begins a stream", 1, bars.begins),
        bar("with a state cache", 2, bars.known)
      ]
    })
    await few.close()
    await many.close()
  }

  // The pool is ours, because closing Emmett leaves its connections open.
  const pool = new pg.Pool({ connectionString: url, max: 32 })
  const emmett = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
  const count = 6_000
  const append = (streamId: StreamId.StreamId) =>
    store.append({
      conditions: [{ _tag: "Stream", streamId, expected: Expectation.noStream }],
      parts: [{ writes: [{ streamId, events: [newEvent()] }] }]
    })
  const measured = await alternate(
    [
      {
        name: "Hexfold, append",
        count,
        run: (round) =>
          callers(64, count, (i) => runtime.runPromise(append(StreamId.make("Appended", `${round}-${i}`))))
      },
      {
        name: "Emmett, appendToStream",
        count,
        run: (round) =>
          callers(64, count, (i) =>
            emmett.appendToStream(`Appended-${round}-${i}`, [{ type: "Incremented", data: { by: 1 } }], {
              expectedStreamVersion: STREAM_DOES_NOT_EXIST
            })
          )
      }
    ],
    5
  )
  reports.push({
    title: "Postgres: appends to new streams, one event each, 64 callers",
    measured,
    bars: [{ claim: "Hexfold / Emmett", figure: measured[0]!.median / measured[1]!.median, atLeast: 2.5 }]
  })
  await emmett.close()
  await pool.end().catch(() => {})
  await runtime.dispose()
  return reports
}
