import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlError } from "effect/sql"

/** What of a schema has no comment: its tables, views, sequences and functions, and the columns of tables and views. */
export const uncommented = (
  sql: PgClient.PgClient,
  schema: string
): Effect.Effect<ReadonlyArray<string>, SqlError.SqlError> =>
  Effect.map(
    sql.unsafe<{ readonly name: string }>(
      `select c.oid::regclass::text as name from pg_class c
       where relnamespace = $1::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'f') and obj_description(c.oid, 'pg_class') is null
       union all
       select c.oid::regclass::text || '.' || attname from pg_class c join pg_attribute a on attrelid = c.oid
       where relnamespace = $1::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') and attnum > 0 and not attisdropped
         and col_description(c.oid, attnum) is null
       union all
       select oid::regprocedure::text from pg_proc where pronamespace = $1::regnamespace and obj_description(oid, 'pg_proc') is null
       order by 1`,
      [schema]
    ),
    (rows) => rows.map(({ name }) => name)
  )
