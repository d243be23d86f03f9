import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"

const streams = (count: number) => Array.from({ length: count }, (_, i) => StreamId.make("Account", String(i)))
const together = { concurrency: "unbounded" } as const

/** Waits until a statement of the client with a name waits for a lock. */
const untilBlocked = (sql: PgClient.PgClient, applicationName: string) =>
  sql
    .unsafe(
      `select from pg_locks join pg_stat_activity using (pid)
       where not granted and application_name = $1`,
      [applicationName]
    )
    .pipe(Effect.repeat({ until: ({ length }) => length > 0 }))

describe("batching", () => {
  it.live("appends at the same moment share calls", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema, maxBatch: 100 })
      yield* Effect.forEach(streams(500), (streamId) => append(store, streamId, 1), together)
      const rows = yield* sql.unsafe(`select distinct xmin::text from ${schema}.events`)
      assert.strictEqual(rows.length, 5)
    })
  )

  it.live("appends to one stream go one after the other, in the order they came", () =>
    Effect.gen(function* () {
      const { store } = yield* openStore({ schema: yield* newSchema })
      const [streamId] = streams(1)
      const appended = yield* Effect.forEach(Array.from({ length: 40 }), () => append(store, streamId!, 1), together)
      assert.deepStrictEqual(
        appended.map(({ events }) => events[0]!.version),
        appended.map((_, i) => i + 1)
      )
    })
  )

  it.live("an append that waits for one of its streams is not overtaken on the others", () =>
    Effect.gen(function* () {
      const { store } = yield* openStore({ schema: yield* newSchema })
      const [x, y] = streams(2)
      const both = appendOne(store, {
        writes: [x!, y!].map((streamId) => ({ streamId, events: [event()] })),
        conditions: []
      })
      const [, second, third] = yield* Effect.all([append(store, x!, 1), both, append(store, y!, 1)], together)
      assert.deepStrictEqual(
        second.events.map(({ version }) => version),
        [2, 1]
      )
      assert.deepStrictEqual(
        third.events.map(({ version }) => version),
        [2]
      )
    })
  )

  it.live("an append that breaks a call fails alone", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* sql.unsafe(`create function ${schema}.poison() returns trigger language plpgsql as $$ begin
        if new.type = 'Poison' then raise exception 'poisoned' using errcode = '22000'; end if; return new; end $$`)
      yield* sql.unsafe(
        `create trigger poison before insert on ${schema}.events for each row execute function ${schema}.poison()`
      )
      const exits = yield* Effect.forEach(
        streams(100),
        (streamId, i) => Effect.exit(append(store, streamId, 2, i % 30 === 7 ? "Poison" : "Happened")),
        together
      )
      exits.forEach((exit, i) => {
        assert.strictEqual(Exit.isFailure(exit), i % 30 === 7)
        if (Exit.isFailure(exit)) assert.include(String(exit.cause), "poisoned")
      })
      const { streams: slices } = yield* store.readStreams(streams(100).map((streamId) => ({ streamId })))
      assert.deepStrictEqual(
        slices.map(({ version }) => version),
        exits.map((exit) => (Exit.isSuccess(exit) ? 2 : 0))
      )
    })
  )

  it.live(
    "an append that takes longer than the server allows gets a Timeout, and those of its call their answers",
    () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const { sql } = yield* openStore({ schema })
        // The limit of the connection ends the statement, and not the limit for locks.
        yield* sql.unsafe(`create function ${schema}.slow() returns trigger language plpgsql as $$ begin
        if new.type = 'Slow' then perform pg_sleep(60); end if; return new; end $$`)
        yield* sql.unsafe(
          `create trigger slow before insert on ${schema}.events for each row execute function ${schema}.slow()`
        )
        // Hundreds of times what the others need, and far below the time that an append may wait for its turn.
        const { store } = yield* openStore(
          { schema, lockTimeout: "2 minutes", timeout: "2 minutes" },
          { startupParameters: { statement_timeout: "4s" } }
        )
        const exits = yield* Effect.forEach(
          streams(20),
          (streamId, i) => Effect.exit(append(store, streamId, 2, i % 15 === 3 ? "Slow" : "Happened")),
          together
        )
        exits.forEach((exit, i) => {
          assert.strictEqual(Exit.isFailure(exit), i % 15 === 3)
          if (Exit.isFailure(exit)) assert.include(String(exit.cause), "statement timeout")
        })
        const { streams: slices } = yield* store.readStreams(streams(20).map((streamId) => ({ streamId })))
        assert.deepStrictEqual(
          slices.map(({ version }) => version),
          exits.map((exit) => (Exit.isSuccess(exit) ? 2 : 0))
        )
      })
  )

  it.live("an append that waits for its call when its store closes fails, and does not hang", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const other = yield* openStore({ schema })
      yield* append(other.store, streams(1)[0]!, 1)
      const exits = yield* Effect.scoped(
        Effect.gen(function* () {
          // The call of the first append waits for a lock, and all others wait for their calls.
          const connection = yield* other.sql.reserve
          yield* connection.execute("begin", [], undefined)
          yield* connection.execute(`select 1 from ${schema}.streams for update`, [], undefined)
          const fibers = yield* Effect.scoped(
            Effect.gen(function* () {
              const applicationName = `closing_${schema}`
              const { store } = yield* openStore({ schema, maxBatch: 1, maxInFlight: 1 }, { applicationName })
              const fibers = yield* Effect.forEach(streams(20), (streamId) =>
                Effect.forkDetach(append(store, streamId, 1), { startImmediately: true })
              )
              yield* untilBlocked(other.sql, applicationName)
              return fibers
            })
          )
          const exits = yield* Effect.forEach(fibers, Fiber.await)
          yield* connection.execute("rollback", [], undefined)
          return exits
        })
      )
      assert.lengthOf(exits.filter(Exit.isFailure), 20)
      const { streams: slices } = yield* other.store.readStreams(streams(20).map((streamId) => ({ streamId })))
      assert.deepStrictEqual(
        slices.map(({ version }) => version),
        [1, ...Array.from({ length: 19 }, () => 0)]
      )
    })
  )

  it.live("an append whose call is under way when its store closes fails, and does not hang", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const other = yield* openStore({ schema })
      const [streamId] = streams(1)
      yield* append(other.store, streamId!, 1)
      const held = yield* Deferred.make<void>()
      const end = yield* Deferred.make<void>()
      const holding = yield* append(other.store, streamId!, 1).pipe(
        Effect.tap(() => Deferred.succeed(held, undefined)),
        Effect.tap(() => Deferred.await(end)),
        other.transaction!,
        Effect.forkChild
      )
      yield* Deferred.await(held)
      const blocked = yield* Effect.scoped(
        Effect.gen(function* () {
          const applicationName = `blocked_${schema}`
          const { store } = yield* openStore({ schema }, { applicationName })
          const fiber = yield* Effect.forkDetach(append(store, streamId!, 1))
          yield* untilBlocked(other.sql, applicationName)
          return fiber
        })
      )
      const exit = yield* Fiber.await(blocked)
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isFailure(exit)) assert.include(String(exit.cause), "the store is closed")
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(holding)
    })
  )

  it.live("a deadlock with a caller's transaction fails only the appends that are part of it", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const config = { startupParameters: { deadlock_timeout: "50ms" } }
      const applicationName = `batched_${schema}`
      const [joined, batched] = [
        yield* openStore({ schema }, config),
        yield* openStore({ schema, maxInFlight: 1 }, { ...config, applicationName })
      ]
      const [a, b, ...others] = streams(12)
      yield* Effect.forEach([a!, b!], (streamId) => append(joined.store, streamId, 1))
      const held = yield* Deferred.make<void>()
      const transaction = yield* joined.transaction!(
        Effect.gen(function* () {
          yield* append(joined.store, b!, 1)
          yield* Deferred.succeed(held, undefined)
          // Outside of the transaction, because a transaction sees the activity of its first look only.
          yield* Effect.orDie(untilBlocked(batched.sql, applicationName))
          yield* append(joined.store, a!, 1)
        })
      ).pipe(Effect.exit, Effect.forkChild)
      yield* Deferred.await(held)
      const both = appendOne(batched.store, {
        writes: [a!, b!].map((streamId) => ({ streamId, events: [event()] })),
        conditions: []
      })
      const exits = yield* Effect.all(
        [Effect.exit(both), ...others.map((streamId) => Effect.exit(append(batched.store, streamId, 1)))],
        together
      )
      yield* Fiber.join(transaction)
      assert.isTrue(exits.slice(1).every(Exit.isSuccess))
    })
  )

  it.live("a result that cannot be read leaves what has committed alone", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      const [repeated, plain] = streams(2)
      const command = { id: "c", fingerprint: "f" }
      const append1 = appendOne(store, {
        writes: [{ streamId: repeated!, events: [event()] }],
        conditions: [],
        command
      })
      yield* append1
      // The result of the repeated command is read after the call has committed, and this read fails.
      yield* sql.unsafe(`alter table ${schema}.commands rename column versions to unreadable`)
      yield* sql.unsafe(
        `create or replace function ${schema}.refuse() returns trigger language plpgsql as $$ begin return new; end $$`
      )
      const exits = yield* Effect.all([Effect.exit(append1), Effect.exit(append(store, plain!, 1))], together)
      yield* sql.unsafe(`alter table ${schema}.commands rename column unreadable to versions`)
      assert.strictEqual(
        (yield* store.readStreams([{ streamId: plain! }])).streams[0]!.version,
        Exit.isSuccess(exits[1]) ? 1 : 0
      )
    })
  )
})
