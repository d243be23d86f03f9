import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

/**
 * Draws the upper 16 bits of the advisory locks of a schema's appends: a number
 * from 1 to 32,767, and another one for each schema of a database. So a reader of
 * one schema never takes the appends of another for its own. The drawn number is
 * in the text of the schema's functions, and the comment on its function `horizon`.
 * A dump may come without comments, so both count. Runs inside the transaction that
 * makes these functions.
 */
export const drawNamespace = (sql: SqlClient.SqlClient): Effect.Effect<number, SqlError.SqlError> =>
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

/** The number in the text of a function that names a horizon, or null. */
export const namespaceOf = (row: string): string => `substring(${row}.prosrc from '>> 16 = ([0-9]{1,5})\\M')`
