import { EventStoreError, Reason } from "@hexfold/core"
import { Effect } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { namespaceOf } from "../sql/horizon.ts"
import { detailOf, isForbidden, isWaitOver, translated } from "./errors.ts"
import { checkVisible } from "./logChecks.ts"
import { migrationLocks } from "./migrationLocks.ts"
import { checkSchemaName, quoted } from "./schemaName.ts"
import { transactionOf, whetherJoined } from "./transactions.ts"

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
    /** The tables of earlier migrations for whose locks appends would wait. */
    readonly locks?: ReadonlyArray<string>
  }>
  /** The statements that create or replace the functions. */
  readonly functions: (schema: string, namespace: number) => ReadonlyArray<string>
}

/**
 * Brings a schema up to date. The tables come first, by numbered migrations; then
 * the functions are replaced, but only by those of a higher revision. A schema
 * that a newer library has brought up to date is left as it is.
 *
 * No limit of the database or the role in time applies to a migration. Appends wait
 * for it only briefly, see `migrationLocks.ts`.
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
    const locks = migrationLocks(sql, name)
    const grant = Effect.forEach(granting, (statement) => sql.unsafe(statement), { discard: true })
    // "create schema if not exists" and "grant" fail when two processes run them at once.
    const alone = <A, E>(effect: Effect.Effect<A, E>) =>
      inTransaction(sql)(Effect.andThen(locks.alone(`the migration of the schema ${name}`), effect))
    const found = yield* firstLook(sql, name)
    if (found !== undefined) {
      yield* checkLowest(name, library, found)
      if (isUpToDate(library, found)) return yield* granting.length === 0 ? Effect.void : alone(grant)
    }
    const [server] = yield* sql.unsafe<{ readonly isStandby: boolean }>(
      'select pg_catalog.pg_is_in_recovery() as "isStandby"'
    )
    if (server!.isStandby) {
      return yield* rejected(`the schema ${name} must be migrated, and the server is a standby: connect to the primary`)
    }
    yield* alone(
      Effect.gen(function* () {
        // Another process may have migrated the schema meanwhile. From here on none does.
        const before = yield* stateOf(sql, name)
        yield* checkLowest(name, library, before)
        if (isUpToDate(library, before)) return yield* grant
        const pending = library.migrations.slice(before.version)
        // Readers of the version wait for the end of a try, and see the schema as it was before or as it is after.
        const locked = new Set(pending.flatMap((migration) => migration.locks ?? []))
        const tables = ["migrations", ...(yield* Effect.filter([...locked], (table) => has(sql, name, table)))]
        const changes = pending.length === 0 ? "its functions" : pending.map((migration) => migration.name).join(", ")
        const work = (lock: Effect.Effect<void, SqlError.SqlError>) =>
          Effect.gen(function* () {
            const present = yield* sql`select from pg_namespace where nspname = ${name}`
            if (present.length === 0) yield* sql.unsafe(`create schema ${schema}`)
            yield* sql.unsafe(`create table if not exists ${schema}.migrations (
            migration_id integer primary key,
            created_at timestamp with time zone not null default pg_catalog.now(),
            name text not null
          )`)
            yield* lock
            for (const [i, migration] of pending.entries()) {
              for (const statement of migration.statements(schema)) yield* sql.unsafe(statement)
              const row = [before.version + i + 1, migration.name]
              yield* sql.unsafe(`insert into ${schema}.migrations (migration_id, name) values ($1, $2)`, row)
            }
            const state = yield* stateOf(sql, name)
            yield* checkLowest(name, library, state)
            // A database between two releases may have other functions of the same revision, and tables get new columns.
            if (state.functions < library.revision || (pending.length > 0 && state.functions === library.revision)) {
              yield* replaceFunctions(sql, schema, library, state.namespace ?? (yield* drawNamespace(sql)))
            }
            yield* grant
          })
        yield* locks.patiently(`the migration of the schema ${name} (${changes})`, tables, work)
      })
    )
  }).pipe(withoutRights, translated("open"))

/**
 * Draws the upper 16 bits of the advisory locks of a schema's appends: a number
 * from 1 to 32,767, and another one for each schema of a database. So a reader of
 * one schema never takes the appends of another for its own. The drawn number is
 * in the text of the schema's functions, and the comment on its function `horizon`.
 * A dump may come without comments, so both count. Runs inside the transaction that
 * makes these functions.
 */
