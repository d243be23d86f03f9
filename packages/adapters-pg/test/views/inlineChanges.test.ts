import { assert, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { type OpenedStores, transacted } from "../support/database.ts"
import { appendTo, opened } from "../support/inlineViews.ts"

const changesOf = ({ records }: OpenedStores) => Effect.map(records.status, ([status]) => status!.changes)

const horizonOf = ({ events }: OpenedStores) => Effect.map(Stream.runHead(events.horizons), Option.getOrThrow)

describe("the count of changes of a view that appends maintain", () => {
  it.live("grows with the first append after a log that has gone back", () =>
    Effect.gen(function* () {
      const {
        instances: [one],
        schema
      } = yield* opened(1)
      for (let n = 1; n <= 10; n++) yield* appendTo(one!, `${n}`)
      const { history } = yield* horizonOf(one!)
      yield* changesOf(one!)
      yield* transacted(
        one!.sql,
        Effect.gen(function* () {
          yield* one!.sql.unsafe(`alter table ${schema}.events disable trigger events_immutable`)
          yield* one!.sql.unsafe(`delete from ${schema}.events where position > 3`)
          yield* one!.sql.unsafe(`alter table ${schema}.events enable trigger events_immutable`)
          yield* one!.sql.unsafe(`select setval('${schema}.events_position', 3)`)
        }).pipe(Effect.orDie)
      )
      // The store notices that the history has ended.
      assert.isAbove((yield* horizonOf(one!)).history, history)
      let before = yield* changesOf(one!)
      for (let n = 11; n <= 14; n++) {
        yield* appendTo(one!, `${n}`)
        const after = yield* changesOf(one!)
        assert.isAbove(after, before)
        before = after
      }
    }).pipe(Effect.scoped)
  )

  it.live("misses no event that a transaction of the caller could not see when it asked", () =>
    Effect.gen(function* () {
      const {
        instances: [one, other],
        schema
      } = yield* opened(2)
      yield* appendTo(one!, "a")
      const before = yield* changesOf(one!)
      yield* one!.sql
        .withTransaction(
          Effect.gen(function* () {
            yield* one!.sql.unsafe(`select from ${schema}.events`)
            yield* appendTo(other!, "b")
            yield* changesOf(one!)
          })
        )
        .pipe(Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL REPEATABLE READ"))
      assert.isAbove(yield* changesOf(one!), before)
    }).pipe(Effect.scoped)
  )
})
