import { EventStoreError, Reason } from "@hexfold/core"
import { Effect } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { detailOf, isForbidden, isWaitOver, translated } from "./errors.ts"
import { drawNamespace } from "./namespace.ts"
import { checkVisible } from "./logChecks.ts"
import { checkSchemaName, quoted } from "./schemaName.ts"
import { transactionOf } from "./transactions.ts"

/** What a library makes of a schema. */
export interface Library {
  /** The revision of the library: it counts the changes of functions and tables. */
  readonly revision: number
  /** The lowest revision that can use the schema as this library leaves it. */
  readonly lowest: number
  /** The migrations, the first one is number 1. */
  readonly migrations: ReadonlyArray<{
    readonly name: string
    readonly statements: (schema: string) => ReadonlyArray<string>
  }>
  /** The statements that create or replace the functions. */
  readonly functions: (schema: string, namespace: number) => ReadonlyArray<string>
}

/**
 * Brings a schema up to date. The tables come first, by numbered migrations; then
 * the functions are replaced, but only by those of a higher revision. A schema
 * that a newer library has brought up to date is left as it is.
 *
 * No limit of the database or the role in time applies to a migration.
 *
 * Nothing is locked or written if the schema is up to date, so the role needs no
 * rights to change it then. Otherwise all happens in one transaction, which
 * excludes those of other processes. The same holds for the statements that grant
 * rights: they run whether or not the schema is up to date.
 */
export const migrate = (
  name: string,
  library: Library,
  granting: ReadonlyArray<string> = []
): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    yield* checkSchemaName(name)
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const schema = quoted(name)
    yield* checkVisible(sql, name)
    // "create schema if not exists" and "grant" fail when two processes run them at once.
    const alone = sql`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${`hexfold:${name}`}, 0))::text`
    const grant = Effect.forEach(granting, (statement) => sql.unsafe(statement), { discard: true })
    const inTransaction = <A, E>(effect: Effect.Effect<A, E>) =>
      transactionOf(sql)(withOwnPath(sql)(Effect.andThen(sql.unsafe(withoutLimits), Effect.andThen(alone, effect))))
    // This read waits for a migration that is under way. If a limit of the database ends it, the transaction waits instead.
    const found = yield* stateOf(sql, name).pipe(Effect.catchIf(isWaitOver, () => Effect.succeed(undefined)))
    if (found !== undefined) {
      yield* checkLowest(name, library, found)
      if (isUpToDate(library, found)) {
        return yield* granting.length === 0 ? Effect.void : inTransaction(grant)
      }
    }
    const [server] = yield* sql.unsafe<{ readonly isStandby: boolean }>(
      'select pg_catalog.pg_is_in_recovery() as "isStandby"'
    )
    if (server!.isStandby) {
      return yield* rejected(`the schema ${name} must be migrated, and the server is a standby: connect to the primary`)
    }
    yield* inTransaction(
      Effect.gen(function* () {
        if (found === undefined && isUpToDate(library, yield* stateOf(sql, name))) return yield* grant
        const present = yield* sql`select from pg_namespace where nspname = ${name}`
        if (present.length === 0) yield* sql.unsafe(`create schema ${schema}`)
        yield* sql.unsafe(`create table if not exists ${schema}.migrations (
          migration_id integer primary key,
          created_at timestamp with time zone not null default pg_catalog.now(),
          name text not null
        )`)
        // Readers wait for the end, and see the schema as it was before or as it is after.
        yield* sql.unsafe(`lock table ${schema}.migrations in access exclusive mode`)
        const { version } = yield* stateOf(sql, name)
        for (const [i, { name, statements }] of library.migrations.entries()) {
          if (i < version) continue
          for (const statement of statements(schema)) yield* sql.unsafe(statement)
          yield* sql.unsafe(`insert into ${schema}.migrations (migration_id, name) values ($1, $2)`, [i + 1, name])
        }
        const state = yield* stateOf(sql, name)
        yield* checkLowest(name, library, state)
        if (state.functions < library.revision) {
          yield* replaceFunctions(sql, schema, library, state.namespace ?? (yield* drawNamespace(sql)))
        }
        yield* grant
      })
    )
  }).pipe(withoutRights, translated("open"))

const replaceFunctions = (sql: SqlClient.SqlClient, schema: string, library: Library, namespace: number) =>
  Effect.gen(function* () {
    for (const statement of library.functions(schema, namespace)) yield* sql.unsafe(statement)
    yield* sql.unsafe(
      `update ${schema}.revisions set functions = $1, lowest = greatest(lowest, $2::int), lock_namespace = $3`,
      [library.revision, library.lowest, namespace]
    )
  })

/**
 * Makes a schema, which was restored beside its original or under another name, a log of
 * its own: with an identity, a history, and a number for its locks.
 */
