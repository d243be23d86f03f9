import { ofAppend, refuseStandby } from "./history.ts"
import { lastDrawn } from "./horizon.ts"
import { findInline, lockInline, lockOrdered } from "./inline.ts"
import { ownPath } from "./security.ts"
import * as Times from "./times.ts"

/**
 * The function that appends. One call has any number of independent appends, and
 * each happens whole or not at all. The commands of an append are its parts that
 * carry a command id. Such a part has a receipt of its own.
 *
 * Binds of a call (arrays run in parallel):
 *
 * | bind | meaning |
 * |---|---|
 * | p_keys | the streams' keys, in ascending order |
 * | p_ids | the streams' ids, or null where all equal their keys |
 * | p_expected | the version that the stream must have: -1 any, -2 any above 0 |
 * | p_counts | the number of events that the stream gets; 0 for a stream that is only checked |
 * | p_owners | the append of the call that touches the stream |
 * | p_event_streams | the event's stream, an index into p_keys |
 * | p_event_ordinals | the event's place among those of its stream, from 1 |
 * | p_event_ids, p_types, p_data, p_metadata | the event; the JSON value null comes as SQL's null |
 * | p_schema_versions | the versions of the schemas of the data; null if each is 1 |
 * | p_times | the times of imported events in milliseconds since 1970, null for other events; null if none is imported |
 * | p_command_owners, p_command_keys, p_fingerprints | the commands, keys ascending, and the append of each; null if there are none |
 * | p_event_commands | the event's command, an index into p_command_keys; 0 if it has none |
 * | p_receipt_commands, p_receipt_streams, p_receipt_counts | the streams that the receipt of a command names, in its order: indices into p_command_keys and p_keys, and how many events the stream has got by then |
 * | p_joined | whether the call runs in a caller's transaction |
 * | p_inline | the promotions of the generations that the caller maintains in the same transaction; null for a caller older than inline views |
 * | p_ordered | the generations among them whose records are touched by events of several streams, ascending |
 * | p_lock_timeout | how long the call waits for a lock, in milliseconds; 0 for the limit that the caller has set |
 * | p_time_of | which streams get one time: 0 each has its own, as every append writes one at most; 1 those of an append; 2 all |
 * | p_history, p_log | the history and the identity of the log that the caller has checked; null for a caller that checks nothing |
 *
 * Results (a list may be null if it is empty): o_failed names the appends whose check failed. o_repeated names the
 * commands that are repeats, as indices into p_command_keys; their appends were
 * left out, and the other keys of these appends are new again. o_refused has the
 * events whose times let an append be left out: the first of each
 * append, an index into p_event_streams. For each of them o_limits has the time
 * before which the event must not be, or null if its time lies in the future.
 * o_bases has the version of each stream before the call, o_times the time that
 * its events get unless they are imported. o_positions has the position of
 * each event, in the order of the binds; null if it was left out. o_history has
 * the number of the log's history. If the log is in another
 * history than the caller has checked, or is another log, nothing is done, and
 * o_positions is null. o_inline has the generations that the events may touch: the caller must apply the events to them
 * before the transaction ends. The call fails if the caller does not maintain one.
 *
 * Why it is correct. (1) All locks are taken in one order, views before command
 * keys before stream keys and each ascending, so calls cannot deadlock. (2) A head
 * stays locked from its check to the commit, even if it is only read. So what was
 * checked still holds at the commit: no write skew. (3) Positions are drawn after
 * all locks are held, so they grow with the versions. (4) The advisory lock says
 * "positions above this one may be mine" before the first position is drawn, and
 * Postgres makes a commit visible before it releases its locks: see
 * `sql/horizon.ts`. (5) Events are applied to a record in the order of their
 * positions, and each transaction sees what earlier ones have made of it. If only
 * one stream touches the record, the head of this stream is the lock for that.
 * Otherwise it is the lock of the generation, which is taken before a position is
 * drawn and kept to the end. A transaction that waits for this lock holds no
 * stream head, so it cannot block the holder's next append. (6) Times: see
 * `sql/times.ts`.
 */
