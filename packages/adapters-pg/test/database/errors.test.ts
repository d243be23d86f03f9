import { assert, it } from "@effect/vitest"
import { EventStore, EventStoreError, StreamId } from "@hexfold/core"
import { PgEventStore } from "@hexfold/adapters-pg"
import { ConfigProvider, Deferred, Effect, Exit, Fiber, Layer, Redacted, Stream } from "effect"
import { SqlError } from "effect/sql"
import { describe } from "vitest"
import { newSchema, openStore, url } from "../support/database.ts"
import { append } from "../support/events.ts"

const account = StreamId.make("Account", "1")

const storeError = (error: unknown): EventStoreError => {
  assert.instanceOf(error, EventStoreError)
  return error
}

describe("errors", () => {
  it.live("a server that cannot be reached is Unavailable, with the driver's error as the cause", () =>
    Effect.gen(function* () {
      const layer = PgEventStore.layerUrl(Redacted.make("postgres://postgres:postgres@127.0.0.1:1/postgres"))
      const error = storeError(yield* Effect.flip(Effect.scoped(Layer.build(layer))))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.isTrue(error.isRetryable)
      assert.isTrue(SqlError.isSqlError(error.reason.cause))
    })
  )

  it.live("a statement that runs out of time is Timeout", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const holder = yield* openStore({ schema })
      const waiter = yield* openStore({ schema }, { startupParameters: { lock_timeout: "30ms" } })
      yield* append(holder.store, account, 1)
      const [held, end] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const holding = yield* holder.sql
        .withTransaction(
          append(holder.store, account, 1).pipe(
            Effect.tap(() => Deferred.succeed(held, undefined)),
            Effect.tap(() => Deferred.await(end))
          )
        )
        .pipe(Effect.forkChild)
      yield* Deferred.await(held)
      const error = storeError(yield* Effect.flip(append(waiter.store, account, 1)))
      assert.strictEqual(error.reason._tag, "Timeout")
      assert.isTrue(error.isRetryable)
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(holding)
      assert.strictEqual((yield* append(waiter.store, account, 1)).events[0]!.version, 3)
    })
  )

  it.live("a missing table is Rejected and not retryable", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* sql.unsafe(`drop schema ${schema} cascade`)
      const error = storeError(yield* Effect.flip(append(store, account, 1)))
      assert.deepStrictEqual([error.operation, error.reason._tag, error.isRetryable], ["append", "Rejected", false])
      const read = storeError(yield* Effect.flip(Stream.runDrain(store.readAll())))
      assert.deepStrictEqual([read.operation, read.reason._tag], ["readAll", "Rejected"])
      const live = storeError(yield* Effect.flip(Stream.runDrain(store.horizons)))
      assert.strictEqual(live.reason._tag, "Rejected")
    })
  )

  it.live("an append whose backend is killed is Unavailable, and the pool recovers", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const killer = yield* openStore({ schema })
      const victim = yield* openStore({ schema }, { applicationName: `victim_${schema}` })
      yield* append(killer.store, account, 1)
      const blocked = yield* Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* killer.sql.reserve
          yield* connection.execute("begin", [], undefined)
          yield* connection.execute(`select 1 from ${schema}.streams for update`, [], undefined)
          const fiber = yield* Effect.forkChild(append(victim.store, account, 1))
          const kill = killer.sql.unsafe<{ killed: boolean }>(
            "select pg_terminate_backend(pid) as killed from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'",
            [`victim_${schema}`]
          )
          yield* kill.pipe(Effect.repeat({ until: ({ length }) => length > 0 }))
          const exit = yield* Fiber.await(fiber)
          yield* connection.execute("rollback", [], undefined)
          return exit
        })
      )
      assert.isTrue(Exit.isFailure(blocked))
      if (Exit.isFailure(blocked)) {
        const [reason] = blocked.cause.reasons
        assert.strictEqual(reason?._tag === "Fail" && storeError(reason.error).reason._tag, "Unavailable")
      }
      assert.strictEqual((yield* append(victim.store, account, 1)).events[0]!.version, 2)
    })
  )

  it.live("layerConfig takes DATABASE_URL from the environment", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const version = EventStore.EventStore.use((store) =>
        Effect.map(append(store, account, 1), ({ events }) => events[0]!.version)
      ).pipe(
        Effect.provide(PgEventStore.layerConfig({ schema })),
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { DATABASE_URL: Redacted.value(url()) } })))
      )
      assert.strictEqual(yield* version, 1)
    })
  )
})
