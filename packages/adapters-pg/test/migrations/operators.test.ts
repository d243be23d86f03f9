import { readFileSync } from "node:fs"
import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { EventStore, ProjectionStore, StreamId, ViewStore } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { describe } from "vitest"
import { appendOne } from "../support/appendOne.ts"
import { uncommented } from "../support/comments.ts"
import { newDatabase, newRole, newSchema, openStore, openStores, transacted } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { catchUp, Positions } from "../support/inlineViews.ts"
import { Places } from "./dumps/courses.ts"
import { fill } from "./dumps/fill.ts"

/** Reads as a role that has the rights of a reader, and no others. */
const reading = (sql: PgClient.PgClient, schema: string) =>
  Effect.gen(function* () {
    const role = yield* newRole(sql)
    for (const statement of PgMigrations.grants(role, { schema, readOnly: true })) yield* sql.unsafe(statement)
    return <Row extends object>(text: string, binds: ReadonlyArray<unknown> = []) =>
      transacted(sql, Effect.andThen(Effect.orDie(sql.unsafe(`set local role ${role}`)), sql.unsafe<Row>(text, binds)))
  })

describe("what people see at a database client", () => {
  it.live("every table, column, sequence, view and function has a comment", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const stores = yield* openStores({ schema, views: [Positions] })
      yield* catchUp(stores)
      assert.deepStrictEqual(yield* uncommented(stores.sql, schema), [])
      yield* stores.sql.unsafe(`alter table ${schema}.view_1 add column later int`)
      yield* stores.sql.unsafe(`create function ${schema}.later() returns int language sql as 'select 1'`)
      assert.deepStrictEqual(yield* uncommented(stores.sql, schema), [`${schema}.later()`, `${schema}.view_1.later`])
    })
  )

  it.live("the function stream lists the events of one stream in order, whatever its id is, also to a reader", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      const read = yield* reading(sql, schema)
      const ids = [
        "1",
        "O'Brien",
        'a "b"',
        "$1",
        "%s",
        "a\\b",
        "é 🎓",
        "-",
        "1-2",
        "sha256:0",
        "x".repeat(1_000),
        "€".repeat(700)
      ]
      const streams = ids.map((id) => StreamId.make("Course", id))
      for (let round = 0; round < 2; round++) {
        for (const [n, streamId] of streams.entries()) {
          yield* appendOne(store, {
            writes: [{ streamId, events: [{ ...event(), data: { n, round } }] }],
            conditions: []
          })
        }
      }
      for (const [n, streamId] of streams.entries()) {
        const rows = yield* read<Record<string, unknown>>(`select * from ${schema}.stream($1)`, [streamId])
        assert.deepStrictEqual(Object.keys(rows[0]!), [
          "position",
          "version",
          "type",
          "recorded_at",
          "data",
          "metadata",
          "original_time",
          "event_id",
          "stream_id"
        ])
        assert.deepStrictEqual(
          rows.map(({ data, position, stream_id, type, version }) => [
            Number(position),
            Number(version),
            type,
            data,
            stream_id
          ]),
          [0, 1].map((round) => [round * ids.length + n + 1, round + 1, "Happened", { n, round }, streamId])
        )
      }
      assert.lengthOf(yield* read(`select from ${schema}.stream('Course-none')`), 0)
      assert.lengthOf(yield* read(`select from ${schema}.stream(null)`), 0)
    })
  )

  it.live("the function stream finds events by an index", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql } = yield* openStore({ schema })
      yield* sql.unsafe(
        `insert into ${schema}.streams (key, version) select 'Course-' || n, 20 from generate_series(1, 1000) as n`
      )
      yield* sql.unsafe(
        `insert into ${schema}.events (stream, stream_id, version, event_id, type, data, metadata, recorded_at)
         select id, key, n, gen_random_uuid(), 'Happened', '{}', '{}', now() from ${schema}.streams, generate_series(1, 20) as n`
      )
      yield* sql.unsafe(`analyze ${schema}.streams, ${schema}.events`)
      const [body] = yield* sql.unsafe<{ readonly text: string }>(
        `select replace(prosrc, 'p_stream_id', '''Course-7''') as text from pg_proc
         where proname = 'stream' and pronamespace = $1::regnamespace`,
        [schema]
      )
      const lines = yield* sql.unsafe<{ readonly "QUERY PLAN": string }>(`explain ${body!.text}`)
      const plan = lines.map((line) => line["QUERY PLAN"]).join("\n")
      assert.notInclude(plan, "Seq Scan")
      assert.include(plan, "events_stream_version_key")
    })
  )

  it.live("the examples of the page on operations work for a reader", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const stores = yield* openStores({ schema, views: [Positions] })
      yield* catchUp(stores)
      yield* append(stores.events, StreamId.make("Course", "1"), 2)
      const read = yield* reading(stores.sql, schema)
      const page = readFileSync(new URL("../../../../docs/operations.md", import.meta.url), "utf8")
      const section = page.slice(page.indexOf("## Looking with psql")).split(/\n## /)[0]!
      const examples = Array.from(section.matchAll(/```sql\n([^]*?);\n```/g), ([, text]) => text!)
      const counts = yield* Effect.forEach(examples, (text) =>
        Effect.map(read(text.replaceAll("hexfold.", `${schema}.`)), ({ length }) => length)
      )
      assert.deepStrictEqual(counts, [2, 2, 1, 1, 0])
    })
  )

  it.live("a former function stream is replaced, and stays under another name where something depends on it", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("former_stream")
      for (const schema of ["free", "used"]) {
        const { store } = yield* openStore({ schema }, { ...sql.config })
        yield* append(store, StreamId.make("Course", "1"), 2)
        for (const statement of [
          `drop function ${schema}.stream(text)`,
          `create function ${schema}.stream(p_stream_id text) returns setof ${schema}.events language sql stable as
             'select * from ${schema}.events where stream_id = p_stream_id'`,
          `update ${schema}.revisions set functions = 3`
        ]) {
          yield* sql.unsafe(statement)
        }
      }
      yield* sql.unsafe("create view public.mine as select version from used.stream('Course-1')")
      for (const schema of ["free", "used"]) {
        const { store } = yield* openStore({ schema }, { ...sql.config })
        yield* append(store, StreamId.make("Course", "1"), 1)
        assert.lengthOf(yield* sql.unsafe(`select recorded_at, data from ${schema}.stream('Course-1')`), 3)
      }
      assert.lengthOf(yield* sql.unsafe("select version from public.mine"), 3)
      const left = yield* sql.unsafe(
        "select pronamespace::regnamespace::text as schema from pg_proc where proname = 'stream_before'"
      )
      assert.deepStrictEqual(left, [{ schema: "used" }])
    }).pipe(Effect.scoped)
  )
})

