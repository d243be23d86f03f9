import { PgStores } from "@hexfold/adapters-pg"
import { Export, Import, LogFile } from "@hexfold/core"
import { Data, Effect, ManagedRuntime, Redacted, Stream } from "effect"
import { createReadStream } from "node:fs"
import { mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import pg from "pg"
import { booked } from "./bookings.ts"
import { alternate, type Contender, type Report } from "./measure.ts"

class FileError extends Data.TaggedError("FileError")<{ readonly cause: unknown }> {}

const storesOf = (url: string, schema: string) => ManagedRuntime.make(PgStores.layerUrl(Redacted.make(url), { schema }))

/** Fills a schema by SQL: streams of ten events that take turns, and a command for every second event. */
const fill = async (url: string, schema: string, events: number): Promise<void> => {
  const admin = new pg.Client(url)
  await admin.connect()
  const { data } = booked()
  await admin.query(
    `insert into ${schema}.streams (key, version, recorded_at)
     select 'Ledger-' || i, 10, now() from generate_series(1, $1::int / 10) as i`,
    [events]
  )
  const size = 500_000
  for (let first = 0; first < events; first += size) {
    await admin.query(
      `insert into ${schema}.events (stream, stream_id, version, event_id, type, data, metadata, recorded_at)
       select s.id, s.key, 1 + i / ($1::int / 10), e.id, 'Booked', $2::jsonb,
         jsonb_build_object('correlationId', e.id, 'causationId', 'command ' || i), now()
       from generate_series($3::int, $4::int) as i
         cross join lateral (select gen_random_uuid() as id, i % ($1::int / 10) as stream) as e
         join ${schema}.streams s on s.key = 'Ledger-' || 1 + e.stream
       order by i`,
      [events, JSON.stringify(data), first, Math.min(events, first + size) - 1]
    )
  }
  await admin.query(
    `insert into ${schema}.commands (key, fingerprint, streams, versions, positions, recorded_at)
     select 'c:command ' || position, encode(sha256(position::text::bytea), 'hex'), array[stream_id], array[version], array[position], now()
     from ${schema}.events where position % 2 = 0`
  )
  await admin.query(`vacuum analyze ${schema}.events, ${schema}.streams, ${schema}.commands`)
  await admin.query("checkpoint")
  await admin.end()
}

const drop = async (url: string, schema: string): Promise<void> => {
  const admin = new pg.Client(url)
  await admin.connect()
  await admin.query(`drop schema ${schema} cascade`)
  await admin.end()
}

const reading = (path: string): Stream.Stream<Uint8Array, FileError> =>
  Stream.suspend(() =>
    Stream.fromAsyncIterable<Uint8Array, FileError>(createReadStream(path), (cause) => new FileError({ cause }))
  )

const writing = <E, R>(path: string, pieces: Stream.Stream<string | Uint8Array, E, R>): Effect.Effect<void, E, R> =>
  Effect.acquireUseRelease(
    Effect.promise(() => open(path, "w")),
    (file) => Stream.runForEach(pieces, (piece) => Effect.promise(() => file.appendFile(piece))),
    (file) => Effect.promise(() => file.close())
  )

/** Moves a log of so many events out of Postgres into a file, and from there into Postgres. */
const prepared = async (url: string, events: number) => {
  const folder = await mkdtemp(join(tmpdir(), "hexfold-moving-"))
  const path = join(folder, "log.ndjson")
  const source = storesOf(url, "bench_moving")
  await source.runPromise(Effect.void)
  await fill(url, "bench_moving", events)
  let imports = 0
  return {
    path,
    exporting: () => source.runPromise(writing(path, Export.lines())),
    compressing: () => source.runPromise(writing(`${path}.gz`, LogFile.gzip(Export.lines()))),
    importing: async (options: Import.Options = {}) => {
      const schema = `bench_moved_${++imports}`
      const target = storesOf(url, schema)
      await target.runPromise(Effect.void)
      const { commands, written } = await target.runPromise(Import.run(reading(path), options))
      if (written !== events || commands !== events / 2) throw new Error(`${written} events, ${commands} commands`)
      await target.dispose()
      await drop(url, schema)
    },
    dispose: async () => {
      await source.dispose()
      await drop(url, "bench_moving")
      await rm(folder, { recursive: true })
    }
  }
}

/** Runs a step, and gives the events a second and the highest resident memory in MB. */
const watched = async (events: number, step: () => Promise<void>) => {
  let highest = 0
  const timer = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 50)
  const started = performance.now()
  await step()
  clearInterval(timer)
  return { rate: events / ((performance.now() - started) / 1_000), megabytes: highest / 1_000_000 }
}

/** One export and one import of many events, with the resident memory of this process. */
export const movingOnce = async (url: string, events: number): Promise<void> => {
  const { dispose, exporting, importing } = await prepared(url, events)
  for (const [name, step] of [
    ["export", exporting],
    ["import", importing]
  ] as const) {
    globalThis.gc?.()
    const { megabytes, rate } = await watched(events, () => step())
    console.log(`${name} of ${events} events: ${Math.round(rate)} events/s, at most ${Math.round(megabytes)} MB`)
  }
  await dispose()
}

/** Exports and imports of a log: each event with its line, each second one with its command. */
export const moving = async (url: string, events = 100_000): Promise<ReadonlyArray<Report>> => {
  const { compressing, dispose, exporting, importing } = await prepared(url, events)
  const contenders: ReadonlyArray<Contender> = [
    { name: "export to a file", count: events, run: exporting },
    { name: "export to a file, with gzip", count: events, run: compressing },
    { name: "import, checked first", count: events, run: () => importing() },
    { name: "import, checked along", count: events, run: () => importing({ check: "along" }) }
  ]
  const measured = await alternate(contenders, 3)
  await dispose()
  return [
    {
      title: `Postgres: moves of ${events.toLocaleString("en")} events with ${(events / 2).toLocaleString("en")} commands`,
      measured,
      bars: [
        { claim: "events exported a second", figure: measured[0]!.median, atLeast: 50_000 },
        { claim: "events imported a second, checked first", figure: measured[2]!.median, atLeast: 20_000 }
      ]
    }
  ]
}
