import type { EventStore, ProjectionFailed, ProjectionStore, View } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
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
  { put, remove }: ProjectionStore.Changes
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
    const { fold, keys } = yield* Effect.fromResult(InlineViews.plan(view, events))
    if (keys.length === 0) return
    const stored = yield* sql.unsafe<Stored>(records.states(records.tableOf(schema, id)), [texts(keys)])
    yield* write(schema, sql, id, yield* Effect.fromResult(fold(new Map(stored.map(({ key, state }) => [key, state])))))
  })

interface Stored {
  readonly key: string
  readonly state: Schema.Json
}
