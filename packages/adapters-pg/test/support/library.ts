import type { PgClient } from "@effect/sql-pg"
import type { EventStoreError } from "@hexfold/core"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
// A test that plays another revision of the library needs the migrations and functions of this one.
// oxlint-disable no-restricted-imports
import { type Library, migrate } from "../../src/database/migrator.ts"
import { migrations } from "../../src/migrations/migrations.ts"
import * as Functions from "../../src/sql/functions.ts"
// oxlint-enable no-restricted-imports

/** This library. */
export const present: Library = { ...Functions, migrations }

/** A later library: it has one more table, and its functions have a mark. */
export const next: Library = {
  ...present,
  revision: present.revision + 1,
  migrations: [...migrations, { name: "next", statements: (schema) => [`create table ${schema}.next (n int)`] }],
  functions: (schema, namespace) =>
    present.functions(schema, namespace).map((text) => text.replaceAll("\nbegin\n", "\nbegin -- next\n"))
}

/** Brings a schema up to date in the way of a library. */
export const bring = (sql: PgClient.PgClient, schema: string, library: Library): Effect.Effect<void, EventStoreError> =>
  Effect.provideService(migrate(schema, library), SqlClient.SqlClient, sql)
