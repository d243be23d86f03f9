import { hasInline } from "./inline.ts"
import { mayHide, ownPath } from "./security.ts"

/**
 * The functions that notice when the log may have lost something: the server has
 * restarted, crashed or failed over, the schema was restored, or the sequence of the
 * positions was set back. The log then begins another history. Each call that draws a
 * position, or names a horizon, asks for the history first, and nobody waits for
 * another one's notice.
 *
 * Why it is correct. (1) An append that sees no row of this life adds one with the last
 * position drawn, and draws only after that: its own positions are above `began_after`.
 * (2) An append that sees a row draws above it too: the row had been committed, so its
 * value had been read before. (3) An append that rolls back takes its row with it, and
 * its positions are never seen. So the lowest `began_after` of a history is below every
 * event of it, and a reader that stands at or below it skips none of them.
 *
 * The number of a history is made of the time at which the server started and of the
 * table's own number, so a number that was lost with a failover, or with a restored
 * dump, does not come again. Calls that begin the same history at once find the same
 * number.
 */
export const historyFunctions = (schema: string): ReadonlyArray<string> => [
  `create or replace function ${schema}.next_history() returns bigint language sql stable parallel safe ${ownPath} as $$
    select greatest(max(h.history) + 1 + life.seconds % 1000, life.seconds + '${schema}.life'::regclass::oid::bigint % 1048576)
    from ${schema}.histories h
      cross join (select floor(extract(epoch from pg_postmaster_start_time()))::bigint as seconds) as life
    group by life.seconds $$`,
  `create or replace function ${schema}.begin_history(p_end bigint) returns bigint language plpgsql ${ownPath} as $$
declare
  v_drawn bigint := ${schema}.drawn();
  v_present bigint;
  v_history bigint;
begin
  -- Another call may have begun a history since this one has looked. One statement sees one moment.
  select ${presentHistory(schema)}, ${schema}.next_history() into v_present, v_history;
  if v_present is not null and p_end is null then
    return v_present;
  end if;
  if current_setting('transaction_read_only') = 'off'
    and has_table_privilege('${schema}.histories'::regclass::oid, 'insert') then
    insert into ${schema}.histories (history, began_after, timeline, noticed_at)
    values (v_history, least(v_drawn, p_end), ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int, clock_timestamp());
    insert into ${schema}.life (history, started, relation)
    values (v_history, pg_postmaster_start_time(), '${schema}.life'::regclass);
  end if;
  return v_history;
end $$`,
  `create or replace function ${schema}.history() returns bigint language plpgsql ${ownPath} as $$
begin
  return coalesce(${presentHistory(schema)}, ${schema}.begin_history(null));
end $$`,
  // A process has seen that the sequence was set back, and knows up to where the log is as it was.
  `create or replace function ${schema}.taken_back(p_history bigint, p_end bigint) returns void language plpgsql ${ownPath} as $$
begin
  -- One at a time, so that two processes that notice the same begin one history.
  perform pg_advisory_xact_lock(hashtext('hexfold taken back ${schema}'), 0);
  if ${schema}.history() = p_history then
    perform ${schema}.begin_history(p_end);
  end if;
end $$`,
  // A page of the log is read only in the history that its horizon belongs to.
  `create or replace function ${schema}.readable(p_position bigint, p_history bigint) returns bigint
  language plpgsql stable parallel safe ${ownPath} as $$
begin
  if ${mayHide(schema, "events")} then
    raise exception 'row-level security may hide events from the role %: disable it on the tables of the schema, or give the role BYPASSRLS',
      current_user using errcode = 'HX006';
  end if;
  if coalesce(${presentHistory(schema)}, ${schema}.next_history()) <> p_history then
    raise exception 'the log has begun another history during the read: repeat it' using errcode = '40001';
  end if;
  return p_position;
end $$`
]

/**
 * The present history, or null if it has ended and nobody has noticed yet. The sequence
 * is set back if it is below what a store has noted in the same history. The row of the
 * sequence, which parallel reads may use, shows too many positions at times and never too
 * few: see `lastDrawn`. So a history that goes on is never taken for one that has ended.
 */
const presentHistory = (schema: string): string => `(
    select case
        when n.last_value >> 48 <> l.history & 32767 then l.history
        when n.last_value & ${lower} <= case when p.is_called then p.last_value else 0 end then l.history
      end
    from ${schema}.life l cross join ${schema}.noted n cross join ${schema}.events_position p
    where l.started = pg_postmaster_start_time() and l.relation = l.tableoid
    order by l.history desc limit 1)`

const lower = "281474976710655"

/** The highest position that was noted in a history, 0 if none was. */
export const noted = (schema: string, history: string): string => `(
    select case when n.last_value >> 48 = ${history} & 32767 then n.last_value & ${lower} else 0 end from ${schema}.noted n)`

/** Begins another history, if the present one is still $1 bigint. The log is as it was up to $2 bigint. */
export const takenBack = (schema: string): string => `select ${schema}.taken_back($1, $2)::text`

/** The histories of the log, and the last position drawn before each began. */
export const histories = (schema: string): string => `
select history, pg_catalog.min(began_after) as "beganAfter" from ${schema}.histories group by history`

/** Part of a function: refuses a standby. */
export const refuseStandby = `  if pg_is_in_recovery() then
    raise exception 'the server is a standby, or a copy that still recovers: only the primary can append and tell how far the log is complete. Connect to the primary'
      using errcode = 'HX004';
  end if;`

/** Part of a function: refuses a sequence below the last position of the log. */
export const refuseSequence = (schema: string, end: string, drawn: string): string => `  if ${end} > ${drawn} then
    raise exception 'the sequence of the positions stands at %, below the last position of the log, %: events would get positions that readers have passed. Check where the events came from, then run: %',
      ${drawn}, ${end}, 'select setval(''${schema.replaceAll('"', "")}.events_position'', ' || ${end} || ')' using errcode = 'HX005';
  end if;`

/**
 * Parts of the functions that append: what they read with their first statement, into
 * variables for whether appends maintain views and for the history, and into those
 * that are declared here; and what the append function does with it before anything
 * is written.
 */
export const ofAppend = (schema: string) => ({
  variables: `
  v_drawn bigint;
  v_end bigint;
  v_end_time timestamptz;
  v_log uuid;`,
  look: (inline: string, history: string) => `
  select ${hasInline(schema)}, ${presentHistory(schema)}, (select l.id from ${schema}.log l), p.last_value, e.position, e.recorded_at
  into ${inline}, ${history}, v_log, v_drawn, v_end, v_end_time
  from ${schema}.events_position p left join (
    select e.position, e.recorded_at from ${schema}.events e order by e.position desc limit 1) as e on true;`,
  check: `
${refuseSequence(schema, "v_end", "v_drawn")}
  if o_history is null then
    o_history := ${schema}.begin_history(null);
  end if;
  if p_history <> o_history or (p_history is not null and p_log is distinct from v_log) then
    v_done := set_config('lock_timeout', v_lock_timeout, true);
    return;
  end if;`
})
