import { ownPath } from "./searchPath.ts"

/**
 * The function that returns the horizon: at or below it, no further event can
 * appear to a statement that starts later.
 *
 * Why it is correct. (1) The sequence is read before the locks. An append whose
 * lock is not seen took it later, so it draws positions above the value of the
 * sequence. (2) An append whose lock is seen draws positions above the one in the
 * lock. (3) An append that had released its lock was visible before: Postgres
 * makes a commit visible first and releases its locks after that.
 *
 * A horizon stays true once it was returned, and a later call may return a lower
 * one: an append that took its lock late draws positions above a horizon that
 * others have read.
 *
 * The function must not run inside a transaction whose snapshot is older than the
 * call. With p_joined, it refuses anything stricter than READ COMMITTED.
 */
export const horizonFunctions = (schema: string, namespace: number): ReadonlyArray<string> => [
  `create or replace function ${schema}.horizon(p_joined boolean, out o_horizon bigint, out o_last bigint)
  language plpgsql ${ownPath} as $$
declare
  v_lowest bigint;
begin
  if p_joined and current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'reading the whole store inside a transaction needs READ COMMITTED, this one is %',
      current_setting('transaction_isolation') using errcode = 'HX001';
  end if;
  select case when is_called then last_value else 0 end into o_last from ${schema}.events_position;
  select min(((classid::bigint & 65535) << 32) | objid::bigint) into v_lowest
  from pg_locks
  where locktype = 'advisory' and objsubid = 1 and granted
    and database = (select oid from pg_database where datname = current_database())
    and classid::bigint >> 16 = ${namespace};
  o_horizon := least(o_last, v_lowest);
end $$`,
  `comment on function ${schema}.horizon is 'hexfold namespace ${namespace}'`
]

/** The last position that was drawn, as an expression, which takes less time than a statement. */
export const lastDrawn = (schema: string): string =>
  `coalesce(pg_sequence_last_value('${schema}.events_position'::regclass), 0)`

/** $1: whether it runs in a caller's transaction. */
export const horizonCall = (schema: string): string => `select o_horizon, o_last from ${schema}.horizon($1)`
