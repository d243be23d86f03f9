/** The tables and functions of the Postgres adapters, and how they come into a database. */
import { EventStoreError, Reason } from "@hexfold/core"
import { Effect } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import { translated } from "./database/errors.ts"
import { drawNamespace, namespaceOf } from "./database/namespace.ts"
import { checkSchemaName, quoted } from "./database/schemaName.ts"
import { appendFunction } from "./sql/append.ts"
import { generations } from "./sql/generations.ts"
import { horizonFunctions } from "./sql/horizon.ts"
import { inline } from "./sql/inline.ts"
import { commandsByTime } from "./sql/retention.ts"
import { schema as tables } from "./migrations/events.ts"
import { views } from "./migrations/views.ts"

/** The schema that is used if none is named. */
export const defaultSchema = "hexfold"

/** The version that this library brings a schema to. */
export const latest = 5

/**
 * Brings a schema of the database up to date, and creates it if it is missing.
 * Any number of processes may do so at once: one works, the others wait.
 *
 * Fails with an `EventStoreError` (`Rejected`) if the schema is newer than this
 * library knows, without touching it, or if the name is not plain: lower-case
 * letters, digits and `_`, at most 40, beginning with a letter.
 *
 * @example
 * ```ts
 * import { PgMigrations } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Redacted } from "effect"
 *
 * const url = Redacted.make("postgres://postgres@localhost/postgres")
 *
 * PgMigrations.run("accounting").pipe(Effect.provide(PgClient.layer({ url })))
 * ```
 */
export const run = (schema: string = defaultSchema): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    yield* checkSchemaName(schema)
    const sql = yield* SqlClient.SqlClient
    yield* translated("open")(
      // "create schema if not exists" fails when two do it at once: one at a time.
      // It is not tried where the schema is there, for it needs rights on the database all the same.
      sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`select pg_advisory_xact_lock(hashtextextended(${`hexfold:${schema}`}, 0))::text`
          const present = yield* sql`select from pg_namespace where nspname = ${schema}`
          if (present.length === 0) yield* sql.unsafe(`create schema ${quoted(schema)}`)
        })
      )
    )
    yield* migrate({ table: `${schema}.migrations`, loader: Migrator.fromRecord(migrations(schema)) }).pipe(
      Effect.catchTag("MigrationError", (error) => Effect.fail(rejected(error.message, error))),
      translated("open")
    )
    yield* verify(schema)
  }).pipe(
    // What another process did while this one waited for it must be seen.
    Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED")
  )

/**
 * Makes sure that a schema is at the version which this library works with, and
 * changes nothing. Fails with an `EventStoreError` (`Rejected`) if it is not.
 */
export const verify = (schema: string = defaultSchema): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    yield* checkSchemaName(schema)
    const sql = yield* SqlClient.SqlClient
    const rows = yield* translated("open")(
      sql.unsafe<{ readonly version: number | null }>(
        `select max(migration_id) as version from ${quoted(schema)}.migrations`
      )
    )
    const version = rows[0]?.version ?? 0
    if (version !== latest) {
      return yield* rejected(
        `the schema ${schema} is at version ${version}, and this library ` +
          (version > latest ? `knows only ${latest}: use a newer one` : `needs ${latest}: migrate it`)
      )
    }
  })

const migrate = Migrator.make({})

const migrations = (schema: string): Record<string, Effect.Effect<void, unknown, SqlClient.SqlClient>> => ({
  "0001_events": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const name = quoted(schema)
    const namespace = yield* drawNamespace
    const statements = [...tables(name), appendFunction(name, namespace), ...horizonFunctions(name, namespace)]
    for (const statement of statements) yield* sql.unsafe(statement)
  }),
  "0002_retention": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql.unsafe(commandsByTime(quoted(schema)))
  }),
  "0003_views": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const statement of views(quoted(schema))) yield* sql.unsafe(statement)
  }),
  "0004_generations": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const statement of generations(quoted(schema))) yield* sql.unsafe(statement)
  }),
  "0005_inline": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const name = quoted(schema)
    const statements = [
      ...inline(name),
      `drop function ${name}.append`,
      appendFunction(name, yield* namespaceOf(schema))
    ]
    for (const statement of statements) yield* sql.unsafe(statement)
  })
})

const rejected = (detail: string, cause?: unknown) =>
  new EventStoreError({
    operation: "open",
    reason: new Reason.Rejected({ detail, ...(cause === undefined ? {} : { cause }) })
  })
