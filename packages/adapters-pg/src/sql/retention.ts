// Whether a consumer may repeat a command whose id it has derived, such as `reactor/SendMail:17:…`: its event is not done,
// or waits as a dead letter. A text that only looks like such an id names no generation.
const isNeeded = (schema: string): string => `
case when c.key ~ '^c:[a-z]{1,20}/[A-Za-z][A-Za-z0-9_.-]{0,99}:[0-9]{1,15}:' then exists (
  select from ${schema}.views g
  where g.view = pg_catalog.split_part(pg_catalog.substr(c.key, 3), ':', 1) and (
    exists (
      select from ${schema}.view_parts p
      where p.generation = g.id and p.position < pg_catalog.split_part(c.key, ':', 3)::bigint
    ) or exists (
      select from ${schema}.view_letters l
      where l.generation = g.id and l.parked and l.position = pg_catalog.split_part(c.key, ':', 3)::bigint
    )
  )
) else false end`

/**
 * Forgets the oldest of the expired command ids. It passes over ids that are locked, and over those that a consumer needs.
 *
 * $1 float8: the least age in seconds; $2 timestamptz: the time at which the batch
 * before ended, so that its dead rows are not read again; $3 int4: the most ids.
 * It compares with `now()`, because a volatile function would not use the index.
 * It needs READ COMMITTED: a stricter level fails if another sweep was quicker.
 */
export const sweepCommands = (schema: string): string => `
with swept as (
  delete from ${schema}.commands where ctid = any (array(
    select c.ctid from ${schema}.commands c
    where c.recorded_at < pg_catalog.now() - pg_catalog.make_interval(secs => $1::float8)
      and c.recorded_at >= coalesce($2::timestamptz, '-infinity')
      and not ${isNeeded(schema)}
    order by c.recorded_at limit $3::int4 for update of c skip locked
  ))
  returning recorded_at
)
select pg_catalog.count(*)::int4 as count, pg_catalog.max(recorded_at) as last from swept`
