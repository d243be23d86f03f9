import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { type EventStore, StreamId } from "@hexfold/core"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
// By which index a page is read is seen in the plan of its statement only.
// oxlint-disable-next-line no-restricted-imports
import { type Direction, readConversationPage } from "../../src/sql/readPage.ts"
import { appendOne } from "../support/appendOne.ts"
import { client, newRole, newSchema, openStore, transacted } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { bring, present } from "../support/library.ts"

type Store = EventStore.EventStore["Service"]

const streamId = StreamId.make("Account", "a")

/** Fills a log with an event at every 50th position: the first half is one conversation, then each has one event. */
const fill = (sql: PgClient.PgClient, schema: string, count: number) =>
  sql.unsafe(
    `insert into ${schema}.events (position, stream, stream_id, version, event_id, type, data, metadata, recorded_at)
     overriding system value
     select n * 50, n, 'Account-' || n, 1, gen_random_uuid(), 'Happened', '{}',
       jsonb_build_object('correlationId', case when n <= ${count / 2} then 'job' else 'request ' || n end), now()
     from generate_series(1, ${count}) as n`
  )

interface Plan {
  readonly "Node Type": string
  readonly "Index Name"?: string
  readonly "Actual Rows": number
  readonly "Actual Loops": number
  readonly "Rows Removed by Filter"?: number
  readonly Plans?: ReadonlyArray<Plan>
}

/** The indexes by which the events of a page are found, and how many events were looked at. */
const scansIn = (plan: Plan): ReadonlyArray<{ readonly index: string; readonly rows: number }> => [
  ...(/^(Index|Bitmap Index|Seq|Index Only|Tid.*) Scan$/.test(plan["Node Type"])
    ? [
        {
          index: plan["Index Name"] ?? plan["Node Type"],
          rows: Math.round((plan["Actual Rows"] + (plan["Rows Removed by Filter"] ?? 0)) * plan["Actual Loops"])
        }
      ]
    : []),
  ...(plan.Plans ?? []).flatMap(scansIn)
]

const pageOf = (
  sql: PgClient.PgClient,
  schema: string,
  {
    after,
    correlationId,
    direction
  }: { readonly after: number; readonly correlationId: string; readonly direction: Direction }
) =>
  Effect.map(
    sql.unsafe<{ readonly "QUERY PLAN": unknown }>(
      `explain (analyze, format json) ${readConversationPage(`"${schema}"`, direction)}`,
      [BigInt(after), 1_000_000n, null, null, 100, 4n << 20n, 4, null, null, correlationId]
    ),
    ([row]) => {
      const found = row!["QUERY PLAN"]
      const [{ Plan: root }] = (typeof found === "string" ? JSON.parse(found) : found) as [{ readonly Plan: Plan }]
      return { rows: root["Actual Rows"], scans: scansIn(root) }
    }
  )

const run = (sql: PgClient.PgClient, schema: string) =>
  Effect.provideService(PgMigrations.run({ schema }), SqlClient.SqlClient, sql)

const build = (sql: PgClient.PgClient, schema: string) =>
  Effect.provideService(PgMigrations.buildIndexes({ schema }), SqlClient.SqlClient, sql)

const drop = (sql: PgClient.PgClient, schema: string) => sql.unsafe(`drop index ${schema}.events_conversation`)

/** The index of conversations, without the name of the schema. */
const indexOf = (sql: PgClient.PgClient, schema: string) =>
  Effect.map(
    sql.unsafe<{ readonly isValid: boolean; readonly definition: string }>(
      `select indisvalid as "isValid", pg_get_indexdef(indexrelid) as definition from pg_index
       where indexrelid = to_regclass('${schema}.events_conversation')`
    ),
    (rows) => rows.map(({ definition, isValid }) => ({ isValid, definition: definition.replaceAll(schema, "") }))
  )

const conversation = (store: Store, correlationId: string) => Stream.runCollect(store.readAll({ correlationId }))

describe("the events of a conversation", () => {
  it.live("are found by their index, and no others are looked at, however large the conversation is", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql } = yield* openStore({ schema })
      yield* sql.unsafe(`alter table ${schema}.events set (autovacuum_enabled = false)`)
      yield* fill(sql, schema, 20_000)
      const check = ([correlationId, direction, after, rows]: readonly [string, Direction, number, number]) =>
        Effect.map(pageOf(sql, schema, { correlationId, direction, after }), (page) => {
          const what = `${correlationId}, ${direction} after ${after}`
          assert.deepStrictEqual(
            [page.rows, page.scans.map(({ index }) => index)],
            [rows, ["events_conversation"]],
            what
          )
          // The first event of the next stretch of the log is looked at, too.
          assert.isAtMost(page.scans[0]!.rows, rows + 1, what)
        })
      const few = [
        ["request 15000", "forwards", 0, 1],
        ["request 15000", "backwards", Number.MAX_SAFE_INTEGER, 1],
        ["request 15000", "forwards", 750_000, 0],
        ["nobody's", "forwards", 0, 0],
        // Nothing follows: the rest of the log is not read to find that out.
        ["job", "forwards", 500_000, 0],
        ["job", "forwards", 499_500, 10]
      ] as const
      for (const each of few) yield* check(each)
      yield* sql.unsafe(`analyze ${schema}.events`)
      for (const each of few) yield* check(each)
      yield* check(["job", "forwards", 0, 100])
      yield* check(["job", "backwards", Number.MAX_SAFE_INTEGER, 100])
    })
  )

  it.live("are told apart where their ids have one number", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      const ids = ["conversation-of-a-stream", "request068o3^W.pp`3WQ/e("]
      const numbers = yield* sql.unsafe("select distinct hashtextextended(id, 0) from unnest($1::text[]) as id", [ids])
      assert.lengthOf(numbers, 1)
      for (const id of ids) {
        const metadata = { correlationId: id, causationId: id }
        yield* appendOne(store, { writes: [{ streamId, events: [{ ...event(), metadata }] }], conditions: [] })
      }
      for (const [i, id] of ids.entries()) {
        assert.deepStrictEqual(
          (yield* conversation(store, id)).map(({ version }) => version),
          [i + 1]
        )
      }
    })
  )
})

