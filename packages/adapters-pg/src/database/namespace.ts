import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Draws the upper 16 bits of the advisory locks of a schema's appends: 1 to
 * 32,767, another one for each schema of a database, so that readers of one
 * never take the appends of another for theirs. It is remembered as the comment
 * of the schema's function `horizon`. Runs inside a transaction.
 */
export const drawNamespace = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`select pg_advisory_xact_lock(hashtextextended('hexfold namespaces', 0))::text`
  const [row] = yield* sql<{ readonly next: number }>`
    select coalesce(max(substring(description from '^hexfold namespace ([0-9]+)$')::int), 0) + 1 as next
    from pg_description where classoid = 'pg_proc'::regclass and description like 'hexfold namespace %'`
  return String(row!.next)
})

/** The one that was drawn for a schema. */
export const namespaceOf = (schema: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ readonly namespace: string }>`
      select substring(description from '[0-9]+$') as namespace from pg_description
      join pg_proc on pg_proc.oid = objoid and classoid = 'pg_proc'::regclass
      join pg_namespace on pg_namespace.oid = pronamespace
      where nspname = ${schema} and description like 'hexfold namespace %'`
    return row!.namespace
  })
