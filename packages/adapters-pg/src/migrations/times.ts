/**
 * Migration 7: the times of streams and of imported events, and functions that
 * nobody else can lead astray.
 *
 * `streams.recorded_at` is the time of the stream's last event, so that the time
 * of the next one is not before it. It is null where it is not known: the append
 * function then takes it from the event. So no row of an old schema is rewritten.
 *
 * `events.original_time` is the time that an imported event came with, and null
 * for any other event. `events.recorded_at` stays the time at which the store
 * recorded the event.
 *
 * `sort_key` gets a body that Postgres parses when it creates the function. Such a
 * body does not depend on the search path of the caller, and Postgres can still
 * inline it. The function returns what it returned before.
 */
export const times = (schema: string): ReadonlyArray<string> => [
  `alter table ${schema}.streams add column recorded_at timestamptz`,
  `alter table ${schema}.events add column original_time timestamptz`,
  `alter function ${schema}.refuse() set search_path = pg_catalog, pg_temp`,
  `create or replace function ${schema}.sort_key(value jsonb) returns text language sql immutable parallel safe
   return case pg_catalog.jsonb_typeof(value)
       when 'boolean'::text then case when value::boolean then '2'::text else '1'::text end
       when 'number'::text then
         case when value::float8 operator(pg_catalog.<) 0::float8
           then '3'::text operator(pg_catalog.||) pg_catalog.translate(
             pg_catalog.encode(pg_catalog.float8send(value::float8), 'hex'::text), '0123456789abcdef'::text, 'fedcba9876543210'::text)
           else '4'::text operator(pg_catalog.||) pg_catalog.encode(pg_catalog.float8send(value::float8), 'hex'::text)
         end
       when 'string'::text then '5'::text operator(pg_catalog.||) (value operator(pg_catalog.#>>) '{}'::text[])
       when 'array'::text then '6'::text
       when 'object'::text then '6'::text
       else '0'::text
     end`
]