export const adopt = (name: string, library: Library): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    yield* migrate(name, library)
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const schema = quoted(name)
    const adopting = Effect.gen(function* () {
      yield* sql.unsafe(withoutLimits)
      yield* sql.unsafe(`lock table ${schema}.migrations in access exclusive mode`)
      const state = yield* stateOf(sql, name)
      if (state.functions > library.revision) {
        return yield* rejected(
          `the functions of the schema ${name} have revision ${state.functions}, and this library has ${library.revision}: ` +
            "adopt it with the library that they come from"
        )
      }
      yield* replaceFunctions(sql, schema, library, yield* drawNamespace(sql))
      yield* sql.unsafe(`update ${schema}.log set id = pg_catalog.gen_random_uuid(), name = $1`, [name])
      yield* sql.unsafe(`select ${schema}.begin_history(null)`)
    })
    yield* transactionOf(sql)(withOwnPath(sql)(adopting))
  }).pipe(withoutRights, translated("open"))

const withoutLimits = `select pg_catalog.set_config(name, '0', true) from pg_catalog.pg_settings
  where name in ('lock_timeout', 'statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`

/**
 * Looks names up in Postgres' own schema alone while a schema is migrated. So a role
 * that may create objects elsewhere cannot lead the migration astray, and nothing
 * of it gets into a definition. A caller's transaction gets its own path back.
 */
const withOwnPath =
  (sql: SqlClient.SqlClient) =>
  <A, E, R>(migrating: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    Effect.gen(function* () {
      const set = (path: string) => sql.unsafe("select pg_catalog.set_config('search_path', $1, true)", [path])
      const [row] = yield* sql.unsafe<{ readonly path: string }>(
        "select pg_catalog.current_setting('search_path') as path"
      )
      yield* set("pg_catalog, pg_temp")
      const migrated = yield* migrating
      yield* set(row!.path)
      return migrated
    })

/** Makes sure that a library can use a schema as it is, and changes nothing. */
export const check = (name: string, library: Library): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    yield* checkSchemaName(name)
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    yield* checkVisible(sql, name)
    const found = yield* stateOf(sql, name)
    yield* checkLowest(name, library, found)
    const latest = library.migrations.length
    if (found.version < latest) {
      return yield* rejected(
        `the schema ${name} is at version ${found.version}, and this library needs ${latest}: migrate it`
      )
    }
    if (found.functions < library.revision) {
      return yield* rejected(
        `the functions of the schema ${name} have revision ${found.functions}, ` +
          `and this library needs ${library.revision}: migrate it`
      )
    }
  }).pipe(withoutRights, translated("open"))

interface State {
  /** The number of the last migration, 0 for a schema that has had none. */
  readonly version: number
  readonly functions: number
  readonly lowest: number
  readonly namespace: number | undefined
}

const stateOf = (sql: SqlClient.SqlClient, name: string): Effect.Effect<State, SqlError.SqlError> =>
  Effect.gen(function* () {
    const schema = quoted(name)
    const has = (table: string) =>
      Effect.map(
        sql.unsafe<{ readonly has: boolean }>("select pg_catalog.to_regclass($1) is not null as has", [
          `${schema}.${table}`
        ]),
        ([row]) => row!.has
      )
    const [last] = (yield* has("migrations"))
      ? yield* sql.unsafe<{ readonly version: number | null }>(
          `select pg_catalog.max(migration_id) as version from ${schema}.migrations`
        )
      : []
    // Asked after the read of `migrations`, which waits for a migration that is under way: it may create this table.
    const [row] = (yield* has("revisions"))
      ? yield* sql.unsafe<Omit<State, "version" | "namespace"> & { readonly namespace: number | null }>(
          `select functions, lowest, lock_namespace as namespace from ${schema}.revisions`
        )
      : []
    return {
      version: last?.version ?? 0,
      functions: row?.functions ?? 0,
      lowest: row?.lowest ?? 0,
      namespace: row?.namespace ?? undefined
    }
  })

const isUpToDate = ({ migrations, revision }: Library, { functions, version }: State): boolean =>
  version >= migrations.length && functions >= revision

const checkLowest = (
  name: string,
  { migrations, revision }: Library,
  { lowest, version }: State
): Effect.Effect<void, EventStoreError> => {
  if (revision >= lowest) return Effect.void
  const latest = migrations.length
  const newer = version > latest ? ` is at version ${version}, and this library knows only ${latest}: it` : ""
  return rejected(
    `the schema ${name}${newer} needs a library of revision ${lowest} or later, and this one has revision ${revision}`
  )
}

const rejected = (detail: string, cause?: unknown) =>
  Effect.fail(
    new EventStoreError({
      operation: "open",
      reason: new Reason.Rejected({ detail, ...(cause === undefined ? {} : { cause }) })
    })
  )

const withoutRights = <A, R>(
  opening: Effect.Effect<A, EventStoreError | SqlError.SqlError, R>
): Effect.Effect<A, EventStoreError | SqlError.SqlError, R> =>
  opening.pipe(
    Effect.catch((error) =>
      SqlError.isSqlError(error) && isForbidden(error)
        ? rejected(
            `${detailOf(error)}: this role may not do it. Let the owner of the schema run PgMigrations.run, ` +
              "and grant the rights again after a migration (PgMigrations.grants)",
            error
          )
        : Effect.fail(error)
    )
  )
