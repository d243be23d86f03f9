import { assert, it } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgMigrations } from "@hexfold/adapters-pg"
import { type EventStore, EventStoreError, StreamId } from "@hexfold/core"
import { DateTime, Duration, Effect, Exit, Fiber, Logger, Schedule, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema, openStore, openViews, undoInline } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"
import { wire } from "../support/wire.ts"

const account = StreamId.make("Account", "1")
const key = (id: string) => ({ id, fingerprint: "f" })

/** A command that adds an event to the account. */
const execute = (store: EventStore.EventStore["Service"], id: string) =>
  appendOne(store, { writes: [{ streamId: account, events: [event()] }], conditions: [], command: key(id) })

const isRemembered = (store: EventStore.EventStore["Service"], id: string) =>
  Effect.map(store.readStreams([], key(id)), ({ appended }) => appended !== undefined)

const forgotten = (store: EventStore.EventStore["Service"], id: string) =>
  isRemembered(store, id).pipe(Effect.repeat({ until: (remembered) => !remembered }))

/** Makes a command, or all of them, older. */
const age = (sql: PgClient.PgClient, schema: string, by: string, id?: string) =>
  sql.unsafe(
    `update ${schema}.commands set recorded_at = recorded_at - $1::text::interval where $2::text is null or key = 'c:' || $2`,
    [by, id ?? null]
  )

/** Adds commands that are a day old or older, many with the same time. */
const addOld = (sql: PgClient.PgClient, schema: string, count: number) =>
  sql.unsafe(
    `insert into ${schema}.commands (key, fingerprint, recorded_at)
     select 'c:old-' || n, 'f', date_trunc('second', now()) - interval '1 day' - n / 2000 * interval '1 second' from generate_series(1, ${count}) n`
  )

const sweep = (sql: SqlClient.SqlClient, schema: string, olderThan: Duration.Input = "1 hour") =>
  Effect.provideService(PgEventStore.sweepCommands({ schema, olderThan }), SqlClient.SqlClient, sql)

/** Runs a statement of PL/pgSQL after the batch of a command is locked, and before the command is deleted. */
const beforeSweep = (sql: PgClient.PgClient, schema: string, body: string) =>
  Effect.andThen(
    sql.unsafe(
      `create function ${schema}.sweeping() returns trigger language plpgsql as $$ begin ${body} return old; end $$`
    ),
    sql.unsafe(
      `create trigger sweeping before delete on ${schema}.commands for each row execute function ${schema}.sweeping()`
    )
  )

/** Waits until the client with a name waits for a lock. */
const waiting = (sql: PgClient.PgClient, applicationName: string) =>
  sql
    .unsafe("select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'", [applicationName])
    .pipe(Effect.repeat({ until: ({ length }) => length > 0 }))

