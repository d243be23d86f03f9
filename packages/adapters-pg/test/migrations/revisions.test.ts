import { readFileSync } from "node:fs"
import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { EventStoreError, StreamId } from "@hexfold/core"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newDatabase, newSchema, openStore, openStores, storesOn } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { appendTo, catchUp, Positions } from "../support/inlineViews.ts"
import { bring, next, present } from "../support/library.ts"
import { restore } from "./dumps/dump.ts"

const Thing = StreamId.make("Account", "1")

/** The revisions that the schema states, and the number of its functions that the next library has made. */
const stateOf = (sql: PgClient.PgClient, schema: string) =>
  Effect.gen(function* () {
    const [marked] = yield* sql.unsafe<{ readonly count: bigint }>(
      `select count(*) as count from pg_proc where pronamespace = '${schema}'::regnamespace and prosrc like '%-- next%'`
    )
    const [row] = yield* sql.unsafe<{ readonly functions: number; readonly lowest: number }>(
      `select functions, lowest from ${schema}.revisions`
    )
    return { ...row!, marked: Number(marked!.count) }
  })

/** Repeats work in the background. The effect that it returns stops it, and counts how often it has worked. */
const repeated = <E>(work: Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    let isDone = false
    const working = Effect.gen(function* () {
      let count = 0
      while (!isDone) {
        yield* work
        count++
      }
      return count
    })
    const fiber = yield* Effect.forkChild(working, { startImmediately: true })
    return Effect.suspend(() => {
      isDone = true
      return Fiber.join(fiber)
    })
  })

