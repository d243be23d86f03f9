import { lockClass } from "./inline.ts"
import { ownPath } from "./security.ts"

/**
 * The function that takes the locks of an append before anything is read.
 *
 * Why it cannot deadlock with appends. (1) It takes the same locks in the same
 * order: the lock of the flags, the generations of `p_ordered`, command keys,
 * heads, each ascending. (2) What an append in the same transaction needs of them,
 * the transaction has; it waits only for what the caller did not name. (3) A
 * transaction that waits here holds locks only that come before in the order.
 *
 * A command key is inserted and deleted again. Until the transaction ends, another
 * transaction that inserts the key waits for it, and to this one the key is new.
 *
 * | bind | meaning |
 * |---|---|
 * | p_keys | the streams' keys, ascending |
 * | p_aggregates | the aggregates of the streams |
 * | p_command_keys | the keys of command ids, ascending |
 * | p_ordered | the generations whose records are touched by events of several streams, ascending |
 * | p_lock_timeout | how long the call waits for each lock, in milliseconds |
 */
export const lockFunction = (schema: string): string => `
create or replace function ${schema}.lock_streams(
  p_keys text[], p_aggregates text[], p_command_keys text[], p_ordered bigint[], p_lock_timeout int
) returns void language plpgsql ${ownPath} as $$
declare
  v_lock_timeout text := current_setting('lock_timeout');
  v_view bigint;
  v_key text;
begin
  if v_lock_timeout = '0' or v_lock_timeout::interval > p_lock_timeout * interval '1 millisecond' then
    perform set_config('lock_timeout', p_lock_timeout::text, true);
  end if;
  perform pg_advisory_xact_lock_shared(${lockClass(schema)}, 0);
  for v_view in
    select o.id from unnest(p_ordered) with ordinality as o(id, ord) join ${schema}.views v on v.id = o.id
    where v.inline and v.aggregates && p_aggregates order by o.ord
  loop
    perform pg_advisory_xact_lock(${lockClass(schema)}, v_view::int);
  end loop;
  foreach v_key in array p_command_keys loop
    insert into ${schema}.commands (key, fingerprint, recorded_at) values (v_key, '', clock_timestamp())
    on conflict do nothing;
    if found then
      delete from ${schema}.commands where key = v_key;
    end if;
  end loop;
  foreach v_key in array p_keys loop
    loop
      perform from ${schema}.streams where key = v_key for no key update;
      exit when found;
      -- As appends do it: a head that does not exist is made at version 0.
      insert into ${schema}.streams (key, version) values (v_key, 0) on conflict do nothing;
      exit when found;
    end loop;
  end loop;
  perform set_config('lock_timeout', v_lock_timeout, true);
end $$`

/** Calls the function. The binds are in the order of its parameters. */
export const lockCall = (schema: string): string => `select ${schema}.lock_streams($1, $2, $3, $4, $5)::text`

/** The streams among some whose heads another transaction holds now. It waits for none of them. $1 text[]: the keys. */
export const lockedStreams = (schema: string): string => `
with free as materialized (
  select key from ${schema}.streams where key = any ($1::text[]) for no key update skip locked
)
select key from ${schema}.streams where key = any ($1::text[]) and not exists (select from free where free.key = streams.key)
order by key limit 4`

/**
 * Part of a statement over locks `l`: their sessions as `a`, or their prepared transactions as `x`. A prepared transaction
 * has no process: its lock on itself leads from the virtual transaction to it.
 */
export const transactionsOf = (virtual: string): string => `\
        left join pg_stat_activity a on a.pid = l.pid
        left join pg_locks t on l.pid is null and t.pid is null and t.locktype = 'transactionid' and t.virtualtransaction = ${virtual}
        left join pg_prepared_xacts x on x.transaction = t.transactionid`

/**
 * The transactions that hold what a migration waits for, the oldest first: locks on tables of the schema, and the
 * advisory lock that excludes other migrations. On a table that the migration only comments on or refers to, a lock
 * of a reader or an append does not count.
 *
 * $1 text: the schema's name; $2 text[]: the tables that the migration locks; $3 text: the name of the advisory lock.
 */
export const migrationHolders = `
select l.pid, min(a.application_name) as application, l.pid is null as prepared,
  (extract(epoch from min(coalesce(a.xact_start, x.prepared))) * 1000)::float8 as since
from pg_locks l
${transactionsOf("l.virtualtransaction")}
where l.granted and l.pid is distinct from pg_backend_pid()
  and l.database = (select oid from pg_database where datname = current_database())
  and case l.locktype
    when 'advisory' then l.objsubid = 1 and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended($3, 0)
    when 'relation' then l.relation in (
      select oid from pg_class where relnamespace = (select oid from pg_namespace where nspname = $1)
        and (relname = any ($2::text[])
          or relkind = 'r' and l.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')))
    else false
  end
group by l.pid, l.virtualtransaction order by since nulls last limit 5`
