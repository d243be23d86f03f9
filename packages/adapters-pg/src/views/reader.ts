import {
  type InvalidCursor,
  NotServing,
  type ProjectionStore,
  type Query,
  type ViewStore,
  type ViewStoreError
} from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { bigint, float8, isText, texts } from "../database/binds.ts"
import { isNoTable } from "../database/errors.ts"
import { checkVisibleTo } from "../database/logChecks.ts"
import * as deadLetterTable from "../sql/deadLetters.ts"
import * as registry from "../sql/generations.ts"
import * as records from "../sql/records.ts"
import { inlineChanges } from "./inlineChanges.ts"
import { inOrder, translateIndexed } from "./indexPages.ts"
import type { Statement } from "./queryColumns.ts"
import { groupOf, type GroupRow, translateGroups } from "./queryGroups.ts"
import { timed } from "./queryTimeout.ts"
import { translate, translateCount } from "./queryTranslator.ts"
import { deadLetterOf, type DeadLetterRow, statusesOf, type StatusRow } from "./rows.ts"

/** The reads of a schema's views. A version without an owner counts as left after `leftAfter` seconds. */
export const reader = (name: string, schema: string, sql: SqlClient.SqlClient, leftAfter: number) => {
  const idOf = ({ build, version, view }: ProjectionStore.Generation) =>
    [version, build ?? 0].every(Number.isSafeInteger) && isText(view)
      ? Effect.map(
          sql.unsafe<Found>(registry.generation(schema), [view, bigint(version), bigint(build)]),
          ([row]) => row?.id
        )
      : Effect.succeed(undefined)

  /** The generation that answers for a version. */
  const answering = ({ operation, version, view }: From): Effect.Effect<bigint, Failed> =>
    Effect.gen(function* () {
      const unbuilt = new NotServing({ view, version, reason: "unbuilt" })
      if (!Number.isSafeInteger(version) || !isText(view)) return yield* unbuilt
      const binds = [view, bigint(version), float8(leftAfter)]
      const [found] = yield* sql.unsafe<Answering>(registry.answering(schema), binds)
      if (found === undefined) {
        yield* checkVisibleTo(operation, view, sql, name)
        return yield* unbuilt
      }
      if (found.serves && !found.left) return found.id
      const position = Number(found.position)
      const lag = Number(found.drawn) - position
      const reason = found.left ? "left" : "building"
      return yield* new NotServing({ view, version, reason, position, ...(lag > 0 ? { lag } : undefined) })
    })

  // One statement reads everything, at one moment. If the version is switched to another build after its generation was
  // looked up, the answer is that of a moment earlier. If the former build is dropped too, its table is missing, and the
  // build that answers now is read.
  const read = <Row extends object>(
    of: From,
    statement: (id: bigint) => Statement,
    gone?: bigint
  ): Effect.Effect<ReadonlyArray<Row>, Failed> =>
    Effect.flatMap(answering(of), (id) => {
      const { binds, text } = statement(id)
      return Effect.catchIf(
        sql.unsafe<Row>(text, binds),
        (error) => isNoTable(error) && id !== gone,
        () => read<Row>(of, statement, id)
      )
    })

  const page = (query: Query.Query, of: From): Effect.Effect<Query.Page<Schema.Json>, InvalidCursor | Failed> =>
    Effect.gen(function* () {
      const after = yield* Effect.fromResult(QueryEvaluation.decodeCursor(query))
      const found = (yield* indexed(query, of, after)) ?? (yield* all(query, of, after))
      const { limit = Infinity, missing, orderBy, select, total } = query
      const listed = found.filter(({ key }) => key !== null)
      if (total === true) {
        const places = new Map(
          listed.map((each) => [
            each,
            QueryEvaluation.placeOf(orderBy, each.key, QueryEvaluation.completed(each.state, missing))
          ])
        )
        listed.sort((a, b) => QueryEvaluation.comparePlaces(orderBy, places.get(a)!, places.get(b)!))
      }
      const rows = listed.slice(0, limit)
      return {
        rows: rows.map(({ key, state }) => ({
          key,
          state:
            select === undefined ? state : QueryEvaluation.selected(QueryEvaluation.completed(state, missing), select)
        })),
        next: rows.length < listed.length ? QueryEvaluation.cursorOf(query, rows.at(-1)!) : undefined,
        ...(total === true ? { total: Number(found[0]?.total ?? 0) } : undefined)
      }
    })

  const all = (query: Query.Query, of: From, after: QueryEvaluation.Place | undefined) =>
    read<Record>(of, (id) => translate(schema, records.tableOf(schema, id), query, after))

  // Undefined if there is no index for the query, or if it cannot answer.
  const indexed = (
    query: Query.Query,
    of: From,
    after: QueryEvaluation.Place | undefined
  ): Effect.Effect<ReadonlyArray<Record> | undefined, Failed> => {
    const translated = (id: bigint) => translateIndexed(schema, records.tableOf(schema, id), query, after)
    if (translated(0n) === undefined) return Effect.succeed(undefined)
    return Effect.map(
      read<Record>(of, (id) => translated(id)!),
      (found) => inOrder(query, after, found)
    )
  }

  const groups = (query: Query.Groups, of: From): Effect.Effect<ReadonlyArray<Query.GroupValues>, Failed> =>
    Effect.map(
      read<GroupRow>(of, (id) => translateGroups(schema, records.tableOf(schema, id), query)),
      (rows) => rows.map((row) => groupOf(query, row))
    )

  const count = (query: Query.Count, of: From): Effect.Effect<number, Failed> =>
    Effect.map(
      read<{ readonly count: bigint }>(of, (id) => translateCount(schema, records.tableOf(schema, id), query)),
      ([row]) => Number(row?.count ?? 0)
    )

  const answer = (query: Asked, of: From): Effect.Effect<Answer, InvalidCursor | Failed> => {
    switch (query._tag) {
      case "Count":
        return count(query, of)
      case "Groups":
        return groups(query, of)
      case "Records":
        return page(query, of)
    }
  }

  const query = (query: Asked, version: number) =>
    timed(sql, query, answer(query, { operation: "query", view: query.view, version }))

  const loading = (id: bigint, keys: ReadonlyArray<string>): Statement => ({
    text: records.loadRecords(schema, records.tableOf(schema, id)),
    binds: [id, texts(keys.filter(isText))]
  })

  const load = (
    { version, view }: ViewStore.Version,
    keys: ReadonlyArray<string>
  ): Effect.Effect<ViewStore.Loaded, Failed> =>
    Effect.map(
      read<LoadedRow>({ operation: "load", view, version }, (id) => loading(id, keys)),
      loadedOf
    )

  const loadOf = (
    generation: ProjectionStore.Generation,
    keys: ReadonlyArray<string>
  ): Effect.Effect<ProjectionStore.Loaded, SqlError.SqlError> =>
    Effect.gen(function* () {
      const id = yield* idOf(generation)
      if (id === undefined) return loadedOf([])
      const { binds, text } = loading(id, keys)
      // A generation that was dropped meanwhile has no records.
      return loadedOf(yield* Effect.catchIf(sql.unsafe<LoadedRow>(text, binds), isNoTable, () => Effect.succeed([])))
    })

  const deadLetters = (generation: ProjectionStore.Generation, options: ProjectionStore.DeadLetterOptions = {}) =>
    Effect.gen(function* () {
      const { after, key, limit = Infinity, parked = null } = options
      const id = yield* idOf(generation)
      if (id === undefined || ![key ?? "", after?.key ?? ""].every(isText)) return []
      const rows = yield* sql.unsafe<DeadLetterRow>(deadLetterTable.select(schema), [
        id,
        bigint(after?.position),
        after?.key ?? null,
        key ?? null,
        parked,
        bigint(limit === Infinity ? undefined : limit)
      ])
      return rows.map(deadLetterOf)
    })

  const deadLetterCounts = (generation: ProjectionStore.Generation) =>
    Effect.gen(function* () {
      const id = yield* idOf(generation)
      if (id === undefined) return { parked: 0, skipped: 0 }
      const [counts] = yield* sql.unsafe<CountsRow>(deadLetterTable.counts(schema), [id])
      return { parked: Number(counts!.parked), skipped: Number(counts!.skipped) }
    })

  const appended = inlineChanges(schema, sql)
  const status = Effect.gen(function* () {
    const rows = yield* sql.unsafe<StatusRow>(registry.status(schema), [float8(leftAfter)])
    return statusesOf(rows, yield* appended(rows))
  })

  return { query, load, loadOf, deadLetters, deadLetterCounts, status }
}

