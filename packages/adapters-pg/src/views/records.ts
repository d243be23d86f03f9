import { type EventStore, type ProjectionFailed, type View, type ViewStore } from "@hexfold/core"
import { Background, InlineViews } from "@hexfold/core/adapter"
import { PgTypes } from "@effect/sql-pg"
import { Effect, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as records from "../sql/records.ts"
import { array, texts } from "../database/binds.ts"

/** Writes records of a generation. */
export const write = (
  schema: string,
  sql: SqlClient.SqlClient,
  id: bigint,
  { put, remove }: Pick<ViewStore.Commit, "put" | "remove">
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function* () {
    const table = records.tableOf(schema, id)
    if (put.length > 0) {
      const states = array(
        put.map(({ state }) => state),
        PgTypes.OID.jsonb
      )
      yield* sql.unsafe(records.putRecords(table), [texts(put.map(({ key }) => key)), states])
    }
    if (remove.length > 0) yield* sql.unsafe(records.removeRecords(table), [texts(remove)])
  })

/** Applies events to the records of a generation. If one cannot be applied, it fails with the first such event and writes nothing. */
export const apply = (
  schema: string,
  sql: SqlClient.SqlClient,
  id: bigint,
  view: View.Any,
  events: ReadonlyArray<EventStore.RecordedEvent>
): Effect.Effect<void, ProjectionFailed | SqlError.SqlError> =>
  Effect.gen(function* () {
    const { folding, keys } = yield* Effect.fromResult(InlineViews.plan(view, events))
    if (keys.length === 0) return
    const stored = yield* sql.unsafe<Stored>(records.states(records.tableOf(schema, id)), [texts(keys)])
    const { result, steps } = folding(new Map(stored.map(({ key, state }) => [key, state])))
    yield* Background.inSteps(steps)
    yield* write(schema, sql, id, yield* Effect.fromResult(result()))
  })

interface Stored {
  readonly key: string
  readonly state: Schema.Json
}
