import { readFileSync } from "node:fs"
import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { StreamId } from "@hexfold/core"
import { Clock, Duration, Effect, Fiber, Logger, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newDatabase, type OpenedStores, openStores, transacted, url } from "../support/database.ts"
import { append } from "../support/events.ts"
import { appendTo as appendEvent, isInline, opened, Positions } from "../support/inlineViews.ts"
import { present } from "../support/library.ts"
import { restore } from "./dumps/dump.ts"

/** An append of a library that knows only version 5 of the schema. */
const appendTo = (stream: string) =>
  `select o_positions from hexfold.append(array['Other-${stream}'], null, array[-1], array[1], array[0], array[1],
   array[1], array[gen_random_uuid()], array['Happened'], array['{"n":1}'::jsonb], array['{}'::jsonb],
   '{}', '{}', '{}', false, '{}', '{}')`

/** A database with a schema of version 5, and clients of it. */
const former = Effect.gen(function* () {
  const sql = yield* newDatabase("waiting")
  yield* restore(sql, readFileSync(new URL("dumps/version5.sql", import.meta.url), "utf8"))
  const [row] = yield* sql.unsafe<{ readonly name: string }>("select current_database() as name")
  const at = new URL(Redacted.value(url()))
  at.pathname = `/${row!.name}`
  const clientWith = (applicationName: string, startupParameters: Record<string, string> = {}) =>
    client({ url: Redacted.make(at.href), applicationName, startupParameters })
  return { sql, clientWith }
})

/** A transaction that stays open until it is told to end. */
const held = (sql: PgClient.PgClient, statement: string) =>
  Effect.gen(function* () {
    const connection = yield* sql.reserve
    yield* connection.execute("begin", [], undefined)
    yield* connection.execute(statement, [], undefined)
    return connection.execute("commit", [], undefined)
  })

const versionOf = (sql: PgClient.PgClient) =>
  Effect.map(
    sql.unsafe<{ readonly version: number }>("select max(migration_id) as version from hexfold.migrations"),
    ([row]) => row!.version
  )

const run = (sql: PgClient.PgClient) => Effect.provideService(PgMigrations.run(), SqlClient.SqlClient, sql)

/** Collects the lines of the log. */
const collecting = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    lines.push(`${logLevel} ${String(message)}`)
  })
  return { lines, layer: Logger.layer([logger]) }
}

/** A clock whose time passes only when it is told to. It counts the pauses, and shortens them. */
const ownTime = () => {
  let nanos = 0n
  let count = 0
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => Number(nanos / 1_000_000n),
    currentTimeMillis: Effect.sync(() => Number(nanos / 1_000_000n)),
    currentTimeNanosUnsafe: () => nanos,
    currentTimeNanos: Effect.sync(() => nanos),
    monotonicTimeNanosUnsafe: () => nanos,
    monotonicTimeNanos: Effect.sync(() => nanos),
    sleep: (duration) =>
      Effect.suspend(() => {
        count++
        return Effect.callback<void>((resume) => {
          const timer = setTimeout(() => resume(Effect.void), Math.min(Duration.toMillis(duration), 10))
          return Effect.sync(() => clearTimeout(timer))
        })
      })
  }
  const pass = (seconds: number) => {
    nanos += BigInt(Math.round(seconds * 1e9))
  }
  return { clock, pass, pauses: () => count }
}

const until = (holds: () => boolean) =>
  Effect.repeat(Effect.sync(holds), { until: (done) => done, schedule: Schedule.spaced("5 millis") })

/** Stops a migration at its first change of a table, when it has all of its locks, until it is told to go on. */
const stopsAtWork = (sql: PgClient.PgClient) =>
  Effect.gen(function* () {
    const connection = yield* sql.reserve
    yield* connection.execute("select pg_advisory_lock(42)", [], undefined)
    yield* sql.unsafe(`create function stop() returns event_trigger language plpgsql as $$ begin
      while not pg_try_advisory_xact_lock(42) loop perform pg_sleep(0.01); end loop; end $$`)
    yield* sql.unsafe(
      "create event trigger stop on ddl_command_end when tag in ('ALTER TABLE') execute function stop()"
    )
    return connection.execute("select pg_advisory_unlock(42)", [], undefined)
  })

