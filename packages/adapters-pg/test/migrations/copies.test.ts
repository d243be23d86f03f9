import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import { type EventStore, StreamId } from "@hexfold/core"
import { Effect, Option, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { client, newDatabase, newRole, openStore, storesOn, transacted } from "../support/database.ts"
import { append } from "../support/events.ts"
import { dump, restore } from "./dumps/dump.ts"

const thing = StreamId.make("Thing", "a")

const open = (sql: PgClient.PgClient, schema: string) => Effect.map(storesOn(sql, { schema }), ({ events }) => events)

const adopt = (sql: PgClient.PgClient, schema: string) =>
  Effect.provideService(PgMigrations.adopt({ schema }), SqlClient.SqlClient, sql)

/** A schema of one database with some events, as a dump without its comments. */
const dumped = (name: string, count: number) =>
  Effect.gen(function* () {
    const sql = yield* newDatabase("dumped")
    yield* append(yield* open(sql, name), thing, count)
    return (yield* dump(sql, name)).replaceAll(/^comment on .*$/gm, "select 1;")
  }).pipe(Effect.scoped)

const positionsOf = (store: EventStore.EventStore["Service"], after = 0) =>
  Effect.map(Stream.runCollect(store.readAll({ after })), (events) => events.map(({ position }) => position))

describe("a schema that was restored from a dump", () => {
  it.live("without comments, alone and under its name, goes on where it was, in another history", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("restored")
      yield* restore(sql, yield* dumped("first", 3))
      const store = yield* open(sql, "first")
      yield* append(store, thing, 1)
      assert.deepStrictEqual(yield* positionsOf(store), [1, 2, 3, 4])
      const { history } = Option.getOrThrow(yield* Stream.runHead(store.horizons))
      assert.isAbove(history, 1)
    }).pipe(Effect.scoped)
  )

  it.live("does not share the number of its locks with a schema that is made beside it later", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("beside")
      yield* restore(sql, yield* dumped("first", 1))
      const first = yield* open(sql, "first")
      const second = yield* open(sql, "second")
      yield* append(second, thing, 1)
      // An append that stays open holds the readers of its own schema only.
      const holder = yield* client({ ...sql.config })
      const inside = yield* open(holder, "first")
      yield* transacted(
        holder,
        Effect.gen(function* () {
          yield* append(inside, StreamId.make("Thing", "b"), 1)
          yield* append(second, thing, 1)
          assert.deepStrictEqual(yield* positionsOf(second), [1, 2])
          assert.deepStrictEqual(yield* positionsOf(first), [1])
        })
      )
    }).pipe(Effect.scoped)
  )

  it.live("beside one with the same number of locks is refused until it is adopted; the older one goes on", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("merged")
      const first = yield* open(sql, "first")
      yield* append(first, thing, 5)
      yield* restore(sql, yield* dumped("second", 2))
      const error = yield* Effect.flip(open(sql, "second"))
      assert.strictEqual(error.reason._tag, "Rejected")
      assert.include(error.message, "the schemas first and second have the same number for the locks of their appends")
      assert.include(error.message, 'PgMigrations.adopt({ schema: "second" })')
      assert.deepStrictEqual(yield* positionsOf(yield* open(sql, "first")), [1, 2, 3, 4, 5])
      yield* adopt(sql, "second")
      const second = yield* open(sql, "second")
      yield* append(second, thing, 1)
      assert.deepStrictEqual(yield* positionsOf(second), [1, 2, 3])
      const numbers = yield* sql.unsafe(
        "select lock_namespace from first.revisions union select lock_namespace from second.revisions"
      )
      assert.lengthOf(numbers, 2)
    }).pipe(Effect.scoped)
  )

  it.live("under another name beside its original is a copy, which is refused until it is adopted", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("copied")
      const original = yield* open(sql, "first")
      yield* append(original, thing, 3)
      const text = (yield* dump(sql, "first")).replaceAll(/"first"|\bfirst\./g, (found) =>
        found.startsWith('"') ? '"copy"' : "copy."
      )
      yield* restore(sql, text)
      yield* sql.unsafe("comment on function copy.horizon is null")
      yield* sql.unsafe("update copy.log set name = 'first'")
      const error = yield* Effect.flip(open(sql, "copy"))
      assert.strictEqual(error.reason._tag, "Rejected")
      assert.include(error.message, "the schema copy is a copy of the log of first")
      assert.deepStrictEqual(yield* positionsOf(yield* open(sql, "first")), [1, 2, 3])
      yield* adopt(sql, "copy")
      const copy = yield* open(sql, "copy")
      yield* append(copy, thing, 1)
      assert.deepStrictEqual(yield* positionsOf(copy), [1, 2, 3, 4])
      assert.deepStrictEqual(yield* positionsOf(original), [1, 2, 3])
      const ids = yield* sql.unsafe<{ readonly id: string; readonly name: string }>(
        "select id, name from first.log union select id, name from copy.log order by name"
      )
      assert.deepStrictEqual(
        ids.map(({ name }) => name),
        ["copy", "first"]
      )
      assert.lengthOf(new Set(ids.map(({ id }) => id)), 2)
    }).pipe(Effect.scoped)
  )

  it.live("a function of the same text in a schema of somebody else keeps nobody from the log", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("planted")
      const role = yield* newRole(sql)
      yield* sql.unsafe(`grant create on schema public to ${role}`)
      const planting = Effect.andThen(
        sql.unsafe(`set local role ${role}`),
        sql.unsafe("create function public.horizon() returns int language plpgsql as 'begin return 1 >> 16 = 1; end'")
      )
      yield* transacted(sql, Effect.orDie(planting))
      yield* append(yield* open(sql, "first"), thing, 1)
      yield* append(yield* open(sql, "first"), thing, 1)
    }).pipe(Effect.scoped)
  )
})

