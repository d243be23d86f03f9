import { assert, it } from "@effect/vitest"
import { PgStores } from "@hexfold/adapters-pg"
import { Aggregate, Decision, EventStore, EventStoreError, Executor, StateCache } from "@hexfold/core"
import { Effect, Exit, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { newSchema, type OpenedStore, openStore } from "../support/database.ts"
import { append } from "../support/events.ts"

const Change = Schema.TaggedStruct("Change", { by: Schema.Int })
const Changed = Schema.TaggedStruct("Changed", { by: Schema.Int })
class TooLittle extends Schema.TaggedError<TooLittle>()("TooLittle", { state: Schema.Int }) {}
const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Change],
  events: [Changed],
  errors: [TooLittle],
  decide: {
    Change: ({ by }, state) =>
      state + by < 0 ? Decision.reject(new TooLittle({ state })) : Decision.accept({ _tag: "Changed", by })
  },
  evolve: { Changed: (state, { by }) => state + by }
})
const streamId = Counter.streamId("c")

const change = (by: number, options: Executor.ExecuteOptions = {}) =>
  Executor.execute(Counter, "c", { _tag: "Change", by }, options)
const on = ({ store }: OpenedStore) => Effect.provideService(EventStore.EventStore, store)
const begin = (level: string) => Effect.provideService(SqlClient.BeginTransaction, `BEGIN ISOLATION LEVEL ${level}`)

/** Policies that would repeat everything. */
const tireless = { commandId: "c1", retry: Schedule.recurs(3), retryStore: Schedule.recurs(3) }

describe("a command inside a caller's transaction", () => {
  it.live("fails with the lock that it has waited for, and is not repeated in the transaction that has failed", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const holder = yield* openStore({ schema })
      const waiting = yield* openStore({ schema }, { startupParameters: { lock_timeout: "100ms" } })
      yield* on(holder)(change(1))
      yield* holder.sql.withTransaction(
        Effect.gen(function* () {
          yield* holder.sql.unsafe(`select from ${schema}.streams for update`)
          for (const options of [{}, { commandId: "c0" }, tireless]) {
            const error = yield* Effect.flip(waiting.sql.withTransaction(on(waiting)(change(1, options))))
            assert.instanceOf(error, EventStoreError)
            assert.strictEqual(error.reason._tag, "Timeout")
            assert.isTrue(error.isRetryable)
            assert.deepStrictEqual(error.streams, [streamId])
            assert.strictEqual(error.attempts, 1)
          }
        })
      )
      assert.strictEqual((yield* on(waiting)(change(1, tireless))).version, 2)
    })
  )

  for (const level of ["REPEATABLE READ", "SERIALIZABLE"]) {
    it.live(`fails at ${level} with the lost race, which repeating the transaction cures`, () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const [strict, quick] = [yield* openStore({ schema }), yield* openStore({ schema })]
        yield* append(quick.store, streamId, 0)
        yield* on(quick)(change(1))
        let races = 0
        const error: Array<unknown> = []
        const racing = strict.sql
          .withTransaction(
            Effect.gen(function* () {
              yield* Executor.load(Counter, "c").pipe(on(strict))
              if (races++ === 0) yield* on(quick)(change(1))
              return yield* Effect.tapError(on(strict)(change(1, tireless)), (each) =>
                Effect.sync(() => error.push(each))
              )
            })
          )
          .pipe(begin(level))
        const receipt = yield* Effect.retry(racing, {
          times: 1,
          while: (each) => each instanceof EventStoreError && each.isRetryable
        })
        assert.strictEqual(receipt.version, 3)
        assert.strictEqual(error.length, 1)
        assert.instanceOf(error[0], EventStoreError)
        assert.strictEqual(error[0].reason._tag, "Unavailable")
      })
    )
  }

  it.live("fails with Aborted if the transaction has failed before", () =>
    Effect.gen(function* () {
      const opened = yield* openStore({ schema: yield* newSchema })
      const { sql } = opened
      const after = sql.withTransaction(
        Effect.andThen(Effect.exit(sql.unsafe("select 1 / 0")), on(opened)(change(1, tireless)))
      )
      const error = yield* Effect.flip(after)
      assert.instanceOf(error, EventStoreError)
      assert.strictEqual(error.reason._tag, "Aborted")
      assert.isFalse(error.isRetryable)
    })
  )

  it.live("fails with the typed error in `transaction` if the connection dies", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const [dying, other] = [yield* openStore({ schema }), yield* openStore({ schema })]
      let tries = 0
      const program = PgStores.transaction(
        Effect.gen(function* () {
          yield* on(dying)(change(1))
          if (tries++ === 0) {
            const [row] = yield* dying.sql.unsafe<{ readonly pid: number }>("select pg_backend_pid() as pid")
            yield* other.sql.unsafe(`select pg_terminate_backend(${row!.pid})`)
          }
          return yield* on(dying)(change(1))
        })
      ).pipe(Effect.provideService(SqlClient.SqlClient, dying.sql))
      const error = yield* Effect.flip(program)
      assert.instanceOf(error, EventStoreError)
      assert.strictEqual(error.reason._tag, "Unavailable")
      tries = 0
      const receipt = yield* Effect.retry(program, {
        times: 1,
        while: (each) => each instanceof EventStoreError && each.isRetryable
      })
      assert.strictEqual(receipt.version, 2)
    })
  )

  it.live(
    "gives in `transaction` the first error with its operation and streams if the connection died while it was idle",
    () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const [dying, other] = [yield* openStore({ schema }), yield* openStore({ schema })]
        const inside: Array<unknown> = []
        const program = PgStores.transaction(
          Effect.gen(function* () {
            const [row] = yield* dying.sql.unsafe<{ readonly pid: number }>("select pg_backend_pid() as pid")
            yield* other.sql.unsafe(`select pg_terminate_backend(${row!.pid}, 5000)`)
            return yield* Effect.tapError(on(dying)(change(1)), (error) => Effect.sync(() => inside.push(error)))
          })
        ).pipe(Effect.provideService(SqlClient.SqlClient, dying.sql))
        const error = yield* Effect.flip(program)
        assert.instanceOf(error, EventStoreError)
        assert.strictEqual(String(error), String(inside[0]))
        assert.strictEqual(error.operation, "readStreams")
        assert.deepStrictEqual(error.streams, ["Counter-c"])
      })
  )

  it.live("`transaction` leaves the errors and the defects of its effect as they are", () =>
    Effect.gen(function* () {
      const { sql } = yield* openStore({ schema: yield* newSchema })
      const within = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.exit(PgStores.transaction(effect).pipe(Effect.provideService(SqlClient.SqlClient, sql)))
      assert.deepStrictEqual(yield* within(Effect.succeed(1)), Exit.succeed(1))
      assert.deepStrictEqual(yield* within(Effect.fail("own")), Exit.fail("own"))
      assert.deepStrictEqual(yield* within(Effect.die("mistake")), Exit.die("mistake"))
    })
  )
})