/** Waits until a migration has its locks. */
const working = (sql: PgClient.PgClient, application: string) =>
  sql
    .unsafe(
      `select from pg_locks join pg_stat_activity using (pid) where application_name = $1 and granted
       and relation = 'hexfold.migrations'::regclass and mode = 'AccessExclusiveLock'`,
      [application]
    )
    .pipe(Effect.repeat({ until: ({ length }) => length > 0, schedule: Schedule.spaced("5 millis") }))

/** Waits until so many sessions of an application stand in the queue for a lock. */
const queueing = (sql: PgClient.PgClient, application: string, kind: "relation" | "advisory", count: number) =>
  sql
    .unsafe(
      `select from pg_locks join pg_stat_activity using (pid)
       where not granted and locktype = $1 and application_name = $2`,
      [kind, application]
    )
    .pipe(Effect.repeat({ until: ({ length }) => length === count, schedule: Schedule.spaced("5 millis") }))

/** Waits until a session of an application stands in the queue for a table, and excludes migrations meanwhile. */
const queueingAlone = (sql: PgClient.PgClient, application: string) =>
  sql
    .unsafe(
      `select from pg_locks l join pg_stat_activity using (pid) join pg_locks a using (pid)
       where not l.granted and l.locktype = 'relation' and a.granted and a.locktype = 'advisory' and application_name = $1`,
      [application]
    )
    .pipe(Effect.repeat({ until: ({ length }) => length > 0, schedule: Schedule.spaced("5 millis") }))

