/**
 * Migration 3: the registry of views, and the text that orders a field's value.
 *
 * `sort_key` is one text for any JSON value, such that texts in code-point
 * order are values in the order of a query, and equal where the values are:
 * null or nothing "0", false "1", true "2", a number below 0 "3" and the
 * complement of its bits, another number "4" and its bits, a text "5" and the
 * text, anything else "6". One expression and one index serve comparisons and
 * orders of every kind so. `internal/sortKey.ts` makes the same text.
 */
export const views = (S: string): ReadonlyArray<string> => [
  `create table ${S}.views (
     id bigint generated always as identity primary key,
     view text collate "C" not null,
     version bigint not null,
     epoch bigint not null default 0,
     position bigint not null default 0,
     owner text not null default '',
     leased_until timestamptz not null default '-infinity',
     serves boolean not null,
     unique (view, version)
   ) with (fillfactor = 50)`,
  `create unique index views_serving on ${S}.views (view) where serves`,
  `create function ${S}.sort_key(value jsonb) returns text language sql immutable parallel safe as $$
     select case jsonb_typeof(value)
       when 'boolean' then case when value::boolean then '2' else '1' end
       when 'number' then
         case when value::float8 < 0
           then '3' || translate(encode(float8send(value::float8), 'hex'), '0123456789abcdef', 'fedcba9876543210')
           else '4' || encode(float8send(value::float8), 'hex')
         end
       when 'string' then '5' || (value #>> '{}')
       when 'array' then '6'
       when 'object' then '6'
       else '0'
     end $$`
]

/**
 * Takes or renews a generation's lease, by the server's clock: no row if
 * another owner has it, or if there is no such generation.
 *
 * $1 text: the view; $2 bigint: the version; $3 text: the owner; $4 float8:
 * the lease in seconds.
 */
export const claim = (S: string): string => `
update ${S}.views set
  epoch = case when owner = $3 and leased_until > clock_timestamp() then epoch else epoch + 1 end,
  owner = $3,
  leased_until = clock_timestamp() + make_interval(secs => $4::float8)
where view = $1 and version = $2::bigint and (owner = $3 or leased_until <= clock_timestamp())
returning epoch, position`

/** $1 text: the view; $2 bigint: the version. */
export const generation = (S: string): string =>
  `select id, owner from ${S}.views where view = $1 and version = $2::bigint`

/** $1 text: the view. */
export const serving = (S: string): string => `select id from ${S}.views where view = $1 and serves`

/**
 * One creates a generation of a view at a time, until its transaction ends. The
 * lock has two numbers, so that no reader of events takes it for an append's.
 *
 * $1 text: the schema; $2 text: the view.
 */
export const lockView = `select pg_advisory_xact_lock(hashtext('hexfold views ' || $1::text), hashtext($2::text))::text`

/**
 * Registers a generation, which serves if it is the view's first: no row if it
 * is there. Runs behind `lockView`.
 *
 * $1 text: the view; $2 bigint: the version.
 */
export const register = (S: string): string => `
insert into ${S}.views (view, version, serves)
select $1, $2::bigint, not exists (select from ${S}.views where view = $1)
on conflict (view, version) do nothing
returning id`

/**
 * Locks a generation, and with it those that it takes the queries from, always
 * in the same order.
 *
 * $1 text: the view; $2 bigint: the version; $3 boolean: all of the view.
 */
export const lockGenerations = (S: string): string => `
select id, version, epoch, position from ${S}.views
where view = $1 and (version = $2::bigint or $3) order by id for update`

/** $1 bigint: the generation; $2 bigint: the position that it has reached. */
export const advance = (S: string): string => `update ${S}.views set position = $2 where id = $1`

/** $1 text: the view; $2 bigint: the version that takes the queries, from none that is later. */
export const stopServing = (S: string): string =>
  `update ${S}.views set serves = false where view = $1 and serves and version < $2::bigint`

/** $1 text: the view; $2 bigint: the version. */
export const serve = (S: string): string => `
update ${S}.views set serves = true
where view = $1 and version = $2::bigint and not exists (select from ${S}.views where view = $1 and serves)`

/** All generations. */
export const status = (S: string): string => `
select view, version, epoch, position, serves, case when leased_until > clock_timestamp() then owner end as owner
from ${S}.views order by view, version`
