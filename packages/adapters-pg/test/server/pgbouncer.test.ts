import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgEventStore, PgStores } from "@hexfold/adapters-pg"
import { EventStore, StreamId } from "@hexfold/core"
import { Deferred, Effect, Fiber, type Layer, Logger, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newDatabase, newSchema, openStore } from "../support/database.ts"
import { append } from "../support/events.ts"
import { isInstalled, pgbouncer } from "./pgbouncer.ts"

if (!isInstalled) console.warn("SKIPPED: pgbouncer is not installed, so nothing is tested behind a connection pooler")

const streams = Array.from({ length: 60 }, (_, n) => StreamId.make("Account", `${n}`))

describe.skipIf(!isInstalled)("behind pgbouncer in transaction mode", () => {
  it.live("appends, reads and live readers work with the option pooler", () =>
    Effect.gen(function* () {
      const url = yield* pgbouncer
      const schema = yield* newSchema
      const work = Effect.gen(function* () {
        const store = yield* EventStore.EventStore
        const live = yield* Effect.forkChild(
          store.horizons.pipe(
            Stream.takeUntil(({ position }) => position >= 180),
            Stream.runDrain
          ),
          { startImmediately: true }
        )
        for (let i = 0; i < 3; i++) {
          yield* Effect.forEach(streams, (streamId) => append(store, streamId, 1), { concurrency: 12 })
        }
        yield* Fiber.join(live)
        return yield* Stream.runCount(store.readAll())
      })
      assert.strictEqual(yield* Effect.provide(work, PgStores.layerUrl(url, { schema, pooler: "transaction" })), 180)
    })
  )
})

describe("connections", () => {
  it.live("a client with prepared statements is refused behind a pooler", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(openStore({ schema: yield* newSchema, pooler: "transaction" }))
      assert.strictEqual(error.reason._tag, "Rejected")
      assert.include(error.message, "prepare: false")
    })
  )

  it.live("in a pool of one connection, live readers poll and appends go on", () =>
    Effect.gen(function* () {
      const { store } = yield* openStore({ schema: yield* newSchema }, { maxConnections: 1 })
      const live = yield* Effect.forkChild(
        store.horizons.pipe(
          Stream.takeUntil(({ position }) => position >= 3),
          Stream.runDrain
        ),
        { startImmediately: true }
      )
      for (const streamId of streams.slice(0, 3)) yield* append(store, streamId, 1)
      yield* Fiber.join(live)
    })
  )

  for (const [what, options, config, listens] of [
    ["a client of many connections", {}, {}, true],
    ["a client that does not say how many", {}, { maxConnections: undefined }, true],
    ["a client of one connection", {}, { maxConnections: 1 }, false],
    ["a client behind a pooler", { pooler: "transaction" }, { prepare: false }, false]
  ] as ReadonlyArray<
    readonly [string, PgEventStore.Options, { maxConnections?: number | undefined; prepare?: boolean }, boolean]
  >) {
    it.live(`${what} ${listens ? "listens" : "never listens"} for notifications`, () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const applicationName = `listening_${schema}`
        const { store } = yield* openStore({ schema, ...options }, { ...config, applicationName } as object)
        const { sql, store: other } = yield* openStore({ schema })
        const seen = yield* Deferred.make<void>()
        yield* Effect.forkChild(
          Stream.runForEach(store.horizons, ({ position }) =>
            position >= 2 ? Deferred.succeed(seen, undefined) : Effect.void
          ),
          { startImmediately: true }
        )
        const listening = sql.unsafe(
          "select from pg_stat_activity where application_name = $1 and query ilike 'listen%'",
          [applicationName]
        )
        if (listens) yield* Effect.repeat(listening, { until: ({ length }) => length > 0 })
        yield* append(other, streams[0]!, 2)
        yield* Deferred.await(seen)
        assert.lengthOf(yield* listening, listens ? 1 : 0)
      })
    )
  }

  it.live("a pool of one connection says that its live readers poll", () =>
    Effect.gen(function* () {
      for (const [maxConnections, count] of [
        [1, 1],
        [2, 0]
      ] as const) {
        const lines: Array<string> = []
        const logger = Logger.make<unknown, void>(
          ({ logLevel, message }) => void lines.push(`${logLevel}: ${String(message)}`)
        )
        yield* openStore({ schema: yield* newSchema }, { maxConnections }).pipe(Effect.provide(Logger.layer([logger])))
        assert.lengthOf(
          lines.filter((line) => /^Warn: .*one connection.*poll/.test(line)),
          count
        )
      }
    })
  )

  it.live("a migration leaves the limits of its connection as they were", () =>
    Effect.gen(function* () {
      const limits = { lock_timeout: "7s", statement_timeout: "8s" }
      const { sql } = yield* openStore({ schema: yield* newSchema }, { maxConnections: 1, startupParameters: limits })
      const [row] = yield* sql.unsafe<typeof limits>(
        "select current_setting('lock_timeout') as lock_timeout, current_setting('statement_timeout') as statement_timeout"
      )
      assert.deepInclude(row, limits)
    })
  )

  it.live("a first start succeeds under limits in time that are set at the database", () =>
    Effect.gen(function* () {
      const database = yield* newDatabase("limits")
      for (const limit of ["lock_timeout = '30ms'", "statement_timeout = '60ms'"]) {
        yield* database.unsafe(
          `do $$ begin execute format('alter database %I set ${limit.replaceAll("'", "''")}', current_database()); end $$`
        )
      }
      const start = (layer: Layer.Layer<never, unknown, PgClient.PgClient | SqlClient.SqlClient>) =>
        Effect.scoped(
          Effect.gen(function* () {
            const sql = yield* client(database.config)
            yield* Effect.provide(Effect.void, layer).pipe(
              Effect.provideService(PgClient.PgClient, sql),
              Effect.provideService(SqlClient.SqlClient, sql)
            )
          })
        )
      // The event store and the view store of `PgStores` migrate at once.
      const layers = [PgEventStore.layer(), PgEventStore.layer(), PgStores.layer(), PgStores.layer()]
      yield* Effect.forEach(layers, start, { concurrency: "unbounded" })
    })
  )
})
