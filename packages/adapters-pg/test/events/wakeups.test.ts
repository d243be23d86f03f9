import { assert, it } from "@effect/vitest"
import { PgClient } from "@effect/sql-pg"
import { PgEventStore } from "@hexfold/adapters-pg"
import { EventStore, StreamId, Subscription } from "@hexfold/core"
import { DateTime, Deferred, Duration, Effect, Fiber, identity, Option, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { append } from "../support/events.ts"
import { wire } from "../support/wire.ts"
// The loop is private to the store, and only a server that answers at will shows what it makes of each answer.
// oxlint-disable-next-line no-restricted-imports
import * as wakeups from "../../src/events/wakeups.ts"

// Lets time pass, for the test and for the server. It passes ever slower, so that in the end the slowest server answers in time.
const passing = (holds: () => boolean) =>
  Effect.gen(function* () {
    for (let millis = 5; !holds(); millis++) {
      yield* TestClock.adjust("1 second")
      yield* TestClock.withLive(Effect.sleep(millis))
    }
  })

const account = StreamId.make("Account", "1")

/** Appends three events to one store, each after a reader of another one has got the event before. */
const heard = (store: EventStore.EventStore["Service"], reader: EventStore.EventStore["Service"]) =>
  Effect.gen(function* () {
    const read = yield* Effect.forEach([1, 2, 3], () => Deferred.make<void>())
    yield* Subscription.recorded().pipe(
      Stream.runForEach(({ version }) => Deferred.succeed(read[version - 1]!, undefined)),
      Effect.provideService(EventStore.EventStore, reader),
      Effect.forkChild({ startImmediately: true })
    )
    for (const each of read) yield* Effect.andThen(append(store, account, 1), Deferred.await(each))
  })

describe("wake-ups", () => {
  it.live("a horizon that stands still has the same holders, also where the loop has not asked for their names", () =>
    Effect.gen(function* () {
      const held: EventStore.Horizon = { position: 2, drawn: 6, history: 1, holders: [] }
      const since = (seconds: number) => DateTime.makeUnsafe(seconds * 1_000)
      const holder = { pid: 7, isPrepared: false, since: since(1) }
      const asked: Array<boolean> = []
      const ask = (names: boolean) =>
        Effect.sync((): EventStore.Horizon => {
          asked.push(names)
          if (asked.length > 12) return { ...held, position: 6 }
          // The server may see that the transaction has ended just after it has seen its lock.
          const seen = asked.length === 12 ? { ...holder, since: since(5) } : holder
          return names ? { ...held, holders: [seen] } : held
        })
      const { horizons } = yield* wakeups.make({
        pg: { unsafe: () => Effect.void } as never,
        listens: false,
        schema: "hexfold",
        pollInterval: Duration.millis(1),
        ask,
        limited: identity,
        outside: identity
      })
      const read = yield* horizons.pipe(
        Stream.takeUntil(({ position }) => position === 6),
        Stream.runCollect
      )
      assert.include(asked, false)
      assert.deepStrictEqual(read, [
        { ...held, holders: [holder] },
        { ...held, position: 6 }
      ])
    }).pipe(Effect.scoped)
  )

  it.live("an event that was not announced is found by polling", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema, pollInterval: "20 millis" })
      const reading = yield* Deferred.make<void>()
      const fiber = yield* Subscription.recorded().pipe(
        Stream.tap(() => Deferred.succeed(reading, undefined)),
        Stream.take(2),
        Stream.runCollect,
        Effect.provideService(EventStore.EventStore, store),
        Effect.forkChild({ startImmediately: true })
      )
      yield* append(store, account, 1)
      yield* Deferred.await(reading)
      yield* sql.unsafe(`select ${schema}.append(array['Account-1'], null, array[-1], array[1], array[0], array[1], array[1],
        array[gen_random_uuid()], array['Silent'], array['{}'::jsonb], array['{}'::jsonb], '{}', '{}', '{}', false)::text`)
      assert.deepStrictEqual(
        (yield* Fiber.join(fiber)).map(({ type }) => type),
        ["Happened", "Silent"]
      )
    })
  )

  it.live("a reader of the process that appends waits for no notification", () =>
    Effect.gen(function* () {
      const options = { schema: yield* newSchema, pooler: "transaction", pollInterval: "1 hour" } as const
      const { store } = yield* openStore(options, { prepare: false })
      yield* heard(store, store)
    }).pipe(Effect.scoped)
  )

  it.live("a reader hears of the appends of another store that has the same client", () =>
    Effect.gen(function* () {
      const options = { schema: yield* newSchema, pollInterval: "1 hour" } as const
      const { sql, store } = yield* openStore(options)
      const other = yield* PgEventStore.make(options).pipe(
        Effect.provideService(PgClient.PgClient, sql),
        Effect.provideService(SqlClient.SqlClient, sql)
      )
      yield* heard(store, other)
    }).pipe(Effect.scoped)
  )

  it.live("a listener whose connection died listens again", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const writer = yield* openStore({ schema })
      const reader = yield* openStore({ schema, pollInterval: "1 hour" }, { applicationName: `reader_${schema}` })
      const read: Array<Deferred.Deferred<void>> = yield* Effect.forEach([1, 2, 3], () => Deferred.make<void>())
      const fiber = yield* Subscription.recorded().pipe(
        Stream.tap(({ version }) => Deferred.succeed(read[version - 1]!, undefined)),
        Stream.take(3),
        Stream.runCollect,
        Effect.provideService(EventStore.EventStore, reader.store),
        Effect.forkChild({ startImmediately: true })
      )
      for (let i = 0; i < 3; i++) {
        yield* append(writer.store, account, 1)
        yield* Deferred.await(read[i]!)
        yield* writer.sql.unsafe("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", [
          `reader_${schema}`
        ])
      }
      assert.strictEqual((yield* Fiber.join(fiber)).length, 3)
    })
  )

  it.effect("a reader whose connections have become silent goes on over others", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const writer = yield* openStore({ schema })
      const { end, silence, url } = yield* wire
      const reader = yield* openStore({ schema, pollInterval: "1 minute" }, { url })
      yield* Effect.addFinalizer(() => Effect.sync(end))
      let seen = 0
      yield* Effect.forkChild(
        Stream.runForEach(reader.store.horizons, ({ position }) => Effect.sync(() => (seen = position))),
        { startImmediately: true }
      )
      yield* append(writer.store, account, 1)
      yield* passing(() => seen >= 1)
      silence()
      yield* append(writer.store, account, 1)
      yield* passing(() => seen >= 2)
    }).pipe(Effect.scoped)
  )

  it.live("the store listens only while there are readers", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema }, { applicationName: `idle_${schema}` })
      const listening = Effect.map(
        sql.unsafe("select 1 from pg_stat_activity where application_name = $1 and query like 'LISTEN%'", [
          `idle_${schema}`
        ]),
        ({ length }) => length
      )
      yield* append(store, account, 1)
      assert.strictEqual(yield* listening, 0)
      yield* store.horizons.pipe(Stream.take(1), Stream.runDrain)
      yield* listening.pipe(Effect.repeat({ until: (count) => count === 0 }))
    })
  )

  it.live("a reader misses no event if the server names a lower horizon than before", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      const last = (yield* append(store, account, 5)).events.at(-1)!.position
      assert.strictEqual(Option.getOrThrow(yield* Stream.runHead(store.horizons)).position, last)
      yield* Effect.scoped(
        Effect.gen(function* () {
          // An append that read the sequence at its beginning, and takes its lock only now.
          const connection = yield* sql.reserve
          yield* connection.execute("begin", [], undefined)
          yield* connection.execute(
            `select pg_advisory_xact_lock_shared(substring(obj_description('${schema}.horizon'::regproc) from '[0-9]+$')::bigint << 48)::text`,
            [],
            undefined
          )
          assert.strictEqual(yield* Stream.runCount(store.readAll({ upTo: last })), 5)
          yield* connection.execute("rollback", [], undefined)
        })
      )
    })
  )

  it.live("a reader that starts inside a transaction leaves the others alone", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema, pollInterval: "20 millis" })
      const followed = (count: number) =>
        Subscription.recorded().pipe(
          Stream.take(count),
          Stream.runCollect,
          Effect.provideService(EventStore.EventStore, store)
        )
      yield* append(store, account, 1)
      const inside = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        sql.withTransaction(
          store.horizons.pipe(
            Stream.tap(() => Deferred.succeed(inside, undefined)),
            Stream.take(1),
            Stream.runDrain
          )
        )
      )
      yield* Deferred.await(inside)
      const following = yield* Effect.forkChild(followed(3), { startImmediately: true })
      yield* Fiber.join(fiber)
      yield* append(store, account, 2)
      assert.strictEqual((yield* Fiber.join(following)).length, 3)
    })
  )
})