describe("revisions of the functions", () => {
  it.live(
    "a process of the revision before restarts while the new one appends: both go on with the new functions",
    () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const before = yield* openStore({ schema })
        const stopBefore = yield* repeated(append(before.store, Thing, 1))
        const sql = yield* client()
        yield* bring(sql, schema, next)
        const replaced = yield* stateOf(sql, schema)
        assert.deepStrictEqual(
          [replaced.functions, replaced.lowest, replaced.marked > 3],
          [next.revision, present.lowest, true]
        )
        const after = yield* openStore({ schema, migrate: false })
        const stopAfter = yield* repeated(append(after.store, Thing, 1))
        for (let i = 0; i < 5; i++) {
          const { store } = yield* openStore({ schema })
          yield* append(store, Thing, 1)
          yield* Effect.provideService(PgMigrations.verify(schema), SqlClient.SqlClient, sql)
        }
        const count = (yield* stopBefore) + (yield* stopAfter) + 5
        const events = yield* Stream.runCollect(after.store.readAll())
        assert.deepStrictEqual(
          events.map(({ version }) => version),
          Array.from({ length: count }, (_, i) => i + 1)
        )
        assert.deepStrictEqual(yield* stateOf(sql, schema), replaced)
      })
  )

  it.live("a process of the tree before appends while ten others bring a schema of version 5 up to date", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("tree_before")
      yield* restore(sql, readFileSync(new URL("dumps/version5.sql", import.meta.url), "utf8"))
      const [{ namespace }] = (yield* sql.unsafe(
        "select obj_description('hexfold.horizon'::regproc) as namespace"
      )) as [{ readonly namespace: string }]
      const stop = yield* repeated(
        sql.unsafe(
          `select o_positions from hexfold.append(array['Other-a'], null, array[-1], array[1], array[0], array[1],
           array[1], array[gen_random_uuid()], array['Happened'], array['{"n":1}'::jsonb], array['{}'::jsonb],
           '{}', '{}', '{}', false, '{}', '{}')`
        )
      )
      const processes = Array.from({ length: 10 }, () => storesOn(sql, {}))
      const stores = yield* Effect.all(processes, { concurrency: "unbounded" })
      assert.isAbove(yield* stop, 0)
      const { functions, lowest } = yield* stateOf(sql, "hexfold")
      assert.deepStrictEqual([functions, lowest], [present.revision, present.lowest])
      const [row] = yield* sql.unsafe<{ readonly text: string }>(
        "select 'hexfold namespace ' || lock_namespace as text from hexfold.revisions"
      )
      assert.strictEqual(row?.text, namespace)
      const log = yield* Stream.runCollect(stores[0]!.events.readAll())
      const { streams } = yield* stores[0]!.events.readStreams([{ streamId: StreamId.make("Other", "a") }])
      assert.strictEqual(streams[0]?.version, log.filter(({ streamId }) => streamId === "Other-a").length)
    })
  )

  it.live("a library below the lowest revision is refused with a clear message, and changes nothing", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const sql = yield* client()
      for (const { migrations, message } of [
        { migrations: present.migrations, message: `the schema ${schema} needs` },
        {
          migrations: next.migrations,
          message: `${schema} is at version ${PgMigrations.latest + 1}, and this library knows only ${PgMigrations.latest}`
        }
      ]) {
        yield* bring(sql, schema, { ...next, migrations, lowest: next.revision })
        const before = yield* stateOf(sql, schema)
        for (const error of [
          yield* Effect.flip(bring(sql, schema, present)),
          yield* Effect.flip(openStore({ schema })),
          yield* Effect.flip(openStore({ schema, migrate: false }))
        ]) {
          assert.instanceOf(error, EventStoreError)
          assert.strictEqual(error.reason._tag, "Rejected")
          assert.include(error.message, message)
          assert.include(
            error.message,
            `needs a library of revision ${next.revision} or later, and this one has revision ${present.revision}`
          )
        }
        assert.deepStrictEqual(yield* stateOf(sql, schema), before)
      }
    })
  )

  it.live("a schema whose functions are older is refused without migrating, and gets the new ones by migrating", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const sql = yield* client()
      yield* bring(sql, schema, next)
      yield* sql.unsafe(`update ${schema}.revisions set functions = 0`)
      const error = yield* Effect.flip(openStore({ schema, migrate: false }))
      assert.include(
        error.message,
        `the functions of the schema ${schema} have revision 0, and this library needs ${present.revision}: migrate it`
      )
      const { store } = yield* openStore({ schema })
      assert.deepStrictEqual(yield* stateOf(sql, schema), {
        functions: present.revision,
        lowest: present.lowest,
        marked: 0
      })
      yield* append(store, Thing, 1)
    })
  )

  it.live("libraries of two revisions that start at once on an empty database leave the newer functions", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const starting = Array.from({ length: 10 }, (_, i) =>
        Effect.scoped(Effect.flatMap(client(), (sql) => bring(sql, schema, i % 2 === 0 ? present : next)))
      )
      yield* Effect.all(starting, { concurrency: "unbounded" })
      const state = yield* stateOf(yield* client(), schema)
      assert.deepStrictEqual([state.functions, state.marked > 3], [next.revision, true])
      const { store } = yield* openStore({ schema })
      yield* append(store, Thing, 1)
    })
  )

  it.live("a role that may not change the schema works with the rights that the README names", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const owner = yield* openStores({ schema, views: [Positions] })
      yield* catchUp(owner)
      const role = `${schema}_app`
      yield* Effect.acquireRelease(owner.sql.unsafe(`create role ${role}`), () =>
        Effect.ignore(owner.sql.unsafe(`drop owned by ${role}`)).pipe(
          Effect.andThen(Effect.ignore(owner.sql.unsafe(`drop role ${role}`)))
        )
      )
      for (const statement of grants(schema, role)) yield* owner.sql.unsafe(statement)
      const app = yield* openStores(
        { schema, views: [Positions], commandRetention: "1 day" },
        { startupParameters: { role } }
      )
      yield* appendTo(app, "1")
      const command = { id: "once", fingerprint: "f" }
      yield* app.events.append({
        writes: [{ streamId: StreamId.make("Other", "1"), events: [event()] }],
        conditions: [],
        command
      })
      yield* catchUp(app)
      const { rows } = yield* app.records.query({ _tag: "Records", view: Positions.name, orderBy: [] })
      assert.deepStrictEqual(rows[0]?.state, [1])
      // A new generation needs a table.
      const error = yield* Effect.flip(catchUp(app, { ...Positions, version: 2 }))
      assert.include(
        error.message,
        `permission denied for schema ${schema}: this role may not create the table of Positions, version 2`
      )
    })
  )

  it.live("a role keeps its rights when the owner migrates a schema of version 5", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("rights")
      yield* restore(sql, readFileSync(new URL("dumps/version5.sql", import.meta.url), "utf8"))
      const role = yield* newRole(sql)
      for (const statement of grants("hexfold", role)) yield* sql.unsafe(statement)
      yield* bring(sql, "hexfold", present)
      for (const open of [PgMigrations.verify(), PgMigrations.run()]) yield* as(sql, role, open)
      const stranger = yield* newRole(sql)
      const error = yield* Effect.flip(as(sql, stranger, PgMigrations.verify()))
      assert.include(error.message, "permission denied for schema hexfold")
      assert.include(error.message, "grant the rights again after a migration")
    })
  )

  it.live("the default rights that the pages name cover what later migrations and projections create", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("default_rights")
      const role = yield* newRole(sql)
      yield* bring(sql, "hexfold", present)
      for (const statement of [...grants("hexfold", role), ...defaultGrants("hexfold", role)]) {
        yield* sql.unsafe(statement)
      }
      yield* bring(sql, "hexfold", next)
      yield* catchUp(yield* storesOn(sql, { migrate: false, views: [Positions] }))
      const tables = yield* sql.unsafe<{ readonly name: string; readonly may: boolean }>(
        `select relname as name, has_table_privilege('${role}', oid, 'select, insert, update, delete') as may from pg_class
         where relnamespace = 'hexfold'::regnamespace and relkind = 'r'`
      )
      assert.deepStrictEqual(
        tables.filter(({ may }) => !may),
        []
      )
      assert.includeMembers(
        tables.map(({ name }) => name),
        ["next", "view_1"]
      )
    })
  )

  it.live("a process that starts while the schema is migrated waits, and then finds it up to date", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("race")
      yield* restore(sql, readFileSync(new URL("dumps/version5.sql", import.meta.url), "utf8"))
      const waiting = (count: number) =>
        Effect.repeat(
          Effect.map(
            sql.unsafe<{ readonly count: bigint }>(
              `select count(*) from pg_locks where not granted
               and database = (select oid from pg_database where datname = current_database())`
            ),
            ([row]) => Number(row!.count) >= count
          ),
          { until: (holds) => holds, schedule: Schedule.spaced("5 millis") }
        )
      const [migrating, starting] = yield* Effect.scoped(
        Effect.gen(function* () {
          const holder = yield* sql.reserve
          yield* holder.execute("begin", [], undefined)
          yield* holder.execute("lock table hexfold.streams in share mode", [], undefined)
          // It has locked `migrations`, and waits to comment on `streams`.
          const migrating = yield* Effect.forkDetach(bring(sql, "hexfold", present), { startImmediately: true })
          yield* waiting(1)
          const starting = yield* Effect.forkDetach(
            Effect.provideService(PgMigrations.verify(), SqlClient.SqlClient, sql),
            { startImmediately: true }
          )
          yield* waiting(2)
          yield* holder.execute("commit", [], undefined)
          return [migrating, starting] as const
        })
      )
      yield* Fiber.join(migrating)
      yield* Fiber.join(starting)
    })
  )

  it.live("a person finds the events of a stream by its id, also of a long one", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      for (const id of ["1", "€".repeat(700)]) {
        const streamId = StreamId.make("Account", id)
        yield* append(store, StreamId.make("Account", "other"), 1)
        yield* append(store, streamId, 3)
        const rows = yield* sql.unsafe<{ readonly version: bigint; readonly stream_id: string }>(
          `select version, stream_id from ${schema}.stream($1)`,
          [streamId]
        )
        assert.deepStrictEqual(
          rows.map((row) => [row.stream_id, Number(row.version)]),
          [1, 2, 3].map((version) => [streamId, version])
        )
      }
    })
  )

  it.live("every table has a comment", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const stores = yield* openStores({ schema, views: [Positions] })
      yield* catchUp(stores)
      const tables = yield* stores.sql.unsafe<{ readonly name: string; readonly comment: string | null }>(
        `select relname as name, obj_description(oid) as comment from pg_class
         where relnamespace = '${schema}'::regnamespace and relkind = 'r' order by 1`
      )
      assert.deepStrictEqual(
        tables.filter(({ comment }) => comment === null),
        []
      )
      assert.include(
        tables.map(({ comment }) => comment),
        "The records of the view Positions, version 1, build 1."
      )
    })
  )
})

