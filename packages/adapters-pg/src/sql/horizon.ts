import { noted, refuseSequence, refuseStandby } from "./history.ts"
import { transactionsOf } from "./locks.ts"
import { mayHide, ownPath } from "./security.ts"

/**
 * The functions that return the last position drawn, and the horizon: at or below it,
 * no further event can appear to a statement that starts later.
 *
 * Why it is correct. (1) The sequence is read before the locks, and it shows no position
 * that nobody has drawn (see `lastDrawn`). An append whose lock is not seen took it later,
 * so it draws positions above the value of the sequence. (2) An append whose lock is seen
 * draws positions above the one in the lock. (3) An append that had released its lock was
 * visible before: Postgres makes a commit visible first and releases its locks after
 * that. (4) The history is
 * asked for first. If another one begins meanwhile, the position is named under the
 * earlier history, where it is refused sooner than it should be, and never later.
 *
 * A horizon stays true within its history once it was returned, and a later call may
 * return a lower one: an append that took its lock late draws positions above a horizon
 * that others have read.
 *
 * The function must not run inside a transaction whose snapshot is older than the
 * call. With p_joined, it refuses anything stricter than READ COMMITTED. It refuses a
 * standby, which has neither the locks of the appends nor the true sequence, and a
 * sequence below the last position of the log.
 *
 * p_notes: whether the last position drawn is noted, so that a sequence that is set back
 * is noticed. p_names: whether those who hold the horizon back are named. The time at
 * which a holder began is known to its own role, and to roles that may see all sessions.
 */
export const horizonFunctions = (schema: string, namespace: number): ReadonlyArray<string> => [
  `create or replace function ${schema}.drawn() returns bigint language sql ${ownPath} as $$
    select ${drawnOrRefused(schema)} $$`,
  `create or replace function ${schema}.horizon_2(
  p_joined boolean, p_notes boolean, p_names boolean,
  out o_log uuid, out o_history bigint, out o_horizon bigint, out o_last bigint, out o_noted bigint, out o_now timestamptz, out o_holders jsonb
) language plpgsql ${ownPath} as $$
declare
  v_lowest bigint;
  v_end bigint;
  v_pids int[];
  v_transactions text[];
begin
${refuseStandby}
  if p_joined and current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'reading the whole store inside a transaction needs READ COMMITTED, this one is %',
      current_setting('transaction_isolation') using errcode = 'HX001';
  end if;
  select l.id into o_log from ${schema}.log l;
  o_history := ${schema}.history();
  o_now := clock_timestamp();
  select max(e.position) into v_end from ${schema}.events e;
  o_last := ${drawnOrRefused(schema)};
${refuseSequence(schema, "v_end", "o_last")}
  -- One look at the locks: who holds the horizon back is who was seen when it was computed.
  select min(((classid::bigint & 65535) << 32) | objid::bigint), array_agg(pid), array_agg(virtualtransaction)
  into v_lowest, v_pids, v_transactions
  from pg_locks
  where locktype = 'advisory' and objsubid = 1 and granted
    and database = (select oid from pg_database where datname = current_database())
    and classid::bigint >> 16 = ${namespace};
  o_horizon := least(o_last, v_lowest);
  o_noted := ${noted(schema, "o_history")};
  -- One notes at a time, so what was noted is never lowered within a history.
  if p_notes and not p_joined and o_noted < o_last and current_setting('transaction_read_only') = 'off'
    and has_sequence_privilege('${schema}.noted'::regclass::oid, 'update')
    and pg_try_advisory_xact_lock(hashtext('hexfold noted ${schema}'), 0) then
    o_noted := ${noted(schema, "o_history")};
    if o_noted < o_last then
      perform setval('${schema}.noted'::regclass, (o_history & 32767) << 48 | o_last);
      o_noted := o_last;
    end if;
  end if;
  if p_names and o_horizon < o_last then
    select jsonb_agg(h order by h.since) into o_holders from (
      select l.pid, min(a.application_name) as application, l.pid is null as prepared,
        extract(epoch from min(coalesce(a.xact_start, a.state_change, x.prepared))) * 1000 as since
      from unnest(v_pids, v_transactions) as l(pid, transaction)
${transactionsOf("l.transaction")}
      group by l.pid, l.transaction order by since nulls last limit 10
    ) as h;
  end if;
end $$`,
  `create or replace function ${schema}.horizon(p_joined boolean, out o_horizon bigint, out o_last bigint)
  language plpgsql ${ownPath} as $$
begin
  select h.o_horizon, h.o_last into o_horizon, o_last from ${schema}.horizon_2(p_joined, false, false) as h;
end $$`,
  `comment on function ${schema}.horizon is 'hexfold namespace ${namespace}'`
]

/**
 * The last position that was drawn, as an expression.
 *
 * The function of Postgres waits for the lock of the sequence. The row of the sequence is read without that lock: while
 * a call of `nextval` writes its log record, the row shows up to 32 positions too many. A horizon that is too high would
 * lose events, and a last position that falls would look like a sequence that was set back.
 */
export const lastDrawn = (schema: string): string =>
  `coalesce(pg_sequence_last_value('${schema}.events_position'::regclass), 0)`

/**
 * The same, and refused without the right to read the sequence: from Postgres 17 on, the function of Postgres is null
 * then.
 */
const drawnOrRefused = (schema: string): string => `(select ${lastDrawn(schema)} from ${schema}.events_position)`

/**
 * $1 boolean: whether it runs in a caller's transaction; $2 boolean: whether it notes the
 * last position drawn; $3 boolean: whether it names the holders.
 */
export const horizonCall = (schema: string): string =>
  `select o_log::text, o_history, o_horizon, o_last, o_noted, o_now, o_holders,
     ${mayHide(schema, "streams", "events", "log", "histories", "life")} as o_hides
   from ${schema}.horizon_2($1, $2, $3)`

/** The number in the text of a function that names a horizon, or null. */
export const namespaceOf = (row: string): string => `substring(${row}.prosrc from '>> 16 = ([0-9]{1,5})\\M')`
