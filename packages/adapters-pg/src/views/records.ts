import type { EventStore, ProjectionFailed, ProjectionStore, View } from "@hexfold/core"
import { Background, InlineViews } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as records from "../sql/records.ts"
import { texts } from "../database/binds.ts"

/** Writes records of a generation. */
export const write = (
  schema: string,
  sql: SqlClient.SqlClient,
  id: bigint,
  { put, remove }: ProjectionStore.Changes
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function* () {
    const table = records.tableOf(schema, id)
    for (const { keys, states } of portions(put)) {
      yield* sql.unsafe(records.putRecords(table), [texts(keys), texts(states)])
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

/** Records as texts, in portions of which the server takes each in one message. */
const portions = function* (put: ProjectionStore.Changes["put"]): Generator<Portion> {
  let portion: Portion = { keys: [], states: [] }
  let length = 0
  for (const { key, state } of put) {
    const text = JSON.stringify(state)
    length += text.length
    if (length > mostText && portion.keys.length > 0) {
      yield portion
      portion = { keys: [], states: [] }
      length = text.length
    }
    portion.keys.push(key)
    portion.states.push(text)
  }
  if (portion.keys.length > 0) yield portion
}

interface Portion {
  readonly keys: Array<string>
  readonly states: Array<string>
}

// A message has at most 1 GiB. A statement has a limit in time, too.
const mostText = 16 << 20

interface Stored {
  readonly key: string
  readonly state: Schema.Json
}