/** Whose records are read, and by which operation. */
interface From extends ViewStore.Version {
  readonly operation: "load" | "query"
}

type Failed = NotServing | ViewStoreError | SqlError.SqlError

type Asked = Query.Query | Query.Count | Query.Groups

type Answer = Query.Page<Schema.Json> | number | ReadonlyArray<Query.GroupValues>

const loadedOf = ([first, ...rows]: ReadonlyArray<LoadedRow>): ProjectionStore.Loaded => ({
  states: new Map(rows.flatMap(({ key, state, stored }) => (stored ? [[key, state]] : []))),
  parked: new Set(rows.flatMap(({ key, parked }) => (parked ? [key] : []))),
  positions: (first?.positions ?? []).map(Number)
})

interface Found {
  readonly id: bigint
}

interface Answering extends Found {
  readonly serves: boolean
  readonly left: boolean
  readonly position: bigint
  readonly drawn: bigint
}

interface Record {
  readonly key: string
  readonly state: Schema.Json
  /** The number of records on all pages, if the query asks for it. */
  readonly total?: bigint
}

interface CountsRow {
  readonly parked: bigint
  readonly skipped: bigint
}

interface LoadedRow extends Record {
  /** The positions of the parts, in the first row only. */
  readonly positions: ReadonlyArray<bigint> | null
  readonly stored: boolean
  readonly parked: boolean
}
