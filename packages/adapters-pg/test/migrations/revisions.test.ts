import { readFileSync } from "node:fs"
import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { EventStoreError, StreamId } from "@hexfold/core"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newDatabase, newSchema, openStore, openStores, storesOn } from "../support/database.ts"
import { append } from "../support/events.ts"
import { catchUp, Positions } from "../support/inlineViews.ts"
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
          yield* Effect.provideService(PgMigrations.verify({ schema }), SqlClient.SqlClient, sql)
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
