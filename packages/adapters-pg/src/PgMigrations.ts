/** The tables and functions of the Postgres adapters, and how they come into a database. */
import type { EventStoreError } from "@hexfold/core"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import * as Indexes from "./conversations/indexes.ts"
import * as Migrator from "./database/migrator.ts"
import { checkSchemaName, quoted } from "./database/schemaName.ts"
import * as Grants from "./migrations/grants.ts"
import { migrations } from "./migrations/migrations.ts"
import * as Functions from "./sql/functions.ts"

/** The schema that is used if none is named. */
export const defaultSchema = "hexfold"

/** The version that this library brings a schema to: the number of migrations that it knows. */
export const latest: number = migrations.length

/** The revision of this library. It counts the changes of functions and tables. */
export const revision: number = Functions.revision

/** Which schema, and who may use it. */
export interface Options {
  /** The schema. `hexfold` by default. */
  readonly schema?: string
  /** The roles that get the rights of an application, see {@link grants}. None by default. */
  readonly grantTo?: string | ReadonlyArray<string>
}

/**
 * Brings a schema of the database up to date, and creates it if it is missing.
 * Any number of processes may do so at once: one works, the others wait. A schema
 * that is up to date is not locked, and the role needs no rights to change it,
 * unless it is to grant some.
 *
 * Tables change by numbered migrations. Functions are replaced, but only by those
 * of a newer library. From migration 6 on, processes of the library before may go
 * on and restart while processes of this one run. A process of an earlier library
 * goes on until it restarts.
 *
 * Fails with an `EventStoreError` (`Rejected`), and changes nothing, in three
 * cases. The schema states that it needs a newer library than this one. A role of
 * `grantTo` does not exist. The name of the schema is not plain: a plain name has at
 * most 40 lower-case letters, digits and `_`, begins with a letter, and does not
 * begin with `pg_`.
 *
 * @example
 * ```ts
 * import { PgMigrations } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Redacted } from "effect"
 *
 * const owner = PgClient.layer({ url: Redacted.make("postgres://postgres@localhost/postgres") })
 *
 * PgMigrations.run({ schema: "accounting", grantTo: "app" }).pipe(Effect.provide(owner))
 * ```
 */
export const run = (options: Options = {}): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> => {
  const { grantTo = [], schema = defaultSchema } = options
  const roles = typeof grantTo === "string" ? [grantTo] : grantTo
  return Migrator.migrate(
    schema,
    library,
    roles.flatMap((role) => grants(role, { schema }))
  )
}

/**
 * The statements that give a role the rights of an application, and no others: to
 * append and read events, and to keep the records of views. The role cannot change
 * or delete events. The owner of the schema runs them, or calls {@link run} with
 * `grantTo`, and does so again after each migration. They cover the tables of
 * views that the owner creates later.
 *
 * A new version of a view and a rebuild need a table each. With `createViews` the
 * role may create them itself. Without it, a job of the owner runs
 * `Projection.catchUp` for each new version.
 *
 * With `readOnly` the role may only read: events, the records of views, and what is
 * there for people at a database client. It gets the rights of a reader even if
 * `createViews` is set.
 *
 * @example
 * ```ts
 * import { PgMigrations } from "@hexfold/adapters-pg"
 *
 * PgMigrations.grants("app").join(";\n")
 * ```
 */
export const grants = (
  role: string,
  options: { readonly schema?: string; readonly createViews?: boolean; readonly readOnly?: boolean } = {}
): ReadonlyArray<string> => {
  const { createViews = false, readOnly = false, schema = defaultSchema } = options
  return Grants.grants({ schema: quoted(schema), role, createsViews: createViews, reads: readOnly })
}

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
 * PgMigrations.verify({ schema: "accounting" }).pipe(Effect.provide(PgClient.layer({ url })))
 * ```
 */
export const verify = (
  options: { readonly schema?: string } = {}
): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> => Migrator.check(options.schema ?? defaultSchema, library)

/**
 * Builds the indexes that a migration has left out because the log was large: that of correlation ids, without which
 * `readAll({ correlationId })` is refused. Appends and reads go on meanwhile. It does nothing if the index is there, and
 * removes what an interrupted building has left behind. It may also run before {@link run}, on a schema of an earlier
 * library.
 *
 * Run it as the owner of the schema, outside of transactions, and not through a connection pooler. It waits for the
 * transactions that are open when it begins. A log of a million events takes some seconds.
 *
 * Fails with an `EventStoreError`, for example `Rejected` inside a transaction, or if the role is not the owner.
 *
 * @example
 * ```ts
 * import { PgMigrations } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Redacted } from "effect"
 *
 * const owner = PgClient.layer({ url: Redacted.make("postgres://postgres@localhost/postgres") })
 *
 * PgMigrations.buildIndexes({ schema: "accounting" }).pipe(Effect.provide(owner))
 * ```
 */
export const buildIndexes = (
  options: { readonly schema?: string } = {}
): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> => {
  const { schema = defaultSchema } = options
  return Effect.andThen(checkSchemaName(schema), Indexes.buildIndexes(schema))
}

/**
 * Makes a copy of a schema a log of its own. A schema that was restored under another
 * name, or into a database that has one like it, has the identity of its original and
 * the number of its locks, so the event store refuses to open it. This function brings
 * it up to date and gives it an identity, a number and a history of its own. Its events
 * stay as they are. Positions of the original are refused beyond the end of the copy.
 *
 * Run it once, as the owner of the schema, while nobody appends to it. Grant the rights
 * again afterwards if the dump had none ({@link grants}).
 *
 * @example
 * ```ts
 * import { PgMigrations } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Redacted } from "effect"
 *
 * const owner = PgClient.layer({ url: Redacted.make("postgres://postgres@localhost/postgres") })
 *
 * PgMigrations.adopt({ schema: "accounting_copy" }).pipe(Effect.provide(owner))
 * ```
 */
export const adopt = (
  options: { readonly schema?: string } = {}
): Effect.Effect<void, EventStoreError, SqlClient.SqlClient> => Migrator.adopt(options.schema ?? defaultSchema, library)

const library: Migrator.Library = {
  revision: Functions.revision,
  lowest: Functions.lowest,
  migrations,
  functions: Functions.functions
}