const drawNamespace = (sql: SqlClient.SqlClient): Effect.Effect<number, SqlError.SqlError> =>
  Effect.gen(function* () {
    yield* sql`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('hexfold namespaces', 0))::text`
    const [row] = yield* sql.unsafe<{ readonly next: number }>(`
      select greatest(
        (select pg_catalog.max(substring(description from '^hexfold namespace ([0-9]+)$')::int)
         from pg_catalog.pg_description
         where classoid = 'pg_catalog.pg_proc'::regclass and description like 'hexfold namespace %'),
        (select pg_catalog.max(${namespaceOf("p")}::int) from pg_catalog.pg_proc p where p.proname in ('horizon', 'horizon_2')),
        0) + 1 as next`)
    return row!.next
  })

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
    const what = `the adoption of the schema ${name}`
    const locks = migrationLocks(sql, name)
    const adopting = (lock: Effect.Effect<void, SqlError.SqlError>) =>
      Effect.gen(function* () {
        yield* lock
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
    yield* inTransaction(sql)(Effect.andThen(locks.alone(what), locks.patiently(what, ["migrations"], adopting)))
  }).pipe(withoutRights, translated("open"))

/**
 * Runs a migration in a transaction of its own, in which no limit in time applies. Names
 * are looked up in Postgres' own schema alone. So a role that may create objects
 * elsewhere cannot lead the migration astray, and nothing of it gets into a definition.
 * A caller's transaction gets its own settings back.
 */
const inTransaction =
  (sql: SqlClient.SqlClient) =>
  <A, E>(migrating: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> => {
    const set = (name: string, value: string) => sql.unsafe("select pg_catalog.set_config($1, $2, true)", [name, value])
    return transactionOf(sql)(
      Effect.gen(function* () {
        const [row] = yield* sql.unsafe<{ readonly path: string }>(
          "select pg_catalog.current_setting('search_path') as path"
        )
        yield* set("search_path", "pg_catalog, pg_temp")
        const limits = yield* sql.unsafe<{ readonly name: string; readonly before: string }>(currentLimits)
        for (const { name } of limits) yield* set(name, "0")
        const migrated = yield* migrating
        for (const { before, name } of limits) yield* set(name, before)
        yield* set("search_path", row!.path)
        return migrated
      })
    )
  }

const currentLimits = `select name, pg_catalog.current_setting(name) as before from pg_catalog.pg_settings
  where name in ('lock_timeout', 'statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
  order by name <> 'statement_timeout'`

/** Makes sure that a library can use a schema as it is, and changes nothing. */
export const check = (name: string, library: Library): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    yield* checkSchemaName(name)
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    yield* checkVisible(sql, name)
    let found = yield* firstLook(sql, name)
    if (found === undefined || !isUpToDate(library, found)) {
      // Another process may be migrating it. No migration is under way while the lock is held.
      const { alone } = migrationLocks(sql, name)
      found = yield* inTransaction(sql)(
        Effect.andThen(alone(`the check of the schema ${name}`, true), stateOf(sql, name))
      )
    }
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
    const [last] = (yield* has(sql, name, "migrations"))
      ? yield* sql.unsafe<{ readonly version: number | null }>(
          `select pg_catalog.max(migration_id) as version from ${schema}.migrations`
        )
      : []
    // Asked after the read of `migrations`, which waits for a migration that is under way: it may create this table.
    const [row] = (yield* has(sql, name, "revisions"))
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

/**
 * The state of a schema, read under the limits of the role. It is undefined if a limit ends the read, for example because
 * a migration holds the table: it must then be read again in a transaction without limits. A savepoint keeps a caller's
 * transaction usable.
 */
const firstLook = (sql: SqlClient.SqlClient, name: string) =>
  whetherJoined(sql, (joined) => (joined ? transactionOf(sql)(stateOf(sql, name)) : stateOf(sql, name))).pipe(
    Effect.catchIf(isWaitOver, () => Effect.succeed(undefined))
  )

// `to_regclass` refuses a role without rights on the schema, but it may still miss a table that another process has made
// while this transaction waited for a lock. A read of the catalog sees it.
const has = (sql: SqlClient.SqlClient, name: string, table: string): Effect.Effect<boolean, SqlError.SqlError> =>
  Effect.map(
    sql.unsafe<{ readonly has: boolean }>(
      `select pg_catalog.to_regclass($3) is not null or exists (
         select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where n.nspname = $1::text and c.relname = $2::text) as has`,
      [name, table, `${quoted(name)}.${table}`]
    ),
    ([row]) => row!.has
  )

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
