import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { type EventStore, type EventStoreError, StreamId } from "@hexfold/core"
import { Effect, Option, Stream } from "effect"
import { describe } from "vitest"
import { newSchema, openStore, transacted } from "../support/database.ts"
import { append } from "../support/events.ts"

type Store = EventStore.EventStore["Service"]

const streamOf = (name: string) => StreamId.make("Thing", name)

const horizonOf = (store: Store) => Effect.map(Stream.runHead(store.horizons), Option.getOrThrow)

const read = (store: Store, after: number | EventStore.Position) =>
  Effect.map(Stream.runCollect(store.readAll({ after })), (events) => events.map(({ position }) => position))

/** Removes the events after a position, as a person with all rights can. */
const remove = (sql: PgClient.PgClient, schema: string, after: number) =>
  transacted(
    sql,
    Effect.gen(function* () {
      yield* sql.unsafe(`alter table ${schema}.events disable trigger events_immutable`)
      yield* sql.unsafe(`delete from ${schema}.events where position > ${after}`)
      yield* sql.unsafe(`alter table ${schema}.events enable trigger events_immutable`)
      yield* sql.unsafe(`select setval('${schema}.events_position', ${after})`)
    }).pipe(Effect.orDie)
  )

const reasonOf = (error: EventStoreError) => error.reason

