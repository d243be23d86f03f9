import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

/**
 * Draws the upper 16 bits of the advisory locks of a schema's appends: a number
 * from 1 to 32,767, and another one for each schema of a database. So a reader of
 * one schema never takes the appends of another for its own. The drawn number is
 * the comment on the schema's function `horizon`. Runs inside the transaction
 * that makes this comment.
 */
export const drawNamespace = (sql: SqlClient.SqlClient): Effect.Effect<number, SqlError.SqlError> =>
  Effect.gen(function* () {
    yield* sql`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('hexfold namespaces', 0))::text`
    const [row] = yield* sql<{ readonly next: number }>`
      select coalesce(pg_catalog.max(substring(description from '^hexfold namespace ([0-9]+)$')::int), 0) + 1 as next
      from pg_description where classoid = 'pg_proc'::regclass and description like 'hexfold namespace %'`
    return row!.next
  })
