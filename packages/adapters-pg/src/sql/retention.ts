/**
 * Forgets the oldest of the expired command ids. It passes over ids that are locked.
 *
 * $1 float8: the least age in seconds; $2 timestamptz: the time at which the batch
 * before ended, so that its dead rows are not read again; $3 int4: the most ids.
 * It compares with `now()`, because a volatile function would not use the index.
 * It needs READ COMMITTED: a stricter level fails if another sweep was quicker.
 */
export const sweepCommands = (schema: string): string => `
with swept as (
  delete from ${schema}.commands where ctid = any (array(
    select ctid from ${schema}.commands
    where recorded_at < pg_catalog.now() - pg_catalog.make_interval(secs => $1::float8)
      and recorded_at >= coalesce($2::timestamptz, '-infinity')
    order by recorded_at limit $3::int4 for update skip locked
  ))
  returning recorded_at
)
select pg_catalog.count(*)::int4 as count, pg_catalog.max(recorded_at) as last from swept`
