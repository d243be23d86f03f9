import type { InvalidCursor, ProjectionStore, Query } from "@hexfold/core"
import { QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, type Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { bigint, isText, texts } from "../database/binds.ts"
import { isNoTable } from "../database/errors.ts"
import * as deadLetterTable from "../sql/deadLetters.ts"
import * as registry from "../sql/generations.ts"
import * as records from "../sql/records.ts"
import { inOrder, translateIndexed } from "./indexPages.ts"
import type { Statement } from "./queryColumns.ts"
import { groupOf, type GroupRow, translateGroups } from "./queryGroups.ts"
import { timed } from "./queryTimeout.ts"
import { translate, translateCount } from "./queryTranslator.ts"
import { deadLetterOf, type DeadLetterRow, statusesOf, type StatusRow } from "./rows.ts"

/** A generation by its name, or the one that serves if no version is given. */
type From = Pick<ProjectionStore.Generation, "view"> & Partial<ProjectionStore.Generation>

/** The reads of a schema's views. */
export const reader = (schema: string, sql: SqlClient.SqlClient) => {
  const idOf = ({ build, version, view }: From) => {
    if (![version ?? 0, build ?? 0].every(Number.isSafeInteger) || !isText(view)) return Effect.succeed(undefined)
    const found =
      version === undefined
        ? sql.unsafe<Found>(registry.serving(schema), [view])
        : sql.unsafe<Found>(registry.generation(schema), [view, bigint(version), bigint(build)])
    return Effect.map(found, ([row]) => row?.id)
  }

  // One statement reads everything, at one moment. If the view is switched after its generation was looked up, the
  // answer is that of a moment earlier. If the former generation is dropped too, its table is missing, and the
  // generation that serves now is read.
  const read = <Row extends object>(
    from: From,
    statement: (id: bigint) => Statement,
    gone?: bigint
  ): Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError> =>
    Effect.flatMap(idOf(from), (id) => {
      if (id === undefined) return Effect.succeed([])
      const { binds, text } = statement(id)
      return Effect.catchIf(
        sql.unsafe<Row>(text, binds),
        (error) => isNoTable(error) && id !== gone,
        () => read<Row>(from, statement, id)
      )
    })

  const page = (query: Query.Query): Effect.Effect<Query.Page<Schema.Json>, InvalidCursor | SqlError.SqlError> =>
    Effect.gen(function* () {
      const after = yield* Effect.fromResult(QueryEvaluation.decodeCursor(query))
      const found = (yield* indexed(query, after)) ?? (yield* all(query, after))
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

  const all = (query: Query.Query, after: QueryEvaluation.Place | undefined) =>
    read<Record>(query, (id) => translate(schema, records.tableOf(schema, id), query, after))

  // Undefined if there is no index for the query, or if it cannot answer.
  const indexed = (
    query: Query.Query,
    after: QueryEvaluation.Place | undefined
  ): Effect.Effect<ReadonlyArray<Record> | undefined, SqlError.SqlError> => {
    const translated = (id: bigint) => translateIndexed(schema, records.tableOf(schema, id), query, after)
    if (translated(0n) === undefined) return Effect.succeed(undefined)
    return Effect.map(
      read<Record>(query, (id) => translated(id)!),
      (found) => inOrder(query, after, found)
    )
  }

  const groups = (query: Query.Groups): Effect.Effect<ReadonlyArray<Query.GroupValues>, SqlError.SqlError> =>
    Effect.map(
      read<GroupRow>(query, (id) => translateGroups(schema, records.tableOf(schema, id), query)),
      // Without a generation there is no row, but all records together are a group, also if there is none.
      (rows) => (rows.length === 0 ? QueryEvaluation.runGroups(query, []) : rows.map((row) => groupOf(query, row)))
    )

  const count = (query: Query.Count): Effect.Effect<number, SqlError.SqlError> =>
    Effect.map(
      read<{ readonly count: bigint }>(query, (id) => translateCount(schema, records.tableOf(schema, id), query)),
      ([row]) => Number(row?.count ?? 0)
    )

  const answer = (query: Asked): Effect.Effect<Answer, InvalidCursor | SqlError.SqlError> => {
    switch (query._tag) {
      case "Count":
        return count(query)
      case "Groups":
        return groups(query)
      case "Records":
        return page(query)
    }
  }

  const query = (query: Asked) => timed(sql, query, answer(query))

  const load = (from: From, keys: ReadonlyArray<string>): Effect.Effect<ProjectionStore.Loaded, SqlError.SqlError> =>
    Effect.map(
      read<LoadedRow>(from, (id) => ({
        text: records.loadRecords(schema, records.tableOf(schema, id)),
        binds: [id, texts(keys.filter(isText))]
      })),
      ([first, ...rows]) => ({
        states: new Map(rows.flatMap(({ key, state, stored }) => (stored ? [[key, state]] : []))),
        parked: new Set(rows.flatMap(({ key, parked }) => (parked ? [key] : []))),
        positions: (first?.positions ?? []).map(Number)
      })
    )

  const deadLetters = (generation: From, options: ProjectionStore.DeadLetterOptions = {}) =>
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

  const deadLetterCounts = (generation: From) =>
    Effect.gen(function* () {
      const id = yield* idOf(generation)
      if (id === undefined) return { parked: 0, skipped: 0 }
      const [counts] = yield* sql.unsafe<CountsRow>(deadLetterTable.counts(schema), [id])
      return { parked: Number(counts!.parked), skipped: Number(counts!.skipped) }
    })

  const status = Effect.suspend(() => Effect.map(sql.unsafe<StatusRow>(registry.status(schema)), statusesOf))

  return { query, load, deadLetters, deadLetterCounts, status }
}

type Asked = Query.Query | Query.Count | Query.Groups

type Answer = Query.Page<Schema.Json> | number | ReadonlyArray<Query.GroupValues>

interface Found {
  readonly id: bigint
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