export const appendFunction = (schema: string, namespace: number): string => {
  const log = ofAppend(schema)
  return `
create or replace function ${schema}.append_4(
  p_keys text[], p_ids text[], p_expected bigint[], p_counts int[], p_owners int[],
  p_event_streams int[], p_event_ordinals int[], p_event_ids uuid[], p_types text[],
  p_schema_versions int[], p_data jsonb[], p_metadata jsonb[], p_times bigint[],
  p_command_owners int[], p_command_keys text[], p_fingerprints text[], p_event_commands int[],
  p_receipt_commands int[], p_receipt_streams int[], p_receipt_counts int[], p_joined boolean,
  p_inline bigint[], p_ordered bigint[], p_lock_timeout int, p_time_of int, p_history bigint, p_log uuid,
  out o_failed int[], out o_repeated int[], out o_refused int[], out o_limits timestamptz[],
  out o_bases bigint[], out o_times timestamptz[], out o_positions bigint[], out o_inline bigint[], out o_history bigint
) language plpgsql ${ownPath} as $$
declare
  v_ids text[];
  v_heads bigint[];
  v_left_out int[];
  v_repeated int[] := '{}';
  v_head bigint;
  v_version bigint;
  v_view bigint;
  v_has_inline boolean;
  v_promotions bigint[];
  v_lock_timeout text;
  v_done text;
${Times.variables}${log.variables}
begin
${refuseStandby}
  v_lock_timeout := current_setting('lock_timeout');
  if p_lock_timeout > 0
    and (v_lock_timeout = '0' or v_lock_timeout::interval > p_lock_timeout * interval '1 millisecond') then
    v_done := set_config('lock_timeout', p_lock_timeout::text, true);
  end if;
${lockInline(schema)}
${log.look("v_has_inline", "o_history")}
${log.check}
${findInline(schema)}
${Times.floor}

  v_ids := coalesce(p_ids, p_keys);
${lockOrdered(schema)}
  o_failed := '{}';
  o_repeated := '{}';
  o_refused := '{}';
  o_limits := '{}';
  o_positions := '{}';

  if cardinality(p_command_keys) > 0 then
    with fresh as (
      insert into ${schema}.commands (key, fingerprint, recorded_at)
      select c.key, c.fingerprint, clock_timestamp() from unnest(p_command_keys, p_fingerprints) as c(key, fingerprint)
      on conflict do nothing returning key
    )
    select coalesce(array_agg(c.ord::int), '{}'), coalesce(array_agg(c.owner), '{}') into o_repeated, v_repeated
    from unnest(p_command_owners, p_command_keys) with ordinality as c(owner, key, ord)
    where not exists (select from fresh where fresh.key = c.key);
    if cardinality(o_repeated) > 0 then
      delete from ${schema}.commands where key in (
        select c.key from unnest(p_command_owners, p_command_keys) with ordinality as c(owner, key, ord)
        where c.owner = any (v_repeated) and c.ord <> all (o_repeated)
      );
    end if;
  end if;
${Times.before}

  if cardinality(p_keys) = 1 and p_counts[1] > 0 and cardinality(v_repeated) = 0 then
    -- For one head, the statement for many heads takes twice as long.
    insert into ${schema}.streams as s (key, version, recorded_at)
    values (p_keys[1], p_counts[1], ${Times.ofNewHead("v_imports[1]")})
    on conflict (key) do update set version = s.version + excluded.version, recorded_at = ${Times.ofHead}
    returning s.id, s.version - p_counts[1], s.recorded_at into v_head, v_version, v_time;
    v_heads := array[v_head];
    o_bases := array[v_version];
    o_times := array[v_time];
    v_is_unknown := v_time is null;
  elsif 0 = any (p_counts) then
    -- A set-based upsert cannot mix lock modes: one head after the other.
    for i in 1 .. cardinality(p_keys) loop
      v_time := null;
      if p_owners[i] = any (v_repeated) then
        v_head := null;
        v_version := 0;
      elsif p_counts[i] > 0 then
        insert into ${schema}.streams as s (key, version, recorded_at)
        values (p_keys[i], p_counts[i], ${Times.ofNewHead("v_imports[i]")})
        on conflict (key) do update set version = s.version + excluded.version, recorded_at = ${Times.ofHead}
        returning s.id, s.version - p_counts[i], s.recorded_at into v_head, v_version, v_time;
        v_is_unknown := v_is_unknown or v_time is null;
      elsif p_expected[i] = -1 then
        select s.id, s.version into v_head, v_version from ${schema}.streams s where s.key = p_keys[i];
        v_version := coalesce(v_version, 0);
      else
        -- Shared, so that appends which only read a stream do not queue for it.
        select s.id, s.version into v_head, v_version from ${schema}.streams s where s.key = p_keys[i] for share;
        if not found then
          insert into ${schema}.streams (key, version) values (p_keys[i], 0) on conflict do nothing;
          select s.id, s.version into v_head, v_version from ${schema}.streams s where s.key = p_keys[i] for share;
        end if;
      end if;
      v_heads[i] := v_head;
      o_bases[i] := v_version;
      o_times[i] := v_time;
    end loop;
  else
    with head as (
      insert into ${schema}.streams as s (key, version, recorded_at)
      select t.key, t.count, ${Times.ofNewHead("t.imports")}
      from unnest(p_keys, p_counts, p_owners, v_imports) with ordinality as t(key, count, owner, imports, ord)
      where t.owner <> all (v_repeated) order by t.ord
      on conflict (key) do update set version = s.version + excluded.version, recorded_at = ${Times.ofHead}
      returning s.id, s.key, s.version, s.recorded_at
    )
    select array_agg(head.id order by t.ord), array_agg(head.version - t.count order by t.ord),
      array_agg(head.recorded_at order by t.ord)
    into v_heads, o_bases, o_times
    from unnest(p_keys, p_counts) with ordinality as t(key, count, ord) left join head on head.key = t.key;
    v_is_unknown := array_position(o_times, null) is not null;
  end if;
  v_done := set_config('lock_timeout', v_lock_timeout, true);

  select coalesce(array_agg(distinct t.owner), '{}') into o_failed
  from unnest(p_owners, p_expected, o_bases) as t(owner, expected, base)
  where t.owner <> all (v_repeated)
    and not (case t.expected when -1 then true when -2 then t.base > 0 else t.base = t.expected end);
  v_left_out := o_failed;
${Times.after(schema)}

  if cardinality(v_left_out) > 0 then
    update ${schema}.streams s set version = s.version - t.count, recorded_at = null
    from unnest(v_heads, p_counts, p_owners) as t(head, count, owner)
    where s.id = t.head and t.count > 0 and t.owner = any (v_left_out);
    delete from ${schema}.commands
    where key in (select c.key from unnest(p_command_owners, p_command_keys) as c(owner, key) where c.owner = any (v_left_out));
  end if;
  v_left_out := v_left_out || v_repeated;

  if cardinality(p_event_streams) > 0 then
    -- One lock is enough for a transaction of many calls: the first is the lowest.
    if not p_joined or coalesce(current_setting('${appending(schema)}', true), '') <> '${namespace}' then
      v_done := ${holdBack(schema, namespace)}::text;
      if p_joined then
        v_done := set_config('${appending(schema)}', '${namespace}', true);
      end if;
    end if;
    with inserted as (
      insert into ${schema}.events (stream, stream_id, version, event_id, type, schema_version, data, metadata, recorded_at, original_time)
      select v_heads[e.stream], v_ids[e.stream], o_bases[e.stream] + e.ordinal, e.id, e.type,
        coalesce(e.schema_version, 1), coalesce(e.data, 'null'), e.metadata, o_times[e.stream], ${Times.original}
      from unnest(p_event_streams, p_event_ordinals, p_event_ids, p_types, p_schema_versions, p_data, p_metadata, p_times)
        with ordinality as e(stream, ordinal, id, type, schema_version, data, metadata, time, ord)
      where p_owners[e.stream] <> all (v_left_out) order by e.ord
      returning position
    )
    select coalesce(array_agg(position), '{}') into o_positions from inserted;
    if cardinality(v_left_out) > 0 then
      select array_agg(case when e.included then o_positions[e.place] end order by e.ord) into o_positions
      from (
        select ord, included, count(*) filter (where included) over (order by ord) as place
        from unnest(p_event_streams) with ordinality as e(stream, ord)
          cross join lateral (select p_owners[e.stream] <> all (v_left_out) as included) as i
      ) as e;
    end if;
  end if;

  if cardinality(p_command_keys) > 0 then
    with stream as (
      select r.command, array_agg(v_ids[r.stream] order by r.ord) as ids,
        array_agg(o_bases[r.stream] + r.count order by r.ord) as versions
      from unnest(p_receipt_commands, p_receipt_streams, p_receipt_counts) with ordinality as r(command, stream, count, ord)
      group by r.command
    ), placed as (
      select e.command, array_agg(e.position order by e.ord) as positions
      from unnest(p_event_commands, o_positions) with ordinality as e(command, position, ord)
      where e.command > 0 group by e.command
    )
    update ${schema}.commands set
      streams = coalesce(stream.ids, '{}'),
      versions = coalesce(stream.versions, '{}'),
      positions = coalesce(placed.positions, '{}')
    from unnest(p_command_owners, p_command_keys) with ordinality as c(owner, key, ord)
      left join stream on stream.command = c.ord left join placed on placed.command = c.ord
    where commands.key = c.key and c.owner <> all (v_left_out);
  end if;
end $$`
}

// A setting for each schema: schemas that came together with the same number take a lock each.
const appending = (schema: string): string => `hexfold.appending_${schema.replaceAll('"', "")}`

/** Says that the positions from here on may be the transaction's own, as an expression. */
export const holdBack = (schema: string, namespace: number): string =>
  `pg_advisory_xact_lock_shared((${namespace}::bigint << 48) | ${lastDrawn(schema)})`

/** Calls the function. The binds are in the order of its parameters. */
export const appendCall = (schema: string): string =>
  `select o_failed, o_repeated, o_refused, o_limits, o_bases, o_times, o_positions, o_inline, o_history
   from ${schema}.append_4($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
     $23, $24, $25, $26, $27)`
