import { assert, it } from "@effect/vitest"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Fiber } from "effect"
import { describe } from "vitest"
import { client, newSchema, openStores, storesOn } from "../support/database.ts"
import { Again, appendTo, assertLaw, catchUp, eventually, isInline, Positions } from "../support/inlineViews.ts"

// A client that runs an effect before its next transaction, once the effect is set.
const interposed = (sql: PgClient.PgClient) => {
  let other: Effect.Effect<unknown> | undefined
  const interposing = (sql: PgClient.PgClient): PgClient.PgClient =>
    new Proxy(sql, {
      get: (sql, name) => {
        if (name === "withoutTransforms") return () => interposing(sql.withoutTransforms())
        if (name !== "withTransaction" || other === undefined) return Reflect.get(sql, name) as unknown
        const first = other
        other = undefined
        return (effect: Effect.Effect<unknown>) => Effect.andThen(first, sql.withTransaction(effect))
      }
    })
  return { sql: interposing(sql), before: (effect: Effect.Effect<unknown>) => void (other = effect) }
}

describe("inline views, in an unlucky moment", () => {
  it.live(
    "a call applies its events to all views that it names, also to those that another call learns meanwhile",
    () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const views = [Positions, Again]
        const other = yield* openStores({ schema, views })
        const { before, sql } = interposed(yield* client())
        const one = yield* storesOn(sql, { schema, views })
        yield* catchUp(other, Positions)
        yield* appendTo(one, "a")
        yield* catchUp(other, Again)
        before(Effect.orDie(appendTo(one, "b")))
        yield* appendTo(one, "a")
        for (const view of views) yield* assertLaw(other, view)
        const statuses = yield* other.records.status
        assert.isTrue(statuses.every(({ inline }) => inline))
      })
  )

  it.live("a transaction of several appends does not deadlock with one that waits for its view", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const [one, other] = yield* Effect.all([
        openStores({ schema, views: [Positions] }),
        openStores({ schema, views: [Positions] })
      ])
      yield* catchUp(other)
      const watching = yield* client()
      const scope = yield* Effect.scope
      const blocked = watching.unsafe("select from pg_stat_activity where wait_event_type = 'Lock' and query like $1", [
        `%"${schema}".append%`
      ])
      const waiting = yield* one.transaction!(
        Effect.gen(function* () {
          yield* appendTo(one, "a")
          const waiting = yield* Effect.forkIn(appendTo(other, "b"), scope)
          yield* eventually(Effect.map(blocked, ({ length }) => length > 0))
          yield* appendTo(one, "b")
          return waiting
        })
      )
      yield* Fiber.join(waiting)
      yield* assertLaw(other)
    })
  )

  it.live("no view is left to appends while an append is under way that began before version 5", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const one = yield* openStores({ schema, views: [Positions] })
      yield* appendTo(one, "a")
      const former = yield* client()
      // The locks of the append function before version 5: all except the lock of the flags.
      const append = Effect.andThen(
        former.unsafe(
          `select pg_advisory_xact_lock_shared((substring(description from '[0-9]+$')::bigint << 48) | 1)::text
           from pg_description where objoid = '${schema}.horizon'::regproc`
        ),
        former.unsafe(
          `insert into ${schema}.events (stream, stream_id, version, event_id, type, data, metadata, recorded_at)
           select stream, stream_id, 2, event_id, type, data, metadata, recorded_at from ${schema}.events`
        )
      )
      yield* former.withTransaction(Effect.andThen(append, catchUp(one)))
      assert.isFalse(yield* isInline(one))
      yield* catchUp(one)
      assert.isTrue(yield* isInline(one))
      yield* assertLaw(one)
    })
  )

  it.live("an append of one event waits while a view begins to be left to appends", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const one = yield* openStores({ schema, views: [Positions] })
      const [flags, watching] = yield* Effect.all([client(), client()])
      const scope = yield* Effect.scope
      const waiting = yield* flags.withTransaction(
        Effect.gen(function* () {
          yield* flags.unsafe(`select o_last from ${schema}.lock_inline()`)
          const waiting = yield* Effect.forkIn(appendTo(one, "a"), scope)
          const blocked = watching.unsafe(
            "select from pg_stat_activity where wait_event_type = 'Lock' and query like $1",
            [`%"${schema}".append_event%`]
          )
          yield* eventually(Effect.map(blocked, ({ length }) => length > 0))
          return waiting
        })
      )
      yield* Fiber.join(waiting)
    })
  )
})