describe("a log that somebody has changed while the server runs", () => {
  it.live("begins another history when events are removed, and refuses positions beyond the end", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      for (let i = 0; i < 10; i++) yield* append(store, streamOf(`${i}`), 1)
      const before = yield* openStore({ schema }).pipe(Effect.flatMap(({ store }) => horizonOf(store)))
      assert.deepStrictEqual([before.position, before.history], [10, 1])
      yield* remove(sql, schema, 5)
      const beyond = yield* Effect.flip(read(store, 8))
      assert.strictEqual(reasonOf(beyond)._tag, "Rejected")
      assert.include(beyond.message, "position 8 is beyond the end of the log: the last position drawn is 5")
      for (let i = 0; i < 6; i++) yield* append(store, streamOf(`new ${i}`), 1)
      const after = yield* horizonOf(store)
      assert.isAbove(after.history, 1)
      assert.strictEqual(after.position, 11)
      assert.deepStrictEqual(yield* read(store, { history: 1, position: 3 }), [4, 5, 6, 7, 8, 9, 10, 11])
      const refused = reasonOf(yield* Effect.flip(read(store, before)))
      assert.deepStrictEqual(
        refused._tag === "PositionFromAnotherHistory" && [refused.history, refused.position, refused.endedAt],
        [1, 10, 5]
      )
    })
  )

  it.live("a process that has seen a higher position notices by itself", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* append(store, streamOf("a"), 4)
      // Nothing is noted while this lock is held.
      const holder = yield* sql.reserve
      yield* holder.execute(`select pg_advisory_lock(hashtext('hexfold noted "${schema}"'), 0)::text`, [], undefined)
      const seen = yield* horizonOf(store)
      yield* remove(sql, schema, 1)
      yield* sql.unsafe(`alter sequence ${schema}.events_position restart with 2`)
      yield* append(store, streamOf("b"), 2)
      const after = yield* horizonOf(store)
      assert.isAbove(after.history, seen.history)
      assert.strictEqual(after.position, 3)
      const refused = reasonOf(yield* Effect.flip(read(store, seen)))
      assert.deepStrictEqual(refused._tag === "PositionFromAnotherHistory" && refused.endedAt, 0)
    })
  )

  it.live("calls that notice at the same moment begin one history", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql } = yield* openStore({ schema }, { maxConnections: 8 })
      const histories = Effect.map(
        sql.unsafe<{ readonly history: bigint }>(`select distinct history from ${schema}.histories order by history`),
        (rows) => rows.map(({ history }) => history)
      )
      const noticing = [
        `select ${schema}.history()`,
        `select (${schema}.horizon_2(false, false, false)).o_history as history`
      ]
      for (let round = 2; round <= 60; round++) {
        yield* sql.unsafe(`delete from ${schema}.life`)
        const found = yield* Effect.forEach(
          Array.from({ length: 8 }, (_, i) => noticing[i % 2]!),
          (statement) => sql.unsafe<{ readonly history: bigint }>(statement),
          { concurrency: "unbounded" }
        )
        const all = yield* histories
        assert.lengthOf(all, round)
        assert.deepStrictEqual([...new Set(found.map(([row]) => row!.history))], [all.at(-1)!])
      }
      const last = (yield* histories).at(-1)!
      yield* Effect.replicateEffect(sql.unsafe(`select ${schema}.taken_back(${last}, 0)::text`), 8, {
        concurrency: "unbounded"
      })
      assert.lengthOf(yield* histories, 61)
    })
  )

  it.live("a read that goes on while a history begins reads to its end, or is told that its place is lost", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema, pageSize: 2 })
      yield* append(store, streamOf("a"), 6)
      const reading = (loss: Effect.Effect<unknown, unknown>) => {
        let isLost = false
        const once = Effect.suspend(() => {
          if (isLost) return Effect.void
          isLost = true
          return Effect.orDie(Effect.andThen(loss, sql.unsafe(`delete from ${schema}.life`)))
        })
        return Stream.runCollect(Stream.tap(store.readAll({ after: 0 }), () => once))
      }
      const positions = (yield* reading(Effect.void)).map(({ position }) => position)
      assert.deepStrictEqual(positions, [1, 2, 3, 4, 5, 6])
      assert.strictEqual(
        reasonOf(yield* Effect.flip(reading(remove(sql, schema, 1))))._tag,
        "PositionFromAnotherHistory"
      )
    })
  )

  it.live("a sequence below the last position is refused by every operation on the log, with the way out", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* append(store, streamOf("a"), 1)
      yield* Effect.exit(transacted(sql, Effect.andThen(append(store, streamOf("x"), 1), Effect.fail("rolled back"))))
      yield* append(store, streamOf("b"), 1)
      yield* sql.unsafe(`alter sequence ${schema}.events_position restart`)
      for (const failing of [
        openStore({ schema }),
        append(store, streamOf("n"), 1),
        transacted(sql, append(store, streamOf("n"), 1)),
        read(store, 0),
        horizonOf(store)
      ]) {
        const error = yield* Effect.flip(Effect.scoped(failing as Effect.Effect<unknown, EventStoreError>))
        assert.strictEqual(reasonOf(error)._tag, "Rejected", String(error))
        assert.include(error.message, `select setval('${schema}.events_position', 3)`)
      }
      yield* sql.unsafe(`select setval('${schema}.events_position', 3)`)
      yield* append(store, streamOf("n"), 1)
      assert.deepStrictEqual(yield* read(store, 3), [4])
    })
  )

  it.live("positions of a database that was restored from a dump of an earlier time are refused beyond it", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* append(store, streamOf("a"), 3)
      const kept = yield* horizonOf(store)
      // Another table with the same rows, as a restore makes it.
      yield* sql.unsafe(`create unlogged table ${schema}.life_2 (like ${schema}.life)`)
      yield* sql.unsafe(`insert into ${schema}.life_2 select * from ${schema}.life`)
      yield* sql.unsafe(`drop table ${schema}.life`)
      yield* sql.unsafe(`alter table ${schema}.life_2 rename to life`)
      yield* append(store, streamOf("b"), 2)
      const after = yield* horizonOf(store)
      assert.isAbove(after.history, kept.history)
      assert.deepStrictEqual(yield* read(store, kept), [4, 5])
      const refused = reasonOf(yield* Effect.flip(read(store, { history: kept.history, position: 4 })))
      assert.strictEqual(refused._tag, "PositionFromAnotherHistory")
    })
  )

  it.live("another log in the place of the one that a process began with is not served", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const { sql, store } = yield* openStore({ schema })
      yield* append(store, streamOf("a"), 1)
      yield* sql.unsafe(`drop schema ${schema} cascade`)
      const other = yield* openStore({ schema })
      yield* append(other.store, streamOf("b"), 1)
      const error = yield* Effect.flip(read(store, 0))
      assert.strictEqual(reasonOf(error)._tag, "Rejected", String(error))
      assert.include(error.message, `the schema ${schema} holds another log than this process began with`)
      const refused = yield* Effect.flip(append(store, streamOf("a"), 1))
      assert.strictEqual(refused._tag === "EventStoreError" && refused.reason._tag, "Rejected")
      assert.deepStrictEqual(yield* read(other.store, 0), [1])
    })
  )
})
