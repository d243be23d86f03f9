import { ownPath } from "./security.ts"

/**
 * The functions that processes of revision 4 call. They do the same, for events of which each is of the first version of
 * its schema.
 */
const appendFunction3 = (schema: string): string => `
create or replace function ${schema}.append_3(
  p_keys text[], p_ids text[], p_expected bigint[], p_counts int[], p_owners int[],
  p_event_streams int[], p_event_ordinals int[], p_event_ids uuid[], p_types text[], p_data jsonb[], p_metadata jsonb[],
  p_times bigint[],
  p_command_owners int[], p_command_keys text[], p_fingerprints text[], p_event_commands int[],
  p_receipt_commands int[], p_receipt_streams int[], p_receipt_counts int[], p_joined boolean,
  p_inline bigint[], p_ordered bigint[], p_lock_timeout int, p_time_of int, p_history bigint, p_log uuid,
  out o_failed int[], out o_repeated int[], out o_refused int[], out o_limits timestamptz[],
  out o_bases bigint[], out o_times timestamptz[], out o_positions bigint[], out o_inline bigint[], out o_history bigint
) language sql ${ownPath} as $$
  select a.* from ${schema}.append_4(
    p_keys, p_ids, p_expected, p_counts, p_owners, p_event_streams, p_event_ordinals, p_event_ids, p_types, null, p_data,
    p_metadata, p_times, p_command_owners, p_command_keys, p_fingerprints, p_event_commands, p_receipt_commands,
    p_receipt_streams, p_receipt_counts, p_joined, p_inline, p_ordered, p_lock_timeout, p_time_of, p_history, p_log
  ) as a $$`

const appendEventFunction1 = (schema: string): string => `
create or replace function ${schema}.append_event(
  p_key text, p_id text, p_expected bigint, p_event_id uuid, p_type text, p_data jsonb, p_metadata jsonb,
  p_lock_timeout int, p_history bigint, p_log uuid,
  out o_base bigint, out o_time timestamptz, out o_position bigint, out o_maintains boolean
) language sql ${ownPath} as $$
  select a.* from ${schema}.append_event_2(
    p_key, p_id, p_expected, p_event_id, p_type, 1, p_data, p_metadata, p_lock_timeout, p_history, p_log
  ) as a $$`

/**
 * The function that processes of revision 2 call. It does the same, for appends
 * of one part each, and names left-out appends and positions as they did.
 */
const appendFunction2 = (schema: string): string => `
create or replace function ${schema}.append_2(
  p_keys text[], p_ids text[], p_expected bigint[], p_counts int[], p_owners int[],
  p_event_streams int[], p_event_ordinals int[], p_event_ids uuid[], p_types text[], p_data jsonb[], p_metadata jsonb[],
  p_times bigint[],
  p_command_owners int[], p_command_keys text[], p_fingerprints text[], p_joined boolean,
  p_inline bigint[], p_ordered bigint[], p_lock_timeout int, p_time_of int,
  out o_failed int[], out o_repeated int[], out o_refused int[], out o_limits timestamptz[],
  out o_bases bigint[], out o_times timestamptz[], out o_positions bigint[], out o_inline bigint[]
) language plpgsql ${ownPath} as $$
declare
  v_event_commands int[];
  v_commands int[];
  v_streams int[];
  v_counts int[];
begin
  if cardinality(p_command_keys) > 0 then
    select array_agg(coalesce(c.ord, 0)::int order by e.ord) into v_event_commands
    from unnest(p_event_streams) with ordinality as e(stream, ord)
      left join unnest(p_command_owners) with ordinality as c(owner, ord) on c.owner = p_owners[e.stream];
    select array_agg(c.ord::int order by t.ord), array_agg(t.ord::int order by t.ord), array_agg(t.count order by t.ord)
    into v_commands, v_streams, v_counts
    from unnest(p_owners, p_counts) with ordinality as t(owner, count, ord)
      join unnest(p_command_owners) with ordinality as c(owner, ord) on c.owner = t.owner;
  end if;
  select coalesce(a.o_failed, '{}'), array(select p_command_owners[r.command] from unnest(a.o_repeated) as r(command)),
    coalesce(a.o_refused, '{}'), coalesce(a.o_limits, '{}'), a.o_bases, a.o_times, array_remove(a.o_positions, null), a.o_inline
  into o_failed, o_repeated, o_refused, o_limits, o_bases, o_times, o_positions, o_inline
  from ${schema}.append_4(
    p_keys, p_ids, p_expected, p_counts, p_owners, p_event_streams, p_event_ordinals, p_event_ids, p_types, null, p_data,
    p_metadata, p_times, p_command_owners, p_command_keys, p_fingerprints, v_event_commands, v_commands, v_streams,
    v_counts, p_joined, p_inline, p_ordered, p_lock_timeout, p_time_of, null, null
  ) as a;
end $$`

/**
 * The function that processes of revision 1 call. It does the same, for a caller
 * that imports nothing, waits without a limit of its own, and knows one time only.
 */
const appendFunction1 = (schema: string): string => `
create or replace function ${schema}.append(
  p_keys text[], p_ids text[], p_expected bigint[], p_counts int[], p_owners int[],
  p_event_streams int[], p_event_ordinals int[], p_event_ids uuid[], p_types text[], p_data jsonb[], p_metadata jsonb[],
  p_command_owners int[], p_command_keys text[], p_fingerprints text[], p_joined boolean,
  p_inline bigint[] default null, p_ordered bigint[] default '{}',
  out o_failed int[], out o_repeated int[], out o_bases bigint[], out o_positions bigint[], out o_recorded_at timestamptz,
  out o_inline bigint[]
) language plpgsql ${ownPath} as $$
begin
  select a.o_failed, a.o_repeated, a.o_bases, a.o_positions,
    coalesce((select max(t.time) from unnest(a.o_times) as t(time)), clock_timestamp()), a.o_inline
  into o_failed, o_repeated, o_bases, o_positions, o_recorded_at, o_inline
  from ${schema}.append_2(
    p_keys, p_ids, p_expected, p_counts, p_owners, p_event_streams, p_event_ordinals, p_event_ids, p_types, p_data,
    p_metadata, null, p_command_owners, p_command_keys, p_fingerprints, p_joined, p_inline, p_ordered, 0, 2
  ) as a;
end $$`

/** The functions that processes of former revisions call. */
export const formerAppendFunctions = (schema: string): ReadonlyArray<string> => [
  appendEventFunction1(schema),
  appendFunction3(schema),
  appendFunction2(schema),
  appendFunction1(schema)
]
