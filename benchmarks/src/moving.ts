import { PgStores } from "@hexfold/adapters-pg"
import { Export, Import, LogFile } from "@hexfold/core"
import { Data, Effect, ManagedRuntime, Redacted, Stream } from "effect"
import { spawnSync } from "node:child_process"
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

/** Exports a schema to a file. */
const exporting = async (url: string, schema: string, path: string): Promise<void> => {
  const stores = storesOf(url, schema)
  await stores.runPromise(writing(path, Export.lines()))
  await stores.dispose()
}

/** Imports a file of so many events into a schema. */
const importing = async (
  url: string,
  schema: string,
  path: string,
  events: number,
  options: Import.Options = {}
): Promise<void> => {
  const stores = storesOf(url, schema)
  const { commands, written } = await stores.runPromise(Import.run(reading(path), options))
  await stores.dispose()
  if (written !== events || commands !== events / 2) throw new Error(`${written} events, ${commands} commands`)
}

/** A schema with a log of so many events, and a path for its file. */
const prepared = async (url: string, events: number) => {
  const folder = await mkdtemp(join(tmpdir(), "hexfold-moving-"))
  const schema = "bench_moving"
  const stores = storesOf(url, schema)
  await stores.runPromise(Effect.void)
  await stores.dispose()
  await fill(url, schema, events)
  return {
    schema,
    path: join(folder, "log.ndjson"),
    dispose: async () => {
      await drop(url, schema)
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

/**
 * A step of a move in a process of its own, as `movingOnce.ts` starts it: an export or an import, with the events a
 * second and the highest resident memory of the process.
 */
export const movingStep = async (step: string, url: string, path: string, events: number): Promise<void> => {
  const run = () =>
    step === "export" ? exporting(url, "bench_moving", path) : importing(url, "bench_moved", path, events)
  const { megabytes, rate } = await watched(events, run)
  console.log(`${step} of ${events} events: ${Math.round(rate)} events/s, at most ${Math.round(megabytes)} MB`)
}

/** One export and one import of many events, each in a process of its own: with the built packages, as a user has them. */
export const movingOnce = async (url: string, events: number, program: string): Promise<void> => {
  const { dispose, path } = await prepared(url, events)
  for (const step of ["export", "import"]) {
    const args = [
      ...process.execArgv.filter((arg) => !arg.startsWith("--conditions")),
      program,
      step,
      url,
      path,
      String(events)
    ]
    const { status } = spawnSync(process.execPath, args, { stdio: "inherit" })
    if (status !== 0) throw new Error(`the ${step} has ended with ${status}`)
  }
  await dispose()
}

/** Exports and imports of a log: each event with its line, each second one with its command. */
export const moving = async (url: string, events = 100_000): Promise<ReadonlyArray<Report>> => {
  const { dispose, path, schema } = await prepared(url, events)
  const source = storesOf(url, schema)
  let imports = 0
  const imported = async (options: Import.Options) => {
    const target = `bench_moved_${++imports}`
    await importing(url, target, path, events, options)
    await drop(url, target)
  }
  const contenders: ReadonlyArray<Contender> = [
    { name: "export to a file", count: events, run: () => source.runPromise(writing(path, Export.lines())) },
    {
      name: "export to a file, with gzip",
      count: events,
      run: () => source.runPromise(writing(`${path}.gz`, LogFile.gzip(Export.lines())))
    },
    { name: "import, checked first", count: events, run: () => imported({}) },
    { name: "import, checked along", count: events, run: () => imported({ check: "along" }) }
  ]
  const measured = await alternate(contenders, 3)
  await source.dispose()
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
