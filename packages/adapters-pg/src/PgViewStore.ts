/** The view store on Postgres, 14 and later: a table for each generation of a view. */
import { type InvalidCursor, type Query, ViewStore, ViewStoreError } from "@hexfold/core"
import { CommitCheck, QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, Layer, type Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { bigint, isText, texts } from "./database/binds.ts"
import { isNoTable, translatedOf } from "./database/errors.ts"
import { InlineDefinitions } from "./views/inlineDefinitions.ts"
import { type Statement, translate, translateCount } from "./views/queryTranslator.ts"
import { quoted } from "./database/schemaName.ts"
import { claiming } from "./views/claims.ts"
import { committing } from "./views/commits.ts"
import { deadLetterOf, type DeadLetterRow, statusesOf, type StatusRow } from "./views/rows.ts"
import * as PgMigrations from "./PgMigrations.ts"
import * as registry from "./sql/generations.ts"
import * as deadLetterTable from "./sql/deadLetters.ts"
import * as records from "./sql/records.ts"

/** How the store works. */
export interface Options {
  /** The database schema that holds the tables; `hexfold` if not given. */
  readonly schema?: string
  /** Whether to bring the schema up to date at the start; true if not given. */
  readonly migrate?: boolean
}

/**
 * A view store on the `SqlClient` in the context.
 *
 * Inside `sql.withTransaction` of the same client its operations join that
 * transaction: a commit happens with it or not at all, and holds other commits
 * of its part up until its end. The first claim of a generation creates
 * its table and indexes, so it needs the right to.
 */
export const make = (
  options: Options = {}
): Effect.Effect<ViewStore.ViewStore["Service"], ViewStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const name = options.schema ?? PgMigrations.defaultSchema
    yield* (options.migrate === false ? PgMigrations.verify(name) : PgMigrations.run(name)).pipe(
      Effect.mapError(({ reason }) => new ViewStoreError({ operation: "open", reason }))
    )
    const S = quoted(name)
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()

    // Each statement sees what was committed while the one before waited for a lock.
    const atomically = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
      Effect.provideService(
        sql.withTransaction(effect),
        SqlClient.BeginTransaction,
        "BEGIN ISOLATION LEVEL READ COMMITTED"
      )

    const claim = claiming(name, S, sql)
    const commit = committing(S, sql, yield* InlineDefinitions)

    const idOf = ({ build, version, view }: Named) => {
      if (![version ?? 0, build ?? 0].every(Number.isSafeInteger) || !isText(view)) return Effect.succeed(undefined)
      const found =
        version === undefined
          ? sql.unsafe<Found>(registry.serving(S), [view])
          : sql.unsafe<Found>(registry.generation(S), [view, bigint(version), bigint(build)])
      return Effect.map(found, ([row]) => row?.id)
    }

    // What is read is read in one statement, so it is from one moment. If the view is switched in between, it is of the
    // generation that has just served, as if it had been asked for a moment earlier; if that one is dropped too, its
    // table is gone, and the one that serves now is read.
    const read = <Row extends object>(
      from: Named,
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
    const page = (query: Query.Query): Effect.Effect<Query.Page<Schema.Json>, InvalidCursor | ViewStoreError> =>
      Effect.gen(function* () {
        const after = yield* Effect.fromResult(QueryEvaluation.decodeCursor(query))
        const found = yield* translatedOf(
          "query",
          query.view
        )(read<Record>(query, (id) => translate(S, records.tableOf(S, id), query, after)))
        const { limit = Infinity, select } = query
        const rows = found.slice(0, limit)
        return {
          rows: rows.map(({ key, state }) => ({
            key,
            state: select === undefined ? state : QueryEvaluation.selected(state, select)
          })),
          next: rows.length < found.length ? QueryEvaluation.cursorOf(query, rows.at(-1)!) : undefined
        }
      })
    const count = (query: Query.Count): Effect.Effect<number, ViewStoreError> =>
      Effect.map(
        translatedOf(
          "query",
          query.view
        )(read<{ readonly count: bigint }>(query, (id) => translateCount(S, records.tableOf(S, id), query))),
        ([row]) => Number(row?.count ?? 0)
      )
    const query = (query: Query.Query | Query.Count) => (query._tag === "Count" ? count(query) : page(query))

    return ViewStore.ViewStore.of({
      claim: (given) => {
        const refused = CommitCheck.checkClaim(given)
        if (refused !== undefined) return Effect.fail(refused)
        return translatedOf("claim", given.generation.view)(atomically(claim(given)))
      },

      commit: (given) => {
        const checked = CommitCheck.check(given)
        if ("_tag" in checked) return Effect.fail(checked)
        return translatedOf("commit", given.generation.view)(atomically(commit(checked)))
      },

      load: (from, keys) =>
        translatedOf(
          "load",
          from.view
        )(
          Effect.map(
            read<LoadedRow>(from, (id) => ({
              text: records.loadRecords(S, records.tableOf(S, id)),
              binds: [id, texts(keys.filter(isText))]
            })),
            ([first, ...rows]) => ({
              states: new Map(rows.flatMap(({ key, state, stored }) => (stored ? [[key, state]] : []))),
              parked: new Set(rows.flatMap(({ key, parked }) => (parked ? [key] : []))),
              positions: (first?.positions ?? []).map(Number)
            })
          )
        ),

      query: query as ViewStore.ViewStore["Service"]["query"],

      deadLetters: (generation, options = {}) =>
        translatedOf(
          "deadLetters",
          generation.view
        )(
          Effect.gen(function* () {
            const { after, key, limit = Infinity, parked = null } = options
            const id = yield* idOf(generation)
            if (id === undefined || ![key ?? "", after?.key ?? ""].every(isText)) return []
            const rows = yield* sql.unsafe<DeadLetterRow>(deadLetterTable.select(S), [
              id,
              bigint(after?.position),
              after?.key ?? null,
              key ?? null,
              parked,
              bigint(limit === Infinity ? undefined : limit)
            ])
            return rows.map(deadLetterOf)
          })
        ),

      deadLetterCounts: (generation) =>
        translatedOf(
          "deadLetters",
          generation.view
        )(
          Effect.gen(function* () {
            const id = yield* idOf(generation)
            if (id === undefined) return { parked: 0, skipped: 0 }
            const [counts] = yield* sql.unsafe<CountsRow>(deadLetterTable.counts(S), [id])
            return { parked: Number(counts!.parked), skipped: Number(counts!.skipped) }
          })
        ),

      status: translatedOf("status")(Effect.map(sql.unsafe<StatusRow>(registry.status(S)), statusesOf))
    })
  })

/**
 * Supplies the view store on the application's own client: one pool, and one
 * scope of transactions for both.
 *
 * @example
 * ```ts
 * import { PgViewStore } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Layer, Redacted } from "effect"
 *
 * const Database = PgClient.layer({ url: Redacted.make("postgres://postgres@localhost/postgres") })
 *
 * const Stores = PgViewStore.layer({ schema: "accounting" }).pipe(Layer.provideMerge(Database))
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<ViewStore.ViewStore, ViewStoreError, SqlClient.SqlClient> =>
  Layer.effect(ViewStore.ViewStore, make(options))

type Named = Parameters<ViewStore.ViewStore["Service"]["load"]>[0] & Partial<ViewStore.Generation>

interface Found {
  readonly id: bigint
}

interface Record {
  readonly key: string
  readonly state: Schema.Json
}

interface CountsRow {
  readonly parked: bigint
  readonly skipped: bigint
}

interface LoadedRow extends Record {
  /** In the first row only. */
  readonly positions: ReadonlyArray<bigint> | null
  readonly stored: boolean
  readonly parked: boolean
}
