import { assert, it } from "@effect/vitest"
import { EventStoreError, StreamId } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { append } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"

const account = StreamId.make("Account", "1")
const other = StreamId.make("Account", "2")
const begin = (level: string) => Effect.provideService(SqlClient.BeginTransaction, `BEGIN ISOLATION LEVEL ${level}`)

describe("inside a caller's transaction", () => {
  it.live("an append happens with the transaction or not at all, and is seen inside it before the commit", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* sql.unsafe(`create table ${schema}.own (n int)`)
      const both = (fails: boolean) =>
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql.unsafe(`insert into ${schema}.own values (1)`)
            yield* append(store, account, 2)
            yield* append(store, account, 1)
            const { streams } = yield* store.readStreams([{ streamId: account }])
            if (fails) return yield* Effect.fail("undone" as const)
            return streams[0]!.version
          })
        )
      assert.strictEqual(yield* Effect.flip(both(true)), "undone")
      assert.strictEqual((yield* store.readStreams([{ streamId: account }])).streams[0]!.version, 0)
      assert.strictEqual(yield* both(false), 3)
      assert.strictEqual((yield* store.readStreams([{ streamId: account }])).streams[0]!.version, 3)
      assert.deepStrictEqual(yield* sql.unsafe(`select n from ${schema}.own`), [{ n: 1 }])
    })
  )

  it.live("a conflict leaves the transaction usable", () =>
    Effect.gen(function* () {
      const { sql, store } = yield* openStore({ schema: yield* newSchema })
      const version = yield* sql.withTransaction(
        Effect.gen(function* () {
          const conflict = yield* Effect.flip(
            appendOne(store, {
              writes: [{ streamId: account, events: [] }],
              conditions: [{ _tag: "Stream", streamId: account, expected: { _tag: "StreamExists" } }]
            })
          )
          assert.strictEqual(conflict._tag, "ConcurrencyConflict")
          yield* append(store, account, 1)
          return (yield* store.readStreams([{ streamId: account }])).streams[0]!.version
        })
      )
      assert.strictEqual(version, 1)
    })
  )

  it.live("many appends of one transaction hold one advisory lock of each kind", () =>
    Effect.gen(function* () {
      const { sql, store } = yield* openStore({ schema: yield* newSchema })
      const locks = yield* sql.withTransaction(
        Effect.gen(function* () {
          for (let i = 0; i < 50; i++) yield* append(store, account, 1)
          return yield* sql.unsafe(
            "select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and mode = 'ShareLock'"
          )
        })
      )
      assert.strictEqual(locks.length, 2)
    })
  )

  it.live("an append after a savepoint that rolled back announces itself again", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const [inside, outside] = [yield* openStore({ schema }), yield* openStore({ schema })]
      yield* inside.sql.withTransaction(
        Effect.gen(function* () {
          const savepoint = inside.sql.withTransaction(
            Effect.andThen(append(inside.store, account, 1), Effect.fail("back" as const))
          )
          assert.strictEqual(yield* Effect.flip(savepoint), "back")
          yield* append(inside.store, account, 1)
          yield* append(outside.store, other, 1)
          // The first event is not committed, so no event after it may be read.
          assert.deepStrictEqual(yield* Stream.runCollect(outside.store.readAll()), [])
        })
      )
      const read = yield* Stream.runCollect(outside.store.readAll())
      assert.deepStrictEqual(
        read.map(({ streamId }) => streamId),
        [account, other]
      )
    })
  )

  it.live("under a stricter isolation a lost race is a retryable error", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const [strict, quick] = [yield* openStore({ schema }), yield* openStore({ schema })]
      yield* append(quick.store, account, 1)
      const racing = strict.sql
        .withTransaction(
          Effect.gen(function* () {
            yield* strict.store.readStreams([{ streamId: account }])
            yield* append(quick.store, account, 1)
            yield* append(strict.store, account, 1)
          })
        )
        .pipe(begin("REPEATABLE READ"))
      const error = yield* Effect.flip(racing)
      assert.instanceOf(error, EventStoreError)
      assert.isTrue(error.isRetryable)
    })
  )

  it.live("reading the whole store on an old snapshot is refused, because it could miss events", () =>
    Effect.gen(function* () {
      const { sql, store } = yield* openStore({ schema: yield* newSchema })
      yield* append(store, account, 1)
      const read = Stream.runCollect(store.readAll())
      assert.strictEqual((yield* sql.withTransaction(read)).length, 1)
      const error = yield* Effect.flip(sql.withTransaction(read).pipe(begin("REPEATABLE READ")))
      assert.instanceOf(error, EventStoreError)
      assert.strictEqual(error.reason._tag, "Rejected")
      assert.include(error.message, "READ COMMITTED")
    })
  )
})
