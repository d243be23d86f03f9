/** The view store on Postgres, 14 and later: a table for each generation of a view. */
import { PgTypes } from "@effect/sql-pg"
import { CommitCheck, Fenced, Query, ViewStore, ViewStoreError } from "@hexfold/core"
import { Duration, Effect, Layer, type Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { array } from "./internal/binds.ts"
import { translatedOf } from "./internal/errors.ts"
import { type Statement, translate, translateCount } from "./internal/queryTranslator.ts"
import { quoted } from "./internal/schemaName.ts"
import * as PgMigrations from "./PgMigrations.ts"
import * as records from "./sql/records.ts"
import * as registry from "./sql/views.ts"

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
 * of the generation up until its end. The first claim of a generation creates
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

    // Beside others that do the same one creates the table, and they see it once they have the lock.
    const create = ({ generation: { version, view }, indexes = [] }: ViewStore.Claim) =>
      Effect.gen(function* () {
        yield* sql.unsafe(registry.lockView, [name, view])
        const [created] = yield* sql.unsafe<Generation>(registry.register(S), [view, BigInt(version)])
        if (created === undefined) return
        yield* sql.unsafe(records.createTable(S, created.id))
        for (const paths of indexes) yield* sql.unsafe(records.createIndex(S, created.id, paths))
      })

    const claimed = (claim: ViewStore.Claim): Effect.Effect<ViewStore.Claimed, SqlError.SqlError> =>
      Effect.gen(function* () {
        const { generation, owner } = claim
        const at = [generation.view, BigInt(generation.version)]
        const lease = Math.min(Math.max(Duration.toSeconds(claim.lease), 0), longestLease)
        const [owned] = yield* sql.unsafe<Owned>(registry.claim(S), [...at, owner, lease])
        if (owned !== undefined) {
          return { _tag: "Owned", epoch: Number(owned.epoch), position: Number(owned.position) } as const
        }
        const [held] = yield* sql.unsafe<Generation>(registry.generation(S), at)
        if (held !== undefined) return { _tag: "Held", by: held.owner } as const
        yield* create(claim)
        return yield* claimed(claim)
      })

    // Correct beside others: (1) who claims a generation or commits to it locks its row first, so from the check to the
    // end of the transaction its epoch and position stay. (2) Records are written behind that lock. (3) Who switches locks
    // all rows of the view from the first on: one does at a time, without deadlock, and sees who has switched before.
    const commit = ({ epoch, from, generation, put, remove, serve = false, to }: ViewStore.Commit) =>
      Effect.gen(function* () {
        const { version, view } = generation
        const locked = yield* sql.unsafe<Locked>(registry.lockGenerations(S), [view, BigInt(version), serve])
        const stored = locked.find((row) => Number(row.version) === version)
        const actual = { epoch: Number(stored?.epoch ?? 0), position: Number(stored?.position ?? 0) }
        if (stored === undefined || actual.epoch !== epoch || actual.position !== from) {
          return yield* new Fenced({ view, version, expected: { epoch, position: from }, actual })
        }
        const table = records.tableOf(S, stored.id)
        if (put.length > 0) {
          const states = array(
            put.map(({ state }) => state),
            PgTypes.OID.jsonb
          )
          yield* sql.unsafe(records.putRecords(table), [texts(put.map(({ key }) => key)), states])
        }
        if (remove.length > 0) yield* sql.unsafe(records.removeRecords(table), [texts(remove)])
        yield* sql.unsafe(registry.advance(S), [stored.id, BigInt(to)])
        if (serve) {
          yield* sql.unsafe(registry.stopServing(S), [view, stored.version])
          yield* sql.unsafe(registry.serve(S), [view, stored.version])
        }
      })

    // Its records are read in one statement, so they are from one moment. If the view is switched in between, they are
    // those of the generation that has just served, as if they had been asked for a moment earlier.
    const tableOf = ({ version, view }: { readonly view: string; readonly version?: number }) => {
      if (!isText(view) || (version !== undefined && !Number.isSafeInteger(version))) return Effect.succeed(undefined)
      const found =
        version === undefined
          ? sql.unsafe<Generation>(registry.serving(S), [view])
          : sql.unsafe<Generation>(registry.generation(S), [view, BigInt(version)])
      return Effect.map(found, ([row]) => (row === undefined ? undefined : records.tableOf(S, row.id)))
    }
    const read = <Row extends object>(view: string, statement: (table: string) => Statement) =>
      translatedOf(
        "query",
        view
      )(
        Effect.flatMap(tableOf({ view }), (table): Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError> => {
          if (table === undefined) return Effect.succeed([])
          const { binds, text } = statement(table)
          return sql.unsafe<Row>(text, binds)
        })
      )
    const page = (query: Query.Query): Effect.Effect<Query.Page<Schema.Json>, Query.InvalidCursor | ViewStoreError> =>
      Effect.gen(function* () {
        const after = yield* Effect.fromResult(Query.decodeCursor(query))
        const found = yield* read<Record>(query.view, (table) => translate(S, table, query, after))
        const { limit = Infinity, select } = query
        const rows = found.slice(0, limit)
        return {
          rows: rows.map(({ key, state }) => ({
            key,
            state: select === undefined ? state : Query.selected(state, select)
          })),
          next: rows.length < found.length ? Query.cursorOf(query, rows.at(-1)!) : undefined
        }
      })
    const count = (query: Query.Count): Effect.Effect<number, ViewStoreError> =>
      Effect.map(
        read<{ readonly count: bigint }>(query.view, (table) => translateCount(S, table, query)),
        ([row]) => Number(row?.count ?? 0)
      )
    const query = (query: Query.Query | Query.Count) => (query._tag === "Count" ? count(query) : page(query))

    return ViewStore.ViewStore.of({
      claim: (given) => {
        const refused = CommitCheck.checkClaim(given)
        if (refused !== undefined) return Effect.fail(refused)
        return translatedOf("claim", given.generation.view)(atomically(claimed(given)))
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
          Effect.gen(function* () {
            const table = yield* tableOf(from)
            const wanted = keys.filter(isText)
            if (table === undefined || wanted.length === 0) return new Map<string, Schema.Json>()
            const found = yield* sql.unsafe<Record>(records.loadRecords(table), [texts(wanted)])
            return new Map(found.map(({ key, state }) => [key, state]))
          })
        ),

      query: query as ViewStore.ViewStore["Service"]["query"],

      status: translatedOf("status")(
        Effect.map(sql.unsafe<StatusRow>(registry.status(S)), (rows) =>
          rows.map(({ epoch, owner, position, serves, version, view }) => ({
            view,
            version: Number(version),
            epoch: Number(epoch),
            position: Number(position),
            owner: owner ?? undefined,
            serves
          }))
        )
      )
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

// A thousand years, in seconds: what the server can add to its clock.
const longestLease = 1_000 * 365 * 86_400

interface Generation {
  readonly id: bigint
  readonly owner: string
}

interface Owned {
  readonly epoch: bigint
  readonly position: bigint
}

interface Locked extends Owned {
  readonly id: bigint
  readonly version: bigint
}

interface StatusRow extends Owned {
  readonly view: string
  readonly version: bigint
  readonly serves: boolean
  readonly owner: string | null
}

interface Record {
  readonly key: string
  readonly state: Schema.Json
}

const texts = (values: ReadonlyArray<string>) => array(values, PgTypes.OID.text)

// Nothing that is stored has another name.
const isText = (text: string): boolean => text.isWellFormed() && !text.includes("\0")