const grants = (schema: string, role: string): ReadonlyArray<string> => [
  `grant usage on schema ${schema} to ${role}`,
  `grant select, insert, update, delete on all tables in schema ${schema} to ${role}`,
  `grant usage, select on all sequences in schema ${schema} to ${role}`,
  `grant execute on all functions in schema ${schema} to ${role}`
]

const defaultGrants = (schema: string, role: string): ReadonlyArray<string> => [
  `alter default privileges in schema ${schema} grant select, insert, update, delete on tables to ${role}`,
  `alter default privileges in schema ${schema} grant usage, select on sequences to ${role}`,
  `alter default privileges in schema ${schema} grant execute on functions to ${role}`
]

const newRole = (sql: PgClient.PgClient) =>
  Effect.gen(function* () {
    const role = `app_${crypto.randomUUID().replaceAll("-", "")}`
    return yield* Effect.acquireRelease(Effect.as(sql.unsafe(`create role ${role}`), role), () =>
      Effect.ignore(Effect.andThen(sql.unsafe(`drop owned by ${role}`), sql.unsafe(`drop role ${role}`)))
    )
  })

/** Runs an effect as a role, on one connection. */
const as = <A, E>(sql: PgClient.PgClient, role: string, effect: Effect.Effect<A, E, SqlClient.SqlClient>) =>
  sql
    .withTransaction(Effect.andThen(sql.unsafe(`set local role ${role}`), effect))
    .pipe(Effect.provideService(SqlClient.SqlClient, sql))