interface Row {
  readonly view: string
  readonly version: bigint
  readonly build: bigint
  readonly part: number
  readonly state: string
  readonly serves: boolean
  readonly position: bigint
  readonly lag: bigint
  readonly owner: string | null
  readonly leased_until: Date | null
  readonly failure: string | null
  readonly parked: bigint
  readonly skipped: bigint
  readonly records: string
}

describe("the view projections", () => {
  it.live("says of each part what the status says, to a reader too", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const stores = yield* openStores({ schema, views: [Places] })
      const { events, projections, records, sql } = stores
      yield* fill.pipe(
        Effect.provideService(EventStore.EventStore, events),
        Effect.provideService(ViewStore.ViewStore, records),
        Effect.provideService(ProjectionStore.ProjectionStore, projections)
      )
      const held = { view: "Skipping", version: 1 }
      yield* projections.claim({ generation: held, owner: "host:1", lease: Duration.minutes(1) })
      const read = yield* reading(sql, schema)
      const rows = yield* read<Row>(`select * from ${schema}.projections`)
      const [log] = yield* sql.unsafe<{ readonly drawn: bigint }>(
        `select last_value as drawn from ${schema}.events_position`
      )
      const drawn = Number(log!.drawn)
      const expected = yield* Effect.forEach(yield* records.status, (status) =>
        Effect.map(projections.deadLetters(status, "count"), ({ parked, skipped }) =>
          status.parts.map(({ failure, owner, position }, part) => ({
            view: status.view,
            version: status.version,
            build: status.build,
            part,
            serves: status.serves,
            position: status.inline ? drawn : position,
            lag: status.inline ? 0 : drawn - position,
            failed: failure !== undefined,
            owned: owner !== undefined,
            parked,
            skipped
          }))
        )
      )
      assert.deepStrictEqual(
        rows.map((row) => ({
          view: row.view,
          version: Number(row.version),
          build: Number(row.build),
          part: row.part,
          serves: row.serves,
          position: Number(row.position),
          lag: Number(row.lag),
          failed: row.failure !== null,
          owned: row.leased_until !== null && row.leased_until.getTime() > Date.now(),
          parked: Number(row.parked),
          skipped: Number(row.skipped)
        })),
        expected.flat()
      )
      const stateOf = (view: string, version = 1, build = 1) =>
        rows
          .filter((row) => row.view === view && Number(row.version) === version && Number(row.build) === build)
          .map(({ state }) => state)
      assert.deepStrictEqual(
        [stateOf("Places"), stateOf("Stopping"), stateOf("Courses", 2, 1), stateOf("Timetables")],
        [["inline"], ["failed"], ["replaced"], ["waiting", "waiting", "waiting"]]
      )
      assert.include(["live", "catching up"], stateOf("Skipping")[0])
      const failed = rows.find(({ view }) => view === "Stopping")
      assert.match(
        failed!.failure!,
        /^event \d+ of Course-.+, a StudentJoined at position \d+: evolve failed: Error: no place for poison 5/
      )
      // The table that a row names has the records.
      for (const { records: table, view } of rows.filter(({ serves }) => serves)) {
        const count = yield* read<{ readonly count: bigint }>(`select count(*) as count from ${table}`)
        assert.isAbove(Number(count[0]!.count), 0, view)
      }
    })
  )

  it.live("says how long the oldest event waits, and that nobody owns a part whose lease has ended", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { events, projections, sql } = yield* openStores({ schema })
      const generation = { view: "Slow", version: 1 }
      const claim = (lease: Duration.Duration) => projections.claim({ generation, owner: "host:1", lease })
      const row = Effect.map(
        sql.unsafe<Row & { readonly late: boolean | null }>(
          `select *, lag_time > interval '1 hour' as late from ${schema}.projections`
        ),
        ([row]) => [row!.state, Number(row!.lag), row!.late, row!.owner, row!.leased_until === null]
      )
      yield* claim(Duration.minutes(1))
      assert.deepStrictEqual(yield* row, ["building", 0, null, "host:1", false])
      yield* appendOne(events, {
        writes: [{ streamId: StreamId.make("Course", "1"), events: [event(), event()] }],
        conditions: []
      })
      assert.deepStrictEqual(yield* row, ["building", 2, false, "host:1", false])
      yield* claim(Duration.zero)
      assert.deepStrictEqual((yield* row).slice(0, 2), ["waiting", 2])
    })
  )
})