describe("retention of command ids", () => {
  it.live("a sweep forgets the expired ids and no others; their commands are executed anew", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      const first = { old: yield* execute(store, "old"), young: yield* execute(store, "young") }
      yield* age(sql, schema, "61 minutes", "old")
      yield* age(sql, schema, "59 minutes", "young")
      // Until a sweep comes, the command id is remembered.
      assert.isTrue((yield* execute(store, "old")).repeated)
      assert.strictEqual(yield* sweep(sql, schema), 1)
      assert.deepStrictEqual(yield* execute(store, "young"), { ...first.young, repeated: true })
      assert.isFalse(yield* isRemembered(store, "old"))
      const again = yield* execute(store, "old")
      assert.deepStrictEqual([again.repeated, again.events[0]!.version], [false, 3])
      assert.deepStrictEqual(yield* execute(store, "old"), { ...again, repeated: true })
      assert.strictEqual(yield* sweep(sql, schema), 0)
      assert.strictEqual(yield* sweep(sql, schema, "Infinity"), 0)
    })
  )

  it.live(
    "a store with a retention sweeps by itself, and tells once that sweeps fail and that they succeed again",
    () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const { sql, store } = yield* openStore({ schema })
        yield* execute(store, "old")
        yield* execute(store, "young")
        yield* age(sql, schema, "2 hours", "old")
        yield* sql.unsafe(`create sequence ${schema}.sweeps`)
        yield* beforeSweep(sql, schema, `if nextval('${schema}.sweeps') < 3 then raise exception 'not yet'; end if;`)
        const lines: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel}: ${String(message)}`))
        // The store is opened inside a transaction. The sweep must not join it.
        yield* sql.withTransaction(
          Effect.andThen(
            PgEventStore.make({ schema, migrate: false, commandRetention: "1 hour", sweepInterval: "10 millis" }).pipe(
              Effect.provideService(PgClient.PgClient, sql),
              Effect.provideService(SqlClient.SqlClient, sql),
              Effect.provide(Logger.layer([logger]))
            ),
            forgotten((yield* openStore({ schema })).store, "old")
          )
        )
        assert.isTrue(yield* isRemembered(store, "young"))
        yield* Effect.sync(() => lines.length).pipe(
          Effect.repeat({ until: (count) => count > 1, schedule: Schedule.spaced("5 millis") })
        )
        assert.deepStrictEqual(lines, [
          `Warn: hexfold: expired command ids of ${schema} cannot be swept, so they stay`,
          `Info: hexfold: expired command ids of ${schema} are swept again`
        ])
      })
  )

  for (const [title, disturbed] of [
    ["behind the lock of a stranger", "locked"],
    ["on a silent connection", "silent"]
  ] as const) {
    it.live(
      `a sweep ${title} ends in time and is told, and a later one succeeds`,
      () =>
        Effect.gen(function* () {
          const schema = yield* newSchema
          const { sql, store } = yield* openStore({ schema })
          yield* execute(store, "old")
          yield* age(sql, schema, "2 hours", "old")
          const stranger = yield* sql.reserve
          yield* stranger.execute("begin", [], undefined)
          if (disturbed === "locked") yield* stranger.execute(`lock table ${schema}.commands`, [], undefined)
          const { silence, url } = yield* wire
          const own = yield* client({ url, maxConnections: 1 })
          const lines: Array<string> = []
          const logger = Logger.make(({ logLevel, message }) => {
            if (String(message).includes("command ids")) lines.push(`${logLevel}: ${String(message)}`)
          })
          yield* PgEventStore.make({
            schema,
            migrate: false,
            timeout: "1 second",
            commandRetention: "1 hour",
            sweepInterval: "10 millis"
          }).pipe(
            Effect.provideService(PgClient.PgClient, own),
            Effect.provideService(SqlClient.SqlClient, own),
            Effect.provide(Logger.layer([logger]))
          )
          if (disturbed === "silent") {
            yield* forgotten(store, "old")
            silence()
          }
          const told = (count: number) =>
            Effect.sync(() => lines.length).pipe(
              Effect.repeat({ until: (length) => length >= count, schedule: Schedule.spaced("5 millis") })
            )
          yield* told(1)
          yield* stranger.execute("rollback", [], undefined)
          yield* told(2)
          yield* forgotten(store, "old")
          assert.deepStrictEqual(lines.slice(0, 2), [
            `Warn: hexfold: expired command ids of ${schema} cannot be swept, so they stay`,
            `Info: hexfold: expired command ids of ${schema} are swept again`
          ])
        }),
      30_000
    )
  }

  it.live("a sweep of a job ends with a Timeout behind the lock of a stranger, and then succeeds", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* execute(store, "old")
      yield* age(sql, schema, "2 hours", "old")
      const stranger = yield* sql.reserve
      yield* stranger.execute("begin", [], undefined)
      yield* stranger.execute(`lock table ${schema}.commands`, [], undefined)
      const limited = PgEventStore.sweepCommands({ schema, olderThan: "1 hour", timeout: "100 millis" }).pipe(
        Effect.provideService(SqlClient.SqlClient, sql)
      )
      // Inside a transaction of the caller it uses another connection, and leaves the transaction as it is.
      for (const sweeping of [limited, sql.withTransaction(Effect.flip(limited)).pipe(Effect.flip)]) {
        const error = yield* Effect.flip(sweeping)
        assert.instanceOf(error, EventStoreError)
        assert.strictEqual(`${error.operation} ${error.reason._tag}`, "maintenance Timeout")
      }
      yield* stranger.execute("rollback", [], undefined)
      assert.strictEqual(yield* sweep(sql, schema), 1)
    })
  )

  it.live("the sweep ends with the store", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* execute(store, "old")
      yield* age(sql, schema, "2 hours")
      yield* beforeSweep(sql, schema, `perform pg_advisory_xact_lock(hashtext('${schema}'));`)
      const applicationName = `closing_${schema}`
      const own = yield* client({ applicationName })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* sql.reserve
          yield* connection.execute(`select pg_advisory_lock(hashtext('${schema}'))::text`, [], undefined)
          const scope = yield* Scope.make()
          yield* PgEventStore.make({ schema, commandRetention: "1 hour" }).pipe(
            Effect.provideService(PgClient.PgClient, own),
            Effect.provideService(SqlClient.SqlClient, own),
            Scope.provide(scope)
          )
          yield* waiting(sql, applicationName)
          yield* Scope.close(scope, Exit.void)
          yield* connection.execute(`select pg_advisory_unlock(hashtext('${schema}'))`, [], undefined)
        })
      )
      yield* sql
        .unsafe("select from pg_stat_activity where application_name = $1 and state <> 'idle'", [applicationName])
        .pipe(Effect.repeat({ until: ({ length }) => length === 0 }))
      assert.isTrue(yield* isRemembered(store, "old"))
    })
  )

  it.live("a sweep is many small transactions, also inside a caller's", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql } = yield* openStore({ schema })
      yield* addOld(sql, schema, 2_500)
      yield* sql.unsafe(`create table ${schema}.batches (size int, xid text default txid_current()::text)`)
      yield* sql.unsafe(
        `create function ${schema}.swept() returns trigger language plpgsql as $$
         begin insert into ${schema}.batches (size) select count(*) from gone; return null; end $$`
      )
      yield* sql.unsafe(
        `create trigger swept after delete on ${schema}.commands referencing old table as gone execute function ${schema}.swept()`
      )
      assert.strictEqual(yield* Effect.flip(sql.withTransaction(Effect.flip(sweep(sql, schema)))), 2_500)
      const batches = yield* sql.unsafe<{ size: number; xid: string }>(
        `select size, xid from ${schema}.batches order by size desc`
      )
      assert.deepStrictEqual(
        batches.map(({ size }) => size),
        [1_000, 1_000, 500]
      )
      assert.strictEqual(new Set(batches.map(({ xid }) => xid)).size, 3)
    })
  )

  it.live("two sweeps at once take different command ids, and neither waits for the other", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const slow = yield* client({
        applicationName: `slow_${schema}`,
        startupParameters: { default_transaction_isolation: "repeatable read" }
      })
      const { sql } = yield* openStore({ schema })
      yield* addOld(sql, schema, 2_500)
      yield* beforeSweep(
        sql,
        schema,
        `if current_setting('application_name') = 'slow_${schema}' then
           perform pg_advisory_xact_lock(hashtext('${schema}'));
         end if;`
      )
      const counts = yield* Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* sql.reserve
          yield* connection.execute(`select pg_advisory_lock(hashtext('${schema}'))::text`, [], undefined)
          const fiber = yield* Effect.forkScoped(sweep(slow, schema))
          yield* waiting(sql, `slow_${schema}`)
          const quick = yield* sweep(sql, schema)
          yield* connection.execute(`select pg_advisory_unlock(hashtext('${schema}'))`, [], undefined)
          return [quick, yield* Fiber.join(fiber)]
        })
      )
      assert.deepStrictEqual(counts, [1_500, 1_000])
    })
  )

  it.live("many sweeps at once forget each id once, also where transactions default to repeatable read", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql } = yield* openStore({ schema })
      yield* addOld(sql, schema, 20_000)
      const strict = yield* client({ startupParameters: { default_transaction_isolation: "repeatable read" } })
      const counts = yield* Effect.all([sweep(strict, schema), sweep(sql, schema), sweep(strict, schema)], {
        concurrency: "unbounded"
      })
      assert.strictEqual(
        counts.reduce((sum, count) => sum + count, 0),
        20_000
      )
    })
  )

  it.live("an append that repeats an id while it is swept is executed anew", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const applicationName = `repeating_${schema}`
      const { sql, store } = yield* openStore({ schema })
      const repeating = yield* openStore({ schema }, { applicationName })
      yield* execute(store, "old")
      yield* age(sql, schema, "2 hours")
      const again = yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql.unsafe(`delete from ${schema}.commands`)
          const fiber = yield* Effect.forkDetach(execute(repeating.store, "old"))
          yield* waiting(sql, applicationName)
          return fiber
        })
      )
      const appended = yield* Fiber.join(again)
      assert.deepStrictEqual([appended.repeated, appended.events[0]!.version], [false, 2])
    })
  )

  it.live("a repeat whose id is swept before its receipt is read fails, and may be repeated", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const applicationName = `repeating_${schema}`
      const { sql, store } = yield* openStore({ schema })
      const repeating = yield* openStore({ schema }, { applicationName })
      const locked = StreamId.make("Account", "2")
      yield* append(store, locked, 1)
      yield* execute(store, "old")
      yield* age(sql, schema, "2 hours")
      // The repeat shares a call with an append that must wait after the call has found the id.
      const [repeat, other] = yield* Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* sql.reserve
          yield* connection.execute("begin", [], undefined)
          yield* connection.execute(`select 1 from ${schema}.streams where key = '${locked}' for update`, [], undefined)
          const fiber = yield* Effect.forkScoped(
            Effect.all([Effect.flip(execute(repeating.store, "old")), append(repeating.store, locked, 1)], {
              concurrency: "unbounded"
            })
          )
          yield* waiting(sql, applicationName)
          assert.strictEqual(yield* sweep(sql, schema), 1)
          yield* connection.execute("rollback", [], undefined)
          return yield* Fiber.join(fiber)
        })
      )
      assert.instanceOf(repeat, EventStoreError)
      assert.deepStrictEqual([repeat.operation, repeat.reason._tag], ["append", "Unavailable"])
      assert.isTrue(repeat.isRetryable)
      assert.strictEqual(other.events[0]!.version, 2)
      assert.isFalse((yield* execute(repeating.store, "old")).repeated)
    })
  )

  it.live("an id that a consumer has derived stays while its event is not done, or is parked", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      const { store: views } = yield* openViews({ schema })
      const generation = { view: "reactor/Mails", version: 1 }
      const claimed = yield* views.claim({ generation, owner: "one", lease: Duration.minutes(1) })
      const owner = { generation, epoch: claimed._tag === "Owned" ? claimed.epoch : 0 }
      const idOf = (consumer: string, position: number | string) => `${consumer}:${position}:${crypto.randomUUID()}:0:0`
      const ids = {
        done: idOf("reactor/Mails", 3),
        open: idOf("reactor/Mails", 6),
        parked: idOf("reactor/Mails", 2),
        skipped: idOf("reactor/Mails", 1),
        ofAnother: idOf("reactor/Unknown", 9),
        similar: idOf("reactor/Mails", "99999999999999999999999"),
        own: "an id of the caller"
      }
      const letter = {
        stream: account,
        streamVersion: 1,
        type: "Added",
        at: DateTime.makeUnsafe(0),
        history: 1,
        key: "a"
      }
      const error = { step: "react", cause: "no" }
      yield* views.commit({
        owner,
        from: 0,
        to: 5,
        deadLetters: {
          put: [
            { ...letter, position: 2, parked: true, error },
            { ...letter, position: 1, parked: false, error }
          ],
          remove: []
        }
      })
      for (const id of Object.values(ids)) yield* execute(store, id)
      yield* age(sql, schema, "2 hours")
      assert.strictEqual(yield* sweep(sql, schema), 5)
      const left = yield* Effect.filter(Object.entries(ids), ([, id]) => isRemembered(store, id))
      assert.deepStrictEqual(
        left.map(([name]) => name),
        ["open", "parked"]
      )
      yield* views.commit({ owner, from: 5, to: 6, deadLetters: { put: [], remove: [{ position: 2, key: "a" }] } })
      assert.strictEqual(yield* sweep(sql, schema), 2)
    })
  )

  it.live("a sweep finds the expired ids of a big table by an index", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql } = yield* openStore({ schema })
      yield* addOld(sql, schema, 20_000)
      yield* sql.unsafe(`analyze ${schema}.commands`)
      const scans = sql.unsafe<{ scans: number; rows: number }>(
        `select idx_scan::int4 as scans, idx_tup_read::int4 as rows from pg_stat_all_indexes
         where schemaname = $1 and indexrelname = 'commands_recorded_at'`,
        [schema]
      )
      assert.deepStrictEqual(yield* scans, [{ scans: 0, rows: 0 }])
      // A session reports its statistics when it ends.
      yield* Effect.scoped(Effect.flatMap(client(), (own) => sweep(own, schema, "2 days")))
      const [row] = yield* scans.pipe(Effect.repeat({ until: ([row]) => row!.scans > 0 }))
      // No command id is so old, and the sweep has not read the others.
      assert.strictEqual(row!.rows, 0)
    })
  )

  it.live("a retention, an interval or an age that is not above 0 is refused", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      for (const options of [{ commandRetention: 0 }, { commandRetention: "1 hour", sweepInterval: 0 }] as const) {
        const error = yield* Effect.flip(openStore({ schema, ...options }))
        assert.deepStrictEqual([error.operation, error.reason._tag], ["open", "Rejected"])
      }
      const { sql } = yield* openStore({ schema })
      const error = yield* Effect.flip(sweep(sql, schema, "-1 hours"))
      assert.deepStrictEqual([error.operation, error.reason._tag], ["maintenance", "Rejected"])
    })
  )

  it.live("a schema of version 1 is migrated by ten processes at once, and keeps what it holds", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      const first = yield* execute(store, "old")
      yield* age(sql, schema, "2 hours")
      // Removes what later versions have added.
      yield* sql.unsafe(`drop index ${schema}.commands_recorded_at`)
      for (const statement of undoInline(schema)) yield* sql.unsafe(statement)
      yield* sql.unsafe(`drop table ${schema}.view_parts, ${schema}.view_letters, ${schema}.views`)
      yield* sql.unsafe(`drop sequence ${schema}.view_epochs`)
      yield* sql.unsafe(`drop function ${schema}.sort_key`)
      yield* sql.unsafe(`delete from ${schema}.migrations where migration_id > 1`)
      assert.include(
        (yield* Effect.flip(openStore({ schema, migrate: false }))).message,
        `${schema} is at version 1, and this library needs ${PgMigrations.latest}`
      )
      const stores = yield* Effect.forEach(Array.from({ length: 10 }), () => openStore({ schema }), {
        concurrency: "unbounded"
      })
      for (const { store } of stores) {
        assert.deepStrictEqual(yield* execute(store, "old"), { ...first, repeated: true })
      }
      const indexes = yield* sql.unsafe(`select from pg_indexes where schemaname = $1 and indexname = $2`, [
        schema,
        "commands_recorded_at"
      ])
      assert.strictEqual(indexes.length, 1)
      assert.strictEqual(yield* sweep(sql, schema, "3 hours"), 0)
      assert.strictEqual(yield* sweep(sql, schema), 1)
    })
  )
})
