import type { EventStore, ProjectionFailed, ProjectionStore, View } from "@hexfold/core"
import { Background, InlineViews } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as records from "../sql/records.ts"
import { texts } from "../database/binds.ts"
import { NotMaintained } from "./knownGenerations.ts"

/** What changes in the records of a generation. */
export interface Changed extends ProjectionStore.Changes {
  readonly id: bigint
}

/** Writes records of generations, those of several with one statement. */
export const write = (
  schema: string,
  sql: SqlClient.SqlClient,
  changes: ReadonlyArray<Changed>
): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function* () {
    const tableOf = ({ id }: { readonly id: bigint }) => records.tableOf(schema, id)
    for (const portion of portions(changes)) {
      const binds = portion.flatMap(({ keys, states }) => [texts(keys), texts(states)])
      yield* sql.unsafe(records.putRecords(portion.map(tableOf)), binds)
    }
    for (const each of changes) {
      if (each.remove.length > 0) yield* sql.unsafe(records.removeRecords(tableOf(each)), [texts(each.remove)])
    }
  })

/** A generation with its definition. */
export interface Defined {
  readonly id: bigint
  readonly view: View.Any
}

/**
 * Applies events to the records of generations. It loads all of these with one statement and writes them with another,
 * because an append waits for each answer of the server. If the events cannot be applied to one of the generations, it
 * fails with that one. If a statement fails, nobody knows for which of its tables. Then it fails with the first
 * generation: the caller leaves that one out and tries again, until the guilty one is left out too.
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
    const stored = yield* ofGeneration(first)(sql.unsafe<Stored>(records.states(tables), keys))
    const byPlace = Map.groupBy(stored, ({ place }) => place)
    const changes: Array<Changed> = []
    for (const [place, each] of planned.entries()) {
      const own = byPlace.get(place) ?? []
      const { result, steps } = each.folding(new Map(own.map(({ key, state }) => [key, state])))
      yield* Background.inSteps(steps)
      changes.push({ id: each.id, ...(yield* ofGeneration(each)(Effect.fromResult(result()))) })
    }
    yield* ofGeneration(first)(write(schema, sql, changes))
  })

const ofGeneration =
  ({ id, view }: Defined) =>
  <A>(work: Effect.Effect<A, ProjectionFailed | SqlError.SqlError>): Effect.Effect<A, NotMaintained> =>
    Effect.mapError(work, (cause) => new NotMaintained({ generation: id, view, cause }))

/** Records as texts, in portions of which the server takes each in one message. */
const portions = function* (changes: ReadonlyArray<Changed>): Generator<ReadonlyArray<Written>> {
  let portion: Array<Written> = []
  let length = 0
  for (const { id, put } of changes) {
    let own: Written | undefined
    for (const { key, state } of put) {
      const text = JSON.stringify(state)
      if (portion.length > 0 && length + text.length > mostText) {
        yield portion
        portion = []
        own = undefined
        length = 0
      }
      if (own === undefined) portion.push((own = { id, keys: [], states: [] }))
      own.keys.push(key)
      own.states.push(text)
      length += text.length
    }
  }
  if (portion.length > 0) yield portion
}

/** Records of a generation in a portion. */
interface Written {
  readonly id: bigint
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
