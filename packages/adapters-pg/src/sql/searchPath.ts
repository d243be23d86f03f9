/**
 * What every function of the schema says about itself: names are looked up in
 * Postgres' own schema alone. So a role that may create objects in a schema of the
 * caller's search path cannot make the caller run them.
 */
export const ownPath = "set search_path = pg_catalog, pg_temp"