describe("a log without the index of conversations", () => {
  it.live("refuses to read one, says what to do, and reads it when that is done", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      const { events } = yield* append(store, streamId, 2)
      const { correlationId } = events[1]!.metadata
      const made = yield* indexOf(sql, schema)
      assert.isTrue(made[0]?.isValid)
      const refused = Effect.gen(function* () {
        const error = yield* Effect.flip(conversation(store, correlationId))
        assert.deepStrictEqual([error.operation, error.reason._tag], ["readAll", "Rejected"])
        assert.include(error.message, `PgMigrations.buildIndexes({ schema: "${schema}" })`)
        assert.lengthOf(yield* Stream.runCollect(store.readAll()), 2)
        yield* build(sql, schema)
        assert.deepStrictEqual(yield* conversation(store, correlationId), [events[1]!])
        assert.deepStrictEqual(yield* indexOf(sql, schema), made)
      })
      yield* drop(sql, schema)
      yield* refused
      // As a building leaves it that was interrupted.
      yield* sql.unsafe(
        `update pg_index set indisvalid = false where indexrelid = '${schema}.events_conversation'::regclass`
      )
      yield* refused
      yield* build(sql, schema)
    })
  )

  it.live("is what a migration makes of a large log, and of no small one", () =>
    Effect.gen(function* () {
      for (const [megabytes, indexes] of [
        [60, 1],
        [70, 0]
      ] as const) {
        const schema = yield* newSchema
        const { sql, store } = yield* openStore({ schema })
        yield* drop(sql, schema)
        yield* sql.unsafe(`delete from ${schema}.migrations where migration_id >= 18`)
        yield* sql.unsafe(`alter table ${schema}.events alter column data set storage external`)
        yield* fill(sql, schema, 100)
        yield* sql.unsafe(`select setval('${schema}.events_position', 1000000)`)
        yield* sql.unsafe(
          `insert into ${schema}.events (stream, stream_id, version, event_id, type, data, metadata, recorded_at)
           select -n, 'Large-' || n, 1, gen_random_uuid(), 'Happened', to_jsonb(repeat('x', 1 << 20)), '{"correlationId":"large"}', now()
           from generate_series(1, ${megabytes}) as n`
        )
        yield* run(sql, schema)
        assert.lengthOf(yield* indexOf(sql, schema), indexes)
        yield* build(sql, schema)
        assert.lengthOf(yield* conversation(store, "job"), 50)
        yield* run(sql, schema)
      }
    })
  )

  it.live("can get it before it is migrated", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* drop(sql, schema)
      yield* sql.unsafe(`delete from ${schema}.migrations where migration_id >= 18`)
      yield* build(sql, schema)
      yield* bring(sql, schema, present)
      const { events } = yield* append(store, streamId, 1)
      assert.lengthOf(yield* conversation(store, events[0]!.metadata.correlationId), 1)
    })
  )

  it.live("gets it beside appends, and from one of several that build it at once", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema }, { maxConnections: 10 })
      const { events } = yield* append(store, streamId, 1)
      const { correlationId } = events[0]!.metadata
      yield* drop(sql, schema)
      // A building waits for the transactions that have appended.
      const open = yield* sql.reserve
      yield* open.execute("begin", [], undefined)
      yield* open.execute(`lock table ${schema}.events in row exclusive mode`, [], undefined)
      const builders = yield* Effect.forEach([1, 2, 3], () =>
        Effect.forkChild(build(sql, schema), { startImmediately: true })
      )
      yield* indexOf(sql, schema).pipe(
        Effect.repeat({ until: ({ length }) => length === 1, schedule: Schedule.spaced("5 millis") })
      )
      assert.deepStrictEqual((yield* append(store, streamId, 1)).events[0]!.version, 2)
      assert.strictEqual((yield* Effect.flip(conversation(store, correlationId))).reason._tag, "Rejected")
      yield* open.execute("commit", [], undefined)
      yield* Effect.forEach(builders, Fiber.join)
      assert.isTrue((yield* indexOf(sql, schema))[0]?.isValid)
      assert.lengthOf(yield* conversation(store, correlationId), 1)
    })
  )

  it.live("gets none inside a transaction, from a role that is not its owner, or under a name that is not plain", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql } = yield* openStore({ schema })
      yield* drop(sql, schema)
      const inside = yield* Effect.flip(transacted(sql, build(sql, schema)))
      assert.include(inside.message, "inside a transaction")
      const role = yield* newRole(sql)
      for (const statement of PgMigrations.grants(role, { schema })) yield* sql.unsafe(statement)
      const application = yield* client({ startupParameters: { role } })
      assert.include((yield* Effect.flip(build(application, schema))).message, "must be owner")
      assert.strictEqual((yield* Effect.flip(build(sql, 'a"b'))).reason._tag, "Rejected")
      assert.lengthOf(yield* indexOf(sql, schema), 0)
    })
  )
})
