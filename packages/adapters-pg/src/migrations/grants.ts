/** What a role may do with the tables, sequences and functions of a schema. */
export interface Grants {
  /** The quoted name of the schema. */
  readonly schema: string
  /** The name of the role as it is, without quotes. */
  readonly role: string
  /** Whether the role may create tables of views. */
  readonly createsViews: boolean
  /** Whether the role may only read. */
  readonly reads: boolean
}

/**
 * The rights that the stores need, and no others. Recorded events can be read and
 * added, but neither changed nor deleted.
 *
 * Tables of views are created while the application runs. The default rights cover
 * those that the same owner creates later.
 */
export const grants = ({ createsViews, reads, role, schema }: Grants): ReadonlyArray<string> => {
  const to = `"${role.replaceAll('"', '""')}"`
  const tables = (rights: string, ...names: ReadonlyArray<string>) =>
    `grant ${rights} on ${names.map((name) => `${schema}.${name}`).join(", ")} to ${to}`
  if (reads) {
    return [
      `grant usage on schema ${schema} to ${to}`,
      tables("select", ...readable),
      `grant select on sequence ${schema}.events_position, ${schema}.noted to ${to}`,
      `grant execute on all functions in schema ${schema} to ${to}`,
      viewTables(schema, to, "select"),
      `alter default privileges in schema ${schema} grant select on tables to ${to}`
    ]
  }
  return [
    `grant ${createsViews ? "usage, create" : "usage"} on schema ${schema} to ${to}`,
    tables("select", "migrations", "revisions", "log", "projections"),
    tables("select, insert", "events", "histories", "life"),
    tables("select, insert, update", "streams"),
    tables("select, update", "inline_changes"),
    tables(ofRecords, "commands", "views", "view_parts", "view_letters", "snapshots"),
    `grant select on sequence ${schema}.events_position to ${to}`,
    `grant select, update on sequence ${schema}.noted to ${to}`,
    `grant usage on sequence ${schema}.view_epochs to ${to}`,
    `grant execute on all functions in schema ${schema} to ${to}`,
    viewTables(schema, to, ofRecords),
    `alter default privileges in schema ${schema} grant ${ofRecords} on tables to ${to}`
  ]
}

const ofRecords = "select, insert, update, delete"

const readable = [
  "migrations",
  "revisions",
  "log",
  "histories",
  "life",
  "events",
  "streams",
  "commands",
  "views",
  "view_parts",
  "view_letters",
  "inline_changes",
  "snapshots",
  "projections"
]

// Only the tables that the present role owns: it has no right to grant those that another role has created.
const viewTables = (schema: string, to: string, rights: string): string => {
  let tag = "$grants$"
  while (to.includes(tag)) tag = `${tag.slice(0, -1)}_$`
  return `do ${tag}
declare
  v_table regclass;
begin
  for v_table in
    select c.oid::regclass from pg_catalog.pg_class c join ${schema}.views v on c.relname = 'view_' || v.id::text
    where c.relnamespace = '${schema}'::regnamespace and pg_catalog.pg_has_role(c.relowner, 'usage')
  loop
    execute pg_catalog.format('grant ${rights} on table %s to ${to.replaceAll("'", "''").replaceAll("%", "%%")}', v_table);
  end loop;
end ${tag}`
}