describe("two schemas with one number", () => {
  it.live("a transaction that appends to both lets no reader skip an event", () =>
    Effect.gen(function* () {
      const sql = yield* newDatabase("numbers")
      const [first, second] = [yield* open(sql, "first"), yield* open(sql, "second")]
      // As a tool without this library's checks would leave them.
      const [own] = yield* sql.unsafe<{ readonly n: number }>("select lock_namespace as n from first.revisions")
      const [theirs] = yield* sql.unsafe<{ readonly n: number }>("select lock_namespace as n from second.revisions")
      const functions = yield* sql.unsafe<{ readonly text: string }>(
        "select pg_get_functiondef(oid) as text from pg_proc where pronamespace = 'second'::regnamespace"
      )
      for (const { text } of functions) {
        yield* sql.unsafe(
          text
            .replaceAll(`>> 16 = ${theirs!.n}`, `>> 16 = ${own!.n}`)
            .replaceAll(`(${theirs!.n}::bigint << 48)`, `(${own!.n}::bigint << 48)`)
            .replaceAll(`'${theirs!.n}'`, `'${own!.n}'`)
        )
      }
      yield* append(first, thing, 20)
      yield* append(second, thing, 1)
      const other = yield* client({ ...sql.config })
      const reader = (yield* openStore({ schema: "second", migrate: false }, { ...sql.config }).pipe(Effect.result))
        ._tag
      assert.strictEqual(reader, "Failure", "the younger one is refused")
      yield* transacted(
        sql,
        Effect.gen(function* () {
          yield* append(first, StreamId.make("Thing", "t"), 1)
          yield* append(second, StreamId.make("Thing", "t"), 1)
          yield* other.unsafe(`insert into second.streams (key, version) values ('Thing-o', 1)`)
          yield* other.unsafe(`insert into second.events (stream, stream_id, version, event_id, type, data, metadata, recorded_at)
            select id, key, 1, gen_random_uuid(), 'E', '{}', '{}', now() from second.streams where key = 'Thing-o'`)
          const [row] = yield* other.unsafe<{ readonly o_horizon: bigint }>(
            "select o_horizon from second.horizon(false)"
          )
          assert.isAtMost(Number(row!.o_horizon), 1)
        }).pipe(Effect.orDie)
      )
    }).pipe(Effect.scoped)
  )
})