describe("a migration that waits for a transaction", () => {
  for (const [kind, statement] of [
    ["an open append", appendTo("held")],
    ["a reader of the log", "select from hexfold.events"],
    ["a lock on a table that it only comments on", "lock table hexfold.commands in share update exclusive mode"]
  ] as const) {
    it.live(`says so and lets appends go on, whatever limits the role has: ${kind}`, () =>
      Effect.gen(function* () {
        const { clientWith, sql } = yield* former
        const { layer, lines } = collecting()
        const end = yield* held(yield* clientWith("forgotten"), statement)
        const migrating = yield* Effect.forkScoped(
          run(yield* clientWith("migrating", { lock_timeout: "20ms", statement_timeout: "2s" })).pipe(
            Effect.provide(layer)
          ),
          { startImmediately: true }
        )
        // Far below the limit of an append. While the migration waits in the queue for the table, they wait behind it.
        const others = yield* clientWith("others", { lock_timeout: "3s" })
        const appendOther = (n: number) => others.unsafe(appendTo(`${n}`))
        for (let n = 1; n <= 4; n++) {
          yield* queueing(sql, "migrating", "relation", 1)
          yield* appendOther(n)
        }
        yield* Effect.repeat(appendOther(0), { until: () => lines.length > 0 })
        const pending = present.migrations.slice(5).map(({ name }) => name)
        assert.include(lines[0]!, `Warn hexfold: the migration of the schema hexfold (${pending.join(", ")}) waits for`)
        assert.match(lines[0]!, /the transaction of process \d+ of "forgotten", open since 2\d{3}-/)
        assert.isUndefined(migrating.pollUnsafe())
        assert.strictEqual(yield* versionOf(sql), 5)
        yield* end
        yield* Fiber.join(migrating)
        assert.strictEqual(yield* versionOf(sql), PgMigrations.latest)
        assert.match(lines.at(-1)!, /^Info hexfold: the migration .* goes on$/)
        yield* appendOther(0)
      })
    )
  }

  it.live("says nothing if it begins within a second", () =>
    Effect.gen(function* () {
      const { clientWith, sql } = yield* former
      const { layer, lines } = collecting()
      const { clock, pauses } = ownTime()
      const end = yield* held(yield* clientWith("brief"), appendTo("held"))
      const migrating = yield* Effect.forkScoped(
        run(sql).pipe(Effect.provide(layer), Effect.provideService(Clock.Clock, clock)),
        { startImmediately: true }
      )
      yield* until(() => pauses() >= 4)
      yield* end
      yield* Fiber.join(migrating)
      assert.isEmpty(lines)
    })
  )

  it.live("says so after a second, and again every ten seconds", () =>
    Effect.gen(function* () {
      const { clientWith, sql } = yield* former
      const { layer, lines } = collecting()
      const { clock, pass, pauses } = ownTime()
      const end = yield* held(yield* clientWith("forgotten"), appendTo("held"))
      const migrating = yield* Effect.forkScoped(
        run(sql).pipe(Effect.provide(layer), Effect.provideService(Clock.Clock, clock)),
        { startImmediately: true }
      )
      const tries = Effect.suspend(() => {
        const before = pauses()
        return until(() => pauses() >= before + 2)
      })
      yield* tries
      for (const [seconds, count] of [
        [0.9, 0],
        [0.1, 1],
        [9.9, 1],
        [0.1, 2],
        [9.9, 2],
        [0.1, 3]
      ] as const) {
        pass(seconds)
        yield* tries
        assert.lengthOf(lines, count)
      }
      yield* end
      yield* Fiber.join(migrating)
      assert.lengthOf(lines, 4)
      assert.match(lines[3]!, /^Info hexfold: the migration .* goes on$/)
    })
  )

  for (const [who, waiter] of [
    ["another migration", PgMigrations.run()],
    ["a check", PgMigrations.verify()]
  ] as const) {
    for (const isJoined of [false, true]) {
      it.live(
        `is waited for by ${who}${isJoined ? " in a caller's transaction" : ""}, whatever limits the role has`,
        () =>
          Effect.gen(function* () {
            const { clientWith, sql } = yield* former
            const goOn = yield* stopsAtWork(sql)
            const migrating = yield* Effect.forkScoped(run(yield* clientWith("migrating")), { startImmediately: true })
            yield* working(sql, "migrating")
            const waiting = yield* clientWith("waiting", { lock_timeout: "20ms", statement_timeout: "2s" })
            const asked = Effect.provideService(waiter, SqlClient.SqlClient, waiting)
            const asking = yield* Effect.forkScoped(isJoined ? waiting.withTransaction(asked) : asked, {
              startImmediately: true
            })
            // It waits for the migration alone, not for a table.
            yield* Effect.raceFirst(queueing(sql, "waiting", "advisory", 1), Fiber.join(asking))
            // Another transaction locks the table next. It is waited for too, without a limit, and while no migration may begin.
            const table = "lock table hexfold.migrations in access exclusive mode"
            const locking = yield* Effect.forkScoped(held(yield* clientWith("locking"), table), {
              startImmediately: true
            })
            yield* queueing(sql, "locking", "relation", 1)
            yield* goOn
            yield* Fiber.join(migrating)
            const end = yield* Fiber.join(locking)
            yield* Effect.raceFirst(queueingAlone(sql, "waiting"), Fiber.join(asking))
            yield* end
            yield* Fiber.join(asking)
            assert.strictEqual(yield* versionOf(sql), PgMigrations.latest)
          })
      )
    }
  }

  it.live("leaves the settings of a caller's transaction as they were", () =>
    Effect.gen(function* () {
      const { clientWith } = yield* former
      const sql = yield* clientWith("caller", { lock_timeout: "7s" })
      const settings = sql.unsafe(
        `select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
         current_setting('search_path') as path`
      )
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql.unsafe("set local statement_timeout = '8s'")
          const before = yield* settings
          yield* run(sql)
          assert.deepStrictEqual(yield* settings, before)
          assert.strictEqual((before[0] as { readonly lock: string }).lock, "7s")
        })
      )
    })
  )
})

describe("the table of a view and its indexes", () => {
  it.live("are made while appends are under way, and no append waits for them", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(2)
      const [one, two] = instances as [OpenedStores, OpenedStores]
      const { events } = yield* openStores(
        { schema, views: [Positions] },
        { startupParameters: { lock_timeout: "3s" } }
      )
      const generation = { view: "Positions", version: 2 }
      yield* transacted(
        one.sql,
        Effect.gen(function* () {
          yield* appendEvent(one, "held")
          yield* two.transaction(
            Effect.gen(function* () {
              const claim = { generation, owner: "test", lease: Duration.minutes(1), indexes: [[["n"]]] }
              assert.strictEqual((yield* two.projections.claim(claim))._tag, "Owned")
              yield* append(events, StreamId.make("Other", "1"), 1)
            })
          )
          yield* append(events, StreamId.make("Other", "1"), 1)
        })
      )
      yield* appendEvent(two, "after")
      assert.isTrue(yield* isInline(one))
    })
  )
})
