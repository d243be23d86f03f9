import { assert, it } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { append, event } from "../support/events.ts"

const streams = (count: number) => Array.from({ length: count }, (_, i) => StreamId.make("Account", String(i)))
const together = { concurrency: "unbounded" } as const

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
      const both = store.append({
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

  it.live("an append that waits for its call when its store closes fails, and does not hang", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const fibers = yield* Effect.scoped(
        Effect.gen(function* () {
          const { store } = yield* openStore({ schema, maxBatch: 1, maxInFlight: 1 })
          return yield* Effect.forEach(streams(20), (streamId) =>
            Effect.forkDetach(append(store, streamId, 1), { startImmediately: true })
          )
        })
      )
      const exits = yield* Effect.forEach(fibers, Fiber.await)
      assert.isAbove(exits.filter(Exit.isFailure).length, 15)
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
          const { store } = yield* openStore({ schema }, { applicationName: `blocked_${schema}` })
          const fiber = yield* Effect.forkDetach(append(store, streamId!, 1))
          const waiting = other.sql.unsafe(
            "select 1 from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'",
            [`blocked_${schema}`]
          )
          yield* waiting.pipe(Effect.repeat({ until: ({ length }) => length > 0 }))
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
      const [joined, batched] = [
        yield* openStore({ schema }, config),
        yield* openStore({ schema, maxInFlight: 1 }, config)
      ]
      const [a, b, ...others] = streams(12)
      yield* Effect.forEach([a!, b!], (streamId) => append(joined.store, streamId, 1))
      const held = yield* Deferred.make<void>()
      const transaction = yield* joined.transaction!(
        Effect.gen(function* () {
          yield* append(joined.store, b!, 1)
          yield* Deferred.succeed(held, undefined)
          const waiting = joined.sql.unsafe(
            "select 1 from pg_locks where not granted and locktype = 'transactionid' and pid <> pg_backend_pid()"
          )
          yield* waiting.pipe(Effect.repeat({ until: ({ length }) => length > 0 }), Effect.orDie)
          yield* append(joined.store, a!, 1)
        })
      ).pipe(Effect.exit, Effect.forkChild)
      yield* Deferred.await(held)
      const both = batched.store.append({
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
      const append1 = store.append({ writes: [{ streamId: repeated!, events: [event()] }], conditions: [], command })
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
