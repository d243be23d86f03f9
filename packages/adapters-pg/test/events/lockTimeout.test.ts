import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { type EventStore, EventStoreError, StreamId } from "@hexfold/core"
import { Effect, Exit } from "effect"
import { describe } from "vitest"
// The option that sets the limit belongs to the layer; here the call itself is tested.
// oxlint-disable-next-line no-restricted-imports
import { appendAll } from "../../src/events/appender.ts"
import { newSchema, openStore, transacted } from "../support/database.ts"
import { append, event } from "../support/events.ts"

const streamOf = (name: string) => StreamId.make("Account", name)

const one = (...names: ReadonlyArray<string>): EventStore.Append => ({
  conditions: [],
  parts: [{ writes: names.map((name) => ({ streamId: streamOf(name), events: [event()] })) }]
})

/** Appends in one call that waits for each lock for so many milliseconds. */
const call = (
  sql: PgClient.PgClient,
  schema: string,
  lockTimeout: number,
  appends: ReadonlyArray<EventStore.Append>,
  joined = false
) => appendAll(sql, schema, (_, calling) => calling({ promotions: [], ordered: [] }), joined, { lockTimeout })(appends)

const detailOf = (error: unknown): string => {
  assert.instanceOf(error, EventStoreError)
  assert.strictEqual(error.reason._tag, "Timeout")
  assert.isTrue(error.isRetryable)
  return error.reason.detail ?? ""
}

const limitOf = (sql: PgClient.PgClient) =>
  Effect.map(
    sql.unsafe<{ readonly limit: string }>("select current_setting('lock_timeout') as limit"),
    ([row]) => row!.limit
  )

/** A schema with the streams a, b and c, of which a stranger holds some to the end of the scope. */
const held = (...names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const schema = yield* newSchema
    const { sql, store } = yield* openStore({ schema }, { maxConnections: 3 })
    for (const name of ["a", "b", "c"]) yield* append(store, streamOf(name), 1)
    const stranger = yield* sql.reserve
    yield* stranger.execute("begin", [], undefined)
    const keys = names.map((name) => `'${streamOf(name)}'`).join(", ")
    yield* stranger.execute(`select from ${schema}.streams where key in (${keys}) for update`, [], undefined)
    return { schema, sql, store, free: stranger.execute("rollback", [], undefined) }
  })

describe("the limit for waiting on locks", () => {
  it.live("a call that waits too long has done nothing, and its error names the streams that are held", () =>
    Effect.gen(function* () {
      const { free, schema, sql, store } = yield* held("b")
      const appends = [one("a"), one("b"), one("c", "new")]
      const detail = detailOf(yield* Effect.flip(call(sql, schema, 50, appends)))
      assert.include(detail, 'another transaction holds "Account-b"')
      assert.notInclude(detail, "Account-a")
      yield* free
      const exits = yield* call(sql, schema, 50, appends)
      assert.isTrue(exits.every(Exit.isSuccess))
      const { streams } = yield* store.readStreams(["a", "b", "c", "new"].map((name) => ({ streamId: streamOf(name) })))
      assert.deepStrictEqual(
        streams.map(({ version }) => version),
        [2, 2, 2, 1]
      )
    })
  )

  it.live("a stream that another transaction is creating counts as held, and one that is only checked too", () =>
    Effect.gen(function* () {
      const { schema, sql } = yield* held("a")
      const checked: EventStore.Append = {
        ...one("c"),
        conditions: [{ _tag: "Stream", streamId: streamOf("a"), expected: { _tag: "Exactly", version: 1 } }]
      }
      assert.include(detailOf(yield* Effect.flip(call(sql, schema, 50, [checked]))), 'holds "Account-a"')
      const creating = yield* sql.reserve
      yield* creating.execute("begin", [], undefined)
      yield* creating.execute(`insert into ${schema}.streams (key, version) values ('Account-x', 1)`, [], undefined)
      assert.include(detailOf(yield* Effect.flip(call(sql, schema, 50, [one("x")]))), 'holds "Account-x"')
      yield* creating.execute("rollback", [], undefined)
    })
  )

  it.live("a caller's transaction keeps its own limit, and a lower one of its own counts", () =>
    Effect.gen(function* () {
      const { schema, sql } = yield* held("a")
      const joined = (limit: string, lockTimeout: number, name: string) =>
        transacted(
          sql,
          Effect.gen(function* () {
            yield* sql.unsafe(`set local lock_timeout = '${limit}'`)
            yield* call(sql, schema, lockTimeout, [one(name)], true)
            return yield* limitOf(sql)
          })
        )
      assert.strictEqual(yield* joined("7s", 50, "b"), "7s")
      assert.strictEqual(yield* joined("0", 50, "b"), "0")
      assert.strictEqual(yield* joined("7s", 0, "b"), "7s")
      assert.include(detailOf(yield* Effect.flip(joined("7s", 50, "a"))), 'holds "Account-a"')
      assert.include(detailOf(yield* Effect.flip(joined("50ms", 600_000, "a"))), 'holds "Account-a"')
    })
  )

  it.live("a call of the store's own leaves the connection's limit as it was", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql } = yield* openStore({ schema }, { maxConnections: 1 })
      const before = yield* limitOf(sql)
      yield* call(sql, schema, 50, [one("a")])
      assert.strictEqual(yield* limitOf(sql), before)
    })
  )
})
