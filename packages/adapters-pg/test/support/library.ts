import type { PgClient } from "@effect/sql-pg"
import type { EventStoreError } from "@hexfold/core"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
// No user can be an older or a newer library than the one that is installed; only here does a test need the inside.
// oxlint-disable no-restricted-imports
import { type Library, migrate } from "../../src/database/migrator.ts"
import { migrations } from "../../src/migrations/migrations.ts"
import * as Functions from "../../src/sql/functions.ts"
// oxlint-enable no-restricted-imports

/** The library as it is. */
export const present: Library = { ...Functions, migrations }

/** A library after this one: it has one more table, and marks its functions. */
export const next: Library = {
  ...present,
  revision: present.revision + 1,
  migrations: [...migrations, { name: "next", statements: (schema) => [`create table ${schema}.next (n int)`] }],
  functions: (schema, namespace) =>
    present.functions(schema, namespace).map((text) => text.replaceAll("\nbegin\n", "\nbegin -- next\n"))
}

/** Brings a schema up to date as a library does. */
export const bring = (sql: PgClient.PgClient, schema: string, library: Library): Effect.Effect<void, EventStoreError> =>
  Effect.provideService(migrate(schema, library), SqlClient.SqlClient, sql)
