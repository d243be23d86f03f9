import { holdBack } from "./append.ts"
import { ofAppend, refuseStandby } from "./history.ts"
import { shareFlags } from "./inline.ts"
import { ownPath } from "./security.ts"
import * as Times from "./times.ts"

/**
 * The function that appends one event to one stream, in a transaction of its own:
 * most calls of a single caller. It does what the append function does for such a
 * call in 0.7 of the time, because Postgres prepares each expression of a function
 * anew in every transaction. What it cannot do it leaves to that function:
 * then o_position is null, and nothing was done.
 *
 * | bind | meaning |
 * |---|---|
 * | p_key, p_id | the stream's key, and its id |
 * | p_expected | the version that the stream must have; -1 any |
 * | p_event_id, p_type, p_schema_version, p_data, p_metadata | the event; the JSON value null comes as SQL's null |
 * | p_lock_timeout | how long the call waits for a lock, in milliseconds |
 * | p_history, p_log | the history and the identity of the log that the caller has checked |
 *
 * It leaves a call to the append function if appends maintain views, if the log is
 * not as the caller has checked it, if the stream has another version, or if the
 * time of its last event is not known.
 *
 * Why it is correct. It takes the locks of the append function in the same order:
 * flags, head, horizon. A head of another version is not changed, so there is
 * nothing to take back.
 */
export const appendEventFunction = (schema: string, namespace: number): string => {
  const log = ofAppend(schema)
  return `
create or replace function ${schema}.append_event_2(
  p_key text, p_id text, p_expected bigint, p_event_id uuid, p_type text, p_schema_version int, p_data jsonb,
  p_metadata jsonb,
  p_lock_timeout int, p_history bigint, p_log uuid,
  out o_base bigint, out o_time timestamptz, out o_position bigint, out o_maintains boolean
) language plpgsql ${ownPath} as $$
declare
  v_head bigint;
  v_history bigint;
  v_floor timestamptz;
  v_done text := current_setting('lock_timeout');${log.variables}
begin
${refuseStandby}
  if p_lock_timeout > 0 and (v_done = '0' or v_done::interval > p_lock_timeout * interval '1 millisecond') then
    v_done := set_config('lock_timeout', p_lock_timeout::text, true);
  end if;
  v_done := ${shareFlags(schema)}::text;
${log.look("o_maintains", "v_history")}
  if o_maintains or v_end > v_drawn or v_history is distinct from p_history or v_log is distinct from p_log then
    return;
  end if;
${Times.floor}
  if p_expected > 0 then
    update ${schema}.streams s set version = s.version + 1, recorded_at = ${Times.raised}
    where s.key = p_key and s.version = p_expected and s.recorded_at is not null
    returning s.id, s.version - 1, s.recorded_at into v_head, o_base, o_time;
  else
    insert into ${schema}.streams as s (key, version, recorded_at) values (p_key, 1, ${Times.fresh})
    on conflict (key) do update set version = s.version + 1, recorded_at = ${Times.raised}
    where s.recorded_at is not null and p_expected in (-1, s.version)
    returning s.id, s.version - 1, s.recorded_at into v_head, o_base, o_time;
  end if;
  if v_head is null then
    return;
  end if;
  v_done := ${holdBack(schema, namespace)}::text;
  insert into ${schema}.events (stream, stream_id, version, event_id, type, schema_version, data, metadata, recorded_at)
  values (v_head, p_id, o_base + 1, p_event_id, p_type, p_schema_version, coalesce(p_data, 'null'), p_metadata, o_time)
  returning position into o_position;
end $$`
}

/** Calls the function. The binds are in the order of its parameters. */
export const appendEventCall = (schema: string): string =>
  `select o_base, o_time, o_position, o_maintains from ${schema}.append_event_2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
