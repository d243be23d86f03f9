import { assert, it } from "@effect/vitest"
import { EventStoreError, StreamId } from "@hexfold/core"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Exit, Fiber } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { append } from "../support/events.ts"
import { wire } from "../support/wire.ts"

const streamOf = (n: number) => StreamId.make("Account", `${n}`)
const streams = Array.from({ length: 64 }, (_, n) => streamOf(n))
const together = { concurrency: "unbounded" } as const

/** A transaction of a stranger that holds streams to the end of the scope, or until it is freed. */
const hold = (sql: PgClient.PgClient, schema: string, held: ReadonlyArray<StreamId.StreamId>) =>
  Effect.gen(function* () {
    const stranger = yield* sql.reserve
    yield* stranger.execute("begin", [], undefined)
    const keys = held.map((streamId) => `'${streamId}'`).join(", ")
    yield* stranger.execute(`select from ${schema}.streams where key in (${keys}) for update`, [], undefined)
    return { free: stranger.execute("rollback", [], undefined) }
  })

/** How many backends of an application wait for a lock. */
const blocked = (sql: PgClient.PgClient, application: string) =>
  Effect.map(
    sql.unsafe("select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'", [application]),
    ({ length }) => length
  )

const macrotask = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

const timeoutOf = <A, E>(exit: Exit.Exit<A, E>): string => {
  assert.isTrue(Exit.isFailure(exit))
  const [reason] = Exit.isFailure(exit) ? exit.cause.reasons : []
  const error = reason?._tag === "Fail" ? reason.error : undefined
  assert.instanceOf(error, EventStoreError)
  assert.strictEqual(error.reason._tag, "Timeout")
  return error.reason.detail
}

describe("nothing hangs", () => {
  it.live("appends to other streams go on while a stranger holds some, and those that want them get a Timeout", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema, lockTimeout: "3 seconds" })
      const stranger = yield* openStore({ schema })
      yield* Effect.forEach(streams, (streamId) => append(store, streamId, 1), together)
      for (const count of [2, 12]) {
        const { free } = yield* hold(stranger.sql, schema, streams.slice(0, count))
        const wanting = yield* Effect.forkChild(
          Effect.forEach(streams.slice(0, count), (streamId) => Effect.exit(append(store, streamId, 1)), together),
          { startImmediately: true }
        )
        // They are in the same call as those that wait, and in later ones.
        for (let i = 0; i < 5; i++) {
          yield* Effect.forEach(streams.slice(count), (streamId) => append(store, streamId, 1), together)
          assert.isUndefined(wanting.pollUnsafe())
        }
        const exits = yield* Fiber.join(wanting)
        exits.forEach((exit, i) => assert.include(timeoutOf(exit), `"${streams[i]}"`))
        yield* free
        yield* Effect.forEach(streams, (streamId) => append(store, streamId, 1), together)
      }
      const rows = yield* sql.unsafe(
        `select from ${schema}.streams s where version <> (select count(*) from ${schema}.events e where e.stream = s.id)`
      )
      assert.strictEqual(rows.length, 0)
    })
  )

  it.live("appends that wait for their turn behind a held stream end in time, and do not hold up others", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { store } = yield* openStore({ schema, maxBatch: 4, lockTimeout: "1 second" })
      const stranger = yield* openStore({ schema })
      yield* append(store, streamOf(0), 1)
      yield* hold(stranger.sql, schema, [streamOf(0)])
      const wanting = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 40 }), () => Effect.exit(append(store, streamOf(0), 1)), together),
        { startImmediately: true }
      )
      yield* append(store, streamOf(1), 1)
      assert.isUndefined(wanting.pollUnsafe())
      for (const exit of yield* Fiber.join(wanting)) assert.include(timeoutOf(exit), `"${streamOf(0)}"`)
    })
  )

  it.live("a call that nobody wants any more is cancelled at the server, and gives its place back", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const application = `abandoned_${schema}`
      const { store } = yield* openStore({ schema, maxInFlight: 1 }, { applicationName: application })
      const stranger = yield* openStore({ schema })
      yield* append(store, streamOf(0), 1)
      const { free } = yield* hold(stranger.sql, schema, [streamOf(0)])
      const wanting = yield* Effect.forkChild(append(store, streamOf(0), 1), { startImmediately: true })
      yield* blocked(stranger.sql, application).pipe(Effect.repeat({ until: (count) => count > 0 }))
      yield* Fiber.interrupt(wanting)
      yield* blocked(stranger.sql, application).pipe(Effect.repeat({ until: (count) => count === 0 }))
      yield* append(store, streamOf(1), 1)
      yield* free
      assert.strictEqual((yield* append(store, streamOf(0), 1)).events[0]!.version, 2)
    })
  )

  it.live("a call on a silent connection ends, and appends and reads go on beside it", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { isStuck, silence, url } = yield* wire
      yield* openStore({ schema })
      const { store } = yield* openStore({ schema, maxInFlight: 1, migrate: false, timeout: "3 seconds" }, { url })
      yield* append(store, streamOf(0), 1)
      silence()
      // The pool gives out new connections and silent ones. One of these appends gets a silent one.
      let stuck: Fiber.Fiber<Exit.Exit<unknown, unknown>> | undefined
      for (let n = 1; !isStuck(); n++) {
        stuck = yield* Effect.forkChild(Effect.exit(append(store, streamOf(n), 1)), { startImmediately: true })
        const isOver = Effect.sync(() => isStuck() || stuck!.pollUnsafe() !== undefined)
        yield* Effect.repeat(Effect.andThen(macrotask, isOver), { until: (over) => over })
      }
      yield* append(store, streamOf(1_000), 1)
      assert.isUndefined(stuck!.pollUnsafe())
      timeoutOf(yield* Fiber.join(stuck!))
      yield* append(store, streamOf(1_001), 1)
      yield* store.readStreams([{ streamId: streamOf(1_001) }])
    })
  )
})