describe("a database that has lost its last commits", () => {
  /** Takes the last events of the stream back, as a failover to a replica that lags does. */
  const loseTo = (sql: OpenedStore["sql"], schema: string, version: number) =>
    sql.withTransaction(
      Effect.gen(function* () {
        yield* sql.unsafe(`alter table ${schema}.events disable trigger events_immutable`)
        yield* sql.unsafe(`delete from ${schema}.events where version > ${version}`)
        yield* sql.unsafe(
          version === 0 ? `delete from ${schema}.streams` : `update ${schema}.streams set version = ${version}`
        )
        yield* sql.unsafe(`alter table ${schema}.events enable trigger events_immutable`)
      })
    )

  for (const [title, cached] of [
    ["with a state cache", true],
    ["without one", false]
  ] as const) {
    for (const kept of [1, 0]) {
      it.live(
        `is not decided on with states of before, ${title}, ${kept === 0 ? "the stream is gone" : "some are left"}`,
        () =>
          Effect.gen(function* () {
            const schema = yield* newSchema
            const opened = yield* openStore({ schema })
            yield* on(opened)(Effect.forEach([10, 100, 100], (by) => change(by)))
            let isLost = false
            const losing: OpenedStore = {
              ...opened,
              store: {
                ...opened.store,
                append: (append) =>
                  Effect.suspend(() => {
                    if (isLost) return opened.store.append(append)
                    isLost = true
                    return Effect.andThen(Effect.orDie(loseTo(opened.sql, schema, kept)), opened.store.append(append))
                  })
              }
            }
            const error = yield* Effect.flip(on(losing)(change(-150)))
            assert.deepStrictEqual({ ...error }, { ...new TooLittle({ state: kept === 0 ? 0 : 10 }) })
            assert.isTrue(isLost)
            assert.strictEqual((yield* on(losing)(change(1))).version, kept + 1)
          }).pipe(Effect.provideService(StateCache.Current, cached ? StateCache.make({ capacity: 10 }) : undefined))
      )
    }
  }
})
