import type { EventStore, ProjectionFailed, ProjectionStore, View } from "@hexfold/core"
import { Background, InlineViews } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as records from "../sql/records.ts"
import { texts } from "../database/binds.ts"
import { NotMaintained } from "./knownGenerations.ts"

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

/** A generation with its definition. */
export interface Defined {
  readonly id: bigint
  readonly view: View.Any
}

/**
 * Applies events to the records of generations. It loads all of these with one statement, because an append waits for
 * each answer of the server. If the events cannot be applied to one of the generations, it fails with that one.
 */
export const apply = (
  schema: string,
  sql: SqlClient.SqlClient,
  generations: ReadonlyArray<Defined>,
  events: ReadonlyArray<EventStore.RecordedEvent>
): Effect.Effect<void, NotMaintained> =>
  Effect.gen(function* () {
    const planned: Array<Defined & InlineViews.Plan> = []
    for (const each of generations) {
      const plan = yield* ofGeneration(each)(Effect.fromResult(InlineViews.plan(each.view, events)))
      if (plan.keys.length > 0) planned.push({ ...each, ...plan })
    }
    const [first] = planned
    if (first === undefined) return
    const tables = planned.map(({ id }) => records.tableOf(schema, id))
    const keys = planned.map((each) => texts(each.keys))
    // Where the statement fails, nobody knows for which of its tables. A repetition finds out whether it is the first.
    const stored = yield* ofGeneration(first)(sql.unsafe<Stored>(records.states(tables), keys))
    for (const [place, each] of planned.entries()) {
      const own = stored.filter((row) => row.place === place)
      const { result, steps } = each.folding(new Map(own.map(({ key, state }) => [key, state])))
      yield* Background.inSteps(steps)
      yield* ofGeneration(each)(
        Effect.flatMap(Effect.fromResult(result()), (changes) => write(schema, sql, each.id, changes))
      )
    }
  })

const ofGeneration =
  ({ id, view }: Defined) =>
  <A>(work: Effect.Effect<A, ProjectionFailed | SqlError.SqlError>): Effect.Effect<A, NotMaintained> =>
    Effect.mapError(work, (cause) => new NotMaintained({ generation: id, view, cause }))

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
  /** The place of the record's table among those that were asked. */
  readonly place: number
  readonly key: string
  readonly state: Schema.Json
}
