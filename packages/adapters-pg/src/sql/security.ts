/**
 * What every function of the schema says about itself: names are looked up in
 * Postgres' own schema alone. So a role that may create objects in a schema of the
 * caller's search path cannot make the caller run them.
 */
export const ownPath = "set search_path = pg_catalog, pg_temp"

/** Whether a policy may hide rows of some tables from the present role, as an expression. */
export const mayHide = (schema: string, ...tables: ReadonlyArray<string>): string =>
  tables
    .map((table) => `pg_catalog.row_security_active('${schema}.${table}'::pg_catalog.regclass::pg_catalog.oid)`)
    .join(" or ")
