import { readFileSync } from "node:fs"
import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { StreamId } from "@hexfold/core"
import { Duration, Effect, Fiber, Logger, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newDatabase, type OpenedStores, openStores, transacted, url } from "../support/database.ts"
import { append } from "../support/events.ts"
import { appendTo as appendEvent, isInline, opened, Positions } from "../support/inlineViews.ts"
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

const until = (holds: () => boolean) =>
  Effect.repeat(Effect.sync(holds), { until: (done) => done, schedule: Schedule.spaced("5 millis") })

/** Waits until so many sessions of an application stand in the queue for a lock. */
const queueing = (sql: PgClient.PgClient, application: string, kind: "relation" | "advisory", count: number) =>
  sql
    .unsafe(
      `select from pg_locks join pg_stat_activity using (pid)
       where not granted and locktype = $1 and application_name = $2`,
      [kind, application]
    )
    .pipe(Effect.repeat({ until: ({ length }) => length === count, schedule: Schedule.spaced("5 millis") }))

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
        yield* Effect.repeat(appendOther(0), { until: () => lines.length > 0 })
        assert.lengthOf(lines, 1)
        assert.match(
          lines[0]!,
          /^Warn hexfold: the migration of the schema hexfold \(revisions, times, histories, view histories\) waits for/
        )
        assert.match(lines[0]!, /the transaction of process \d+ of "forgotten", open since 2\d{3}-/)
        for (let n = 1; n <= 4; n++) {
          yield* queueing(sql, "migrating", "relation", 1)
          yield* appendOther(n)
        }
        assert.isUndefined(migrating.pollUnsafe())
        assert.strictEqual(yield* versionOf(sql), 5)
        yield* end
        yield* Fiber.join(migrating)
        assert.strictEqual(yield* versionOf(sql), PgMigrations.latest)
        assert.match(lines.at(-1)!, /^Info hexfold: the migration .* goes on$/)
        assert.lengthOf(lines, 2)
        yield* appendOther(0)
      })
    )
  }

  it.live("is waited for by other migrations, and by a check, and they find the schema up to date", () =>
    Effect.gen(function* () {
      const { clientWith, sql } = yield* former
      const { layer, lines } = collecting()
      const end = yield* held(yield* clientWith("forgotten"), appendTo("held"))
      const migrating = yield* Effect.forkScoped(run(sql).pipe(Effect.provide(layer)), { startImmediately: true })
      yield* until(() => lines.length > 0)
      const waiting = yield* clientWith("waiting", { lock_timeout: "20ms", statement_timeout: "2s" })
      const check = Effect.provideService(PgMigrations.verify(), SqlClient.SqlClient, waiting)
      const others = yield* Effect.forEach([run(waiting), check], (effect) =>
        Effect.forkScoped(effect, { startImmediately: true })
      )
      // They wait for the migration alone, not for a table.
      yield* queueing(sql, "waiting", "advisory", 2)
      yield* end
      yield* Fiber.join(migrating)
      yield* Effect.forEach(others, (fiber) => Fiber.join(fiber))
      assert.strictEqual(yield* versionOf(sql), PgMigrations.latest)
    })
  )

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
              assert.strictEqual((yield* two.records.claim(claim))._tag, "Owned")
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
