import { EventStoreError, Reason, ViewStoreError } from "@hexfold/core"
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { namespaceOf } from "../sql/horizon.ts"
import { quoted } from "./schemaName.ts"

/**
 * Makes sure that a schema holds the log that the process knows, whole and alone, and returns its identity. It is asked
 * again in each history of the log.
 */
export type CheckLog = (
  operation: EventStoreError["operation"]
) => Effect.Effect<string, EventStoreError | SqlError.SqlError>

/**
 * Checks a schema, and refuses what the process must not serve: another log than the
 * one that it began with, a sequence below the last position, a copy beside its
 * original, a schema that shares the number of its locks with an older one.
 */
export const checkLog = (sql: SqlClient.SqlClient, name: string): CheckLog => {
  let known: string | undefined
  return (operation) =>
    Effect.gen(function* () {
      if (known !== undefined) yield* checkVisible(sql, name, operation)
      const [log] = yield* sql.unsafe<LogRow>(logOf(quoted(name)), [name])
      const refuse = (detail: string) =>
        Effect.fail(new EventStoreError({ operation, reason: new Reason.Rejected({ detail }) }))
      if (log === undefined) return yield* refuse(`the schema ${name} has no identity: its table "log" is empty`)
      if (known !== undefined && known !== log.id) {
        return yield* refuse(
          `the schema ${name} holds another log than this process began with: ${log.id} instead of ${known}. ` +
            "Connect to the former one, or restart the process"
        )
      }
      if (log.name !== name) {
        const copies = yield* copiesOf(sql, log.id, name)
        if (copies.length > 0) {
          return yield* refuse(
            `the schema ${name} is a copy of the log of ${copies.join(", ")}, made in the schema ${log.name}. ` +
              adopt(name)
          )
        }
      }
      if (log.sharing !== null) {
        return yield* refuse(
          `the schemas ${log.sharing} and ${name} have the same number for the locks of their appends, so they would hold ` +
            `up each other's readers. ${adopt(name)}`
        )
      }
      return (known = log.id)
    })
}

const adopt = (name: string): string =>
  `While nobody uses ${name}, make it a log of its own: PgMigrations.adopt({ schema: "${name}" })`

interface LogRow {
  readonly id: string
  readonly name: string
  readonly sharing: string | null
}

// An older schema stays as it is: the younger one, which was restored beside it, must change.
const logOf = (schema: string): string => `
select l.id::text as id, l.name, (
    select pg_catalog.min(s.nspname::text)
    from pg_catalog.pg_namespace own
      join pg_catalog.pg_proc f on f.pronamespace = own.oid and f.proname = 'horizon_2'
      join pg_catalog.pg_proc p on p.proname in ('horizon', 'horizon_2') and ${namespaceOf("p")} = ${namespaceOf("f")}
      join pg_catalog.pg_namespace s on s.oid = p.pronamespace and s.nspowner = p.proowner
    where own.nspname::text = $1 and s.oid < own.oid and s.nspname::text !~ '^pg_'
  ) as sharing
from ${schema}.log l`

/** The other schemas of the database with the same log. Those that the role may not read are not found. */
const copiesOf = (sql: SqlClient.SqlClient, id: string, name: string) =>
  Effect.gen(function* () {
    const schemas = yield* sql.unsafe<{ readonly name: string }>(
      `select n.nspname::text as name
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relname = 'log' and c.relkind = 'r' and n.nspname::text <> $1
         and pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select')
         and (select pg_catalog.count(*) from pg_catalog.pg_attribute a
           where a.attrelid = c.oid and a.attname in ('is_only', 'id', 'name') and a.attnum > 0) = 3`,
      [name]
    )
    const copies: Array<string> = []
    for (const schema of schemas) {
      const same = yield* sql.unsafe(`select from "${schema.name.replaceAll('"', '""')}".log where id::text = $1`, [id])
      if (same.length > 0) copies.push(schema.name)
    }
    return copies
  })

/**
 * Makes sure that the role sees all rows of the tables of a schema. Where a policy may hide rows, the store would decide
 * on states that the log does not explain, and readers would skip events.
 */
export const checkVisible = (
  sql: SqlClient.SqlClient,
  name: string,
  operation: EventStoreError["operation"] = "open"
): Effect.Effect<void, EventStoreError | SqlError.SqlError> =>
  Effect.flatMap(sql.unsafe<{ readonly table: string; readonly role: string }>(hiding, [name]), ([found]) =>
    found === undefined
      ? Effect.void
      : Effect.fail(hidden(operation, `the table "${name}"."${found.table}"`, `the role ${found.role}`))
  )

/** The same, before a store of views takes a generation that it does not see for one that does not exist. */
export const checkVisibleTo = (
  operation: ViewStoreError["operation"],
  view: string,
  sql: SqlClient.SqlClient,
  name: string
): Effect.Effect<void, ViewStoreError | SqlError.SqlError> =>
  Effect.catchTag(checkVisible(sql, name), "EventStoreError", ({ reason }) =>
    Effect.fail(new ViewStoreError({ operation, view, reason }))
  )

/** The refusal to work where a policy may hide rows. */
export const hidden = (
  operation: EventStoreError["operation"],
  place: string,
  role = "the role of this connection"
): EventStoreError => {
  const detail =
    `row-level security may hide rows of ${place} from ${role}, and the store must see all rows. ` +
    "Let the owner disable row-level security on the tables of the schema, or give the role the attribute BYPASSRLS"
  return new EventStoreError({ operation, reason: new Reason.Rejected({ detail }) })
}

/** The refusal to answer without events that should be there. */
export const incomplete = (operation: EventStoreError["operation"], what: string): EventStoreError => {
  const detail = `${what} cannot be read: they were deleted, or the log has lost them`
  return new EventStoreError({ operation, reason: new Reason.Corrupt({ detail }) })
}

// Tables that the application has put into the same schema are its own.
const hiding = `
select c.relname::text as table, current_user::text as role
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname::text = $1 and c.relkind in ('r', 'p') and c.relrowsecurity and pg_catalog.row_security_active(c.oid)
  and c.relname::text ~ '^(migrations|revisions|log|histories|life|events|streams|commands|views|view_parts|view_letters|inline_changes|view_[0-9]+)$'
order by 1 limit 1`
