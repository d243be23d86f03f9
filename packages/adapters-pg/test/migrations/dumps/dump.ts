/** A dump of a schema as SQL text, made from the catalog: the embedded server comes without pg_dump. */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"

/**
 * Writes a schema and all that it holds as statements for an empty database.
 *
 * Tables come before the functions that name them, rows before the constraints
 * and triggers that would refuse or slow them.
 */
export const dump = (sql: SqlClient.SqlClient, schema: string): Effect.Effect<string, SqlError.SqlError> =>
  Effect.gen(function* () {
    const texts = (statement: string) =>
      Effect.map(sql.unsafe<{ readonly text: string | null }>(statement, [schema]), (rows) =>
        rows.flatMap(({ text }) => text ?? [])
      )
    const tables = yield* texts(
      `select c.relname as text ${from("pg_class c", "c.relnamespace")} and relkind = 'r' order by c.oid`
    )
    const rows = yield* Effect.forEach(tables, (table) =>
      Effect.map(
        sql.unsafe<{ readonly text: string | null }>(
          // A value of the type json has no order.
          `select jsonb_agg(to_jsonb(t) order by ${table === "snapshots" ? "key, fingerprint" : "t"})::text as text from "${schema}"."${table}" t`
        ),
        ([row]) => {
          const values = row?.text ?? null
          if (values === null) return []
          const name = `"${schema}"."${table}"`
          const records = `jsonb_populate_recordset(null::${name}, ${literal(values)})`
          return [`insert into ${name} overriding system value\nselect * from ${records}`]
        }
      )
    )
    const statements = [
      "set local check_function_bodies = off",
      `create schema "${schema}"`,
      ...(yield* texts(tableDefinitions)),
      ...(yield* texts(sequenceDefinitions)),
      ...(yield* texts(
        `select pg_get_functiondef(p.oid) as text ${from("pg_proc p", "p.pronamespace")} order by p.oid`
      )),
      ...rows.flat(),
      ...(yield* texts(constraintDefinitions)),
      ...(yield* texts(indexDefinitions)),
      ...(yield* texts(
        `select pg_get_triggerdef(t.oid) as text ${from("pg_trigger t join pg_class c on c.oid = tgrelid", "c.relnamespace")}
         and not tgisinternal order by t.oid`
      )),
      ...(yield* texts(
        `select format('create view %I.%I as%s%s', $1::text, relname, E'\\n', pg_get_viewdef(c.oid)) as text
         ${from("pg_class c", "c.relnamespace")} and relkind = 'v' order by c.oid`
      )),
      ...(yield* texts(
        `select format('select setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
           coalesce(last_value, start_value), last_value is not null) as text
         from pg_sequences where schemaname = $1 order by sequencename`
      )),
      ...(yield* texts(comments))
    ]
    return statements.map((statement) => `${statement.trim()};\n`).join(separator)
  })

/** Executes a dump in one transaction. */
export const restore = (sql: SqlClient.SqlClient, dumped: string): Effect.Effect<void, SqlError.SqlError> =>
  sql.withTransaction(Effect.forEach(dumped.split(separator), (statement) => sql.unsafe(statement), { discard: true }))

// A comment of SQL, so that psql can read a dump too.
const separator = "--\n"

const from = (relation: string, namespace: string): string =>
  `from ${relation} join pg_namespace n on n.oid = ${namespace} where n.nspname = $1`

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const tableDefinitions = `
select format(E'create%s table %I.%I (\\n%s\\n)%s', case when relpersistence = 'u' then ' unlogged' end, $1::text, relname, columns,
  coalesce(' with (' || array_to_string(reloptions, ', ') || ')', '')) as text
from (
  select c.oid, c.relname, c.relpersistence, c.reloptions, string_agg(
    format('  %I %s%s%s%s', attname, format_type(atttypid, atttypmod),
      case when collname is not null and attcollation <> t.typcollation then format(' collate %I', collname) end,
      case when attnotnull then ' not null' end,
      case when attidentity = 'a' then format(' generated always as identity (sequence name %s)', pg_get_serial_sequence(c.oid::regclass::text, attname))
        else ' default ' || pg_get_expr(adbin, adrelid) end),
    E',\\n' order by attnum) as columns
  ${from(
    `pg_class c join pg_attribute on attrelid = c.oid and attnum > 0 and not attisdropped
    join pg_type t on t.oid = atttypid left join pg_collation on pg_collation.oid = attcollation
    left join pg_attrdef on adrelid = c.oid and adnum = attnum`,
    "c.relnamespace"
  )} and c.relkind = 'r'
  group by c.oid, c.relname, c.relpersistence, c.reloptions
) as tables order by oid`

const sequenceDefinitions = `
select format('create sequence %I.%I%s', $1::text, c.relname,
  case when seqmin <> 1 then format(' minvalue %s start %s', seqmin, seqstart) end) as text
${from("pg_class c join pg_sequence q on q.seqrelid = c.oid", "c.relnamespace")} and relkind = 'S'
  and not exists (select from pg_depend where objid = c.oid and classid = 'pg_class'::regclass and deptype = 'i')
order by c.oid`

// Not null is said by the column. A foreign key comes after the key that it names.
const constraintDefinitions = `
select format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(c.oid)) as text
${from("pg_constraint c", "c.connamespace")} and conrelid <> 0 and contype in ('p', 'u', 'c', 'f')
order by contype = 'f', c.oid`

const indexDefinitions = `
select pg_get_indexdef(c.oid) as text ${from("pg_class c", "c.relnamespace")} and relkind = 'i'
  and not exists (select from pg_constraint where conindid = c.oid)
order by c.oid`

const comments = `
select format('comment on %s %s is %L', kind, name, description) as text from (
  select 'function' as kind, objoid::regprocedure::text as name, description
  ${from("pg_description join pg_proc p on p.oid = objoid and classoid = 'pg_proc'::regclass", "p.pronamespace")}
  union all
  select case when objsubid > 0 then 'column' when relkind = 'v' then 'view' when relkind = 'S' then 'sequence' else 'table' end,
    concat_ws('.', objoid::regclass::text, quote_ident(attname)), description
  ${from(
    `pg_description join pg_class c on c.oid = objoid and classoid = 'pg_class'::regclass
    left join pg_attribute a on attrelid = objoid and attnum = objsubid and objsubid > 0`,
    "c.relnamespace"
  )}
) as commented order by kind, name`
