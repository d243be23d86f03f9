/**
 * Forgets the oldest of the expired command ids; waits for none that is locked.
 *
 * $1 float8: how many seconds old they are at least; $2 timestamptz: where the
 * batch before ended, so that its dead rows are not passed again; $3 int4: the
 * most ids. By `now()`, for a volatile function would not use the index. Needs
 * READ COMMITTED: anything stricter fails where another sweep was quicker.
 */
export const sweepCommands = (schema: string): string => `
with swept as (
  delete from ${schema}.commands where ctid = any (array(
    select ctid from ${schema}.commands
    where recorded_at < now() - make_interval(secs => $1::float8)
      and recorded_at >= coalesce($2::timestamptz, '-infinity')
    order by recorded_at limit $3::int4 for update skip locked
  ))
  returning recorded_at
)
select count(*)::int4 as count, max(recorded_at) as last from swept`
