import { assert, it } from "@effect/vitest"
import { PgStores } from "@hexfold/adapters-pg"
import { EventStoreError, StreamId, ViewStoreError } from "@hexfold/core"
import { Duration, Effect, Exit, Fiber, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newSchema, type OpenedStores, openStores } from "../support/database.ts"
import { append } from "../support/events.ts"
import { wire } from "../support/wire.ts"

const generation = { view: "Things", version: 1 }
const lease = Duration.infinity
const streamId = StreamId.make("Account", "1")

/** Calls of both stores inside a transaction. `epoch` is that of the generation. */
const calls: Readonly<Record<string, (stores: OpenedStores, epoch: number) => Effect.Effect<unknown, unknown>>> = {
  "a claim": ({ projections }) => projections.claim({ generation, owner: "test", lease }),
  "a commit of a view": ({ projections }, epoch) =>
    projections.commit({
      owner: { generation, epoch },
      from: 0,
      to: 1,
      records: { put: [{ key: "a", state: 1 }], remove: [] }
    }),
  "a drop": ({ projections }, epoch) => projections.drop({ generation, epoch }),
  "a load of a generation": ({ projections }) => projections.load(generation, ["a"]),
  "a query": ({ records }) => records.query({ _tag: "Records", view: "Things", orderBy: [] }, 1),
  "a load": ({ records }) => records.load(generation, ["a"]),
  "an append": ({ events }) => append(events, streamId, 1),
  "a read of streams": ({ events }) => events.readStreams([{ streamId }]),
  "a read of the log": ({ events }) => Stream.runDrain(events.readAll())
}

/** The stores, a table of the caller, and a generation with an epoch. The stores have a limit in time. */
const prepared = (timeout: Duration.Input, config: Parameters<typeof openStores>[1] = {}) =>
  Effect.gen(function* () {
    const schema = yield* newSchema
    const first = yield* openStores({ schema })
    const claimed = yield* first.projections.claim({ generation, owner: "test", lease })
    assert.ok(claimed._tag === "Owned")
    const { epoch } = claimed
    yield* first.projections.commit({ owner: { generation, epoch }, from: 0, to: 0, asks: "serve" })
    yield* append(first.events, streamId, 1)
    const { sql } = first
    yield* sql.unsafe(`create table ${schema}.own (name text)`)
    // A wait for a lock ends later than the limit of the statement.
    const options = { schema, migrate: false, timeout, lockTimeout: "1 minute" } as const
    const applicationName = `given_up_${schema}`
    const stores = yield* openStores(options, { applicationName, ...config })
    const rows = Effect.map(
      sql.unsafe<{ readonly name: string }>(`select name from ${schema}.own order by name`),
      (rows) => rows.map(({ name }) => name)
    )
    const write = (name: string) => stores.sql.unsafe(`insert into ${schema}.own values ($1)`, [name])
    const within = <A, E>(effect: Effect.Effect<A, E>) =>
      PgStores.transaction(effect).pipe(Effect.provideService(SqlClient.SqlClient, stores.sql), Effect.exit)
    const waiting = sql
      .unsafe("select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'", [
        applicationName
      ])
      .pipe(Effect.repeat({ until: ({ length }) => length > 0 }))
    return { schema, stores, epoch, rows, write, within, waiting }
  })

/** A stranger that locks all tables of the stores until it is told to free them. */
const lockAll = (schema: string) =>
  Effect.gen(function* () {
    const stranger = yield* (yield* client()).reserve
    const tables = [
      "views",
      "view_parts",
      "view_letters",
      "view_1",
      "streams",
      "events",
      "commands",
      "log",
      "histories"
    ]
    yield* stranger.execute("begin", [], undefined)
    yield* stranger.execute(`lock table ${tables.map((table) => `${schema}.${table}`).join()}`, [], undefined)
    return stranger.execute("rollback", [], undefined)
  })

/** What was committed is true: all of it, or nothing and a failure that has a type. */
const isTrue = (exit: Exit.Exit<unknown, unknown>, rows: ReadonlyArray<string>) => {
  if (Exit.isSuccess(exit)) return assert.deepStrictEqual(rows, ["after", "before"])
  const [reason] = exit.cause.reasons
  assert.ok(reason?._tag === "Fail")
  assert.instanceOf(reason.error, EventStoreError)
  assert.deepStrictEqual(rows, [])
}

describe("inside a caller's transaction that goes on", () => {
  for (const [name, call] of Object.entries(calls)) {
    it.live(`${name} that ends with a Timeout makes no write disappear`, () =>
      Effect.gen(function* () {
        const { epoch, rows, schema, stores, within, write } = yield* prepared("1 second")
        const free = yield* lockAll(schema)
        const exit = yield* within(
          Effect.gen(function* () {
            yield* write("before")
            const error = yield* Effect.flip(call(stores, epoch))
            assert.ok(error instanceof EventStoreError || error instanceof ViewStoreError)
            assert.strictEqual(error.reason._tag, "Timeout")
            yield* free
            yield* write("after")
          })
        )
        isTrue(exit, yield* rows)
      })
    )

    it.live(`${name} that is interrupted makes no write disappear`, () =>
      Effect.gen(function* () {
        const { epoch, rows, schema, stores, waiting, within, write } = yield* prepared("1 minute")
        const free = yield* lockAll(schema)
        const exit = yield* within(
          Effect.gen(function* () {
            yield* write("before")
            const calling = yield* Effect.forkChild(call(stores, epoch), { startImmediately: true })
            yield* waiting
            yield* Fiber.interrupt(calling)
            yield* free
            yield* write("after")
          })
        )
        isTrue(exit, yield* rows)
      })
    )
  }

  it.live("a query on a connection that turns silent lets nothing be committed", () =>
    Effect.gen(function* () {
      const { silence, url } = yield* wire
      const { epoch, rows, stores, within, write } = yield* prepared("1 second", { url, maxConnections: 2 })
      const exit = yield* within(
        Effect.gen(function* () {
          yield* write("before")
          silence()
          const error = yield* Effect.flip(calls["a query"]!(stores, epoch))
          assert.instanceOf(error, ViewStoreError)
          assert.strictEqual(error.reason._tag, "Timeout")
          yield* write("after")
        })
      )
      assert.isTrue(Exit.isFailure(exit))
      isTrue(exit, yield* rows)
    })
  )
})
