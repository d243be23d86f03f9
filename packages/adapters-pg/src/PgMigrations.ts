/** The tables and functions of the Postgres adapters, and how they come into a database. */
import type { EventStoreError } from "@hexfold/core"
import type { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { check, type Library, migrate } from "./database/migrator.ts"
import { migrations } from "./migrations/migrations.ts"
import * as Functions from "./sql/functions.ts"

/** The schema that is used if none is named. */
export const defaultSchema = "hexfold"

/** The version that this library brings a schema to: the number of migrations that it knows. */
export const latest: number = migrations.length

/** The revision of this library. It counts the changes of functions and tables. */
export const revision: number = Functions.revision

/**
 * Brings a schema of the database up to date, and creates it if it is missing.
 * Any number of processes may do so at once: one works, the others wait. A schema
 * that is up to date is not locked, and the role needs no rights to change it.
 *
 * Tables change by numbered migrations. Functions are replaced, but only by those
 * of a newer library. From migration 6 on, processes of the library before may go
 * on and restart while processes of this one run. A process of an earlier library
 * goes on until it restarts.
 *
 * Fails with an `EventStoreError` (`Rejected`), and changes nothing, in two
 * cases. The schema states that it needs a newer library than this one. The name
 * is not plain: a plain name has at most 40 lower-case letters, digits and `_`,
 * begins with a letter, and does not begin with `pg_`.
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
  migrate(schema, library)

/**
 * Makes sure that this library can use a schema as it is, and changes nothing.
 * Fails with an `EventStoreError` (`Rejected`) if the schema must be migrated
 * first, or if it needs a newer library than this one.
 *
 * @example
 * ```ts
 * import { PgMigrations } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Redacted } from "effect"
 *
 * const url = Redacted.make("postgres://postgres@localhost/postgres")
 *
 * PgMigrations.verify("accounting").pipe(Effect.provide(PgClient.layer({ url })))
 * ```
 */
export const verify = (schema: string = defaultSchema): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> =>
  check(schema, library)

const library: Library = {
  revision: Functions.revision,
  lowest: Functions.lowest,
  migrations,
  functions: Functions.functions
}
