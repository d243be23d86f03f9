import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { EventStoreError, StreamId } from "@hexfold/core"
import { Deferred, Effect, Fiber } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import { describe } from "vitest"
// The order of locks is a promise of the function, whatever the layer asks of it.
// oxlint-disable-next-line no-restricted-imports
import { lockCall } from "../../src/sql/locks.ts"
import { client, newSchema, openStore } from "../support/database.ts"
import { append } from "../support/events.ts"
import { eventually, opened } from "../support/inlineViews.ts"
import { wire } from "../support/wire.ts"

const streamOf = (name: string) => StreamId.make("Thing", name)

/** Transactions that wait for a lock. */
const waiting = (sql: PgClient.PgClient) =>
  Effect.map(
    sql.unsafe<{ readonly count: bigint }>(
      "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%lock_streams%' and query not like '%pg_stat%'"
    ),
    ([row]) => Number(row!.count)
  )

const begin = (sql: PgClient.PgClient) =>
  Effect.gen(function* () {
    const connection = yield* sql.reserve
    yield* connection.execute("begin", [], undefined)
    return connection
  })

const run = (connection: Connection, statement: string) => connection.execute(statement, [], undefined)

describe("locks of streams", () => {
  it.live("are taken in the order of appends: flags, generations, command keys, heads, each ascending", () =>
    Effect.gen(function* () {
      const { instances, schema } = yield* opened(1)
      const { events, sql } = instances[0]!
      for (const name of ["a", "b", "c"]) yield* append(events, streamOf(name), 1)
      const [view] = yield* sql.unsafe<{ readonly id: bigint }>(`select id from ${schema}.views where inline`)
      const generation = Number(view!.id)
      const inlineLock = (id: number) => `(hashtext('hexfold inline "${schema}"'), ${id})`
      const head = (name: string) => `select from ${schema}.streams where key = 'Thing-${name}' for update`
      const command = (name: string) =>
        `insert into ${schema}.commands (key, fingerprint, recorded_at) values ('c:${name}', '', now())`
      // In the order in which they are taken, with the statement that finds whether each is held.
      const order = [
        `select pg_advisory_xact_lock${inlineLock(0)}`,
        `select pg_advisory_xact_lock${inlineLock(generation)}`,
        command("1"),
        command("2"),
        head("a"),
        head("b"),
        head("c")
      ]
      const isFree = (statement: string) =>
        Effect.gen(function* () {
          const connection = yield* begin(sql)
          yield* run(connection, "set local lock_timeout = '20ms'")
          const free = yield* Effect.match(run(connection, statement), {
            onFailure: () => false,
            onSuccess: () => true
          })
          yield* run(connection, "rollback")
          return free
        }).pipe(Effect.scoped)
      for (const [i, statement] of order.entries()) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const stranger = yield* begin(sql)
            yield* run(stranger, statement)
            const holder = yield* begin(yield* client())
            const locking = yield* Effect.forkChild(
              holder.execute(
                lockCall(`"${schema}"`),
                ["{Thing-a,Thing-b,Thing-c}", "{Thing}", "{c:1,c:2}", `{${generation}}`, 60_000],
                undefined
              ),
              { startImmediately: true }
            )
            yield* eventually(Effect.map(waiting(sql), (count) => count === 1))
            const free = yield* Effect.forEach(order.toSpliced(i, 1), isFree)
            // What comes before is held, and nothing that comes after.
            assert.deepStrictEqual(
              free,
              order.slice(1).map((_, at) => at >= i),
              `while a stranger holds number ${i}`
            )
            yield* run(stranger, "rollback")
            yield* Fiber.join(locking)
            assert.deepStrictEqual(
              yield* Effect.forEach(order, isFree),
              order.map(() => false)
            )
            yield* run(holder, "rollback")
          })
        )
      }
    })
  )

  it.live("of a stream that a stranger holds end as a Timeout with the stream, and appends to others go on", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { locks, sql, store } = yield* openStore({ schema, lockTimeout: "1200 millis" }, { maxConnections: 4 })
      for (const name of ["a", "b"]) yield* append(store, streamOf(name), 1)
      const stranger = yield* begin(yield* client())
      yield* run(stranger, `select from ${schema}.streams where key = 'Thing-a' for update`)
      // More than there are connections.
      const blocked = yield* Effect.forEach(
        Array.from({ length: 8 }, (_, i) => i),
        (i) =>
          Effect.forkChild(Effect.flip(locks.hold([streamOf("a"), streamOf(`new${i}`)], [], Effect.die("ran"))), {
            startImmediately: true
          })
      )
      yield* eventually(Effect.map(waiting(sql), (count) => count > 0))
      for (let i = 0; i < 5; i++) yield* append(store, streamOf("b"), 1)
      for (const fiber of blocked) {
        const error = yield* Fiber.join(fiber)
        assert.instanceOf(error, EventStoreError)
        assert.strictEqual(error.reason._tag, "Timeout")
        assert.isTrue(error.isRetryable)
        assert.include(error.reason.detail, `"${streamOf("a")}"`)
      }
      yield* run(stranger, "rollback")
      yield* locks.hold([streamOf("a")], [], append(store, streamOf("a"), 1))
    })
  )

  it.live("of a command id that a stranger holds end as a Timeout that says so", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { locks } = yield* openStore({ schema, lockTimeout: "300 millis" })
      const stranger = yield* begin(yield* client())
      yield* run(stranger, `insert into ${schema}.commands (key, fingerprint, recorded_at) values ('c:1', '', now())`)
      const error = yield* Effect.flip(locks.hold([streamOf("a")], ["1"], Effect.void))
      assert.instanceOf(error, EventStoreError)
      assert.strictEqual(error.reason._tag, "Timeout")
    })
  )

  it.live("on a connection that falls silent end as a Timeout, and so do those that wait for the connection", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { end, silence, url } = yield* wire
      const { locks } = yield* openStore({ schema, timeout: "500 millis" }, { url, maxConnections: 1 })
      // Runs before the client ends, which would otherwise wait for answers that do not come.
      yield* Effect.addFinalizer(() => Effect.sync(end))
      const held = Deferred.makeUnsafe<void>()
      const silent = Deferred.makeUnsafe<void>()
      const holding = yield* Effect.forkChild(
        Effect.flip(
          locks.hold([streamOf("a")], [], Effect.andThen(Deferred.succeed(held, undefined), Deferred.await(silent)))
        ),
        { startImmediately: true }
      )
      yield* Deferred.await(held)
      silence()
      yield* Deferred.succeed(silent, undefined)
      for (const error of [yield* Fiber.join(holding), yield* Effect.flip(locks.hold([], [], Effect.void))]) {
        assert.instanceOf(error, EventStoreError)
        assert.strictEqual(error.reason._tag, "Timeout")
      }
    })
  )
})
