set local check_function_bodies = off;
--
create schema "hexfold";
--
create table hexfold.migrations (
  migration_id integer not null,
  created_at timestamp with time zone not null default now(),
  name text not null
);
--
create table hexfold.streams (
  id bigint not null generated always as identity (sequence name hexfold.streams_id_seq),
  key text collate "C" not null,
  version bigint not null,
  recorded_at timestamp with time zone
) with (fillfactor=80);
--
create table hexfold.events (
  "position" bigint not null generated always as identity (sequence name hexfold.events_position),
  stream bigint not null,
  stream_id text collate "C" not null,
  version bigint not null,
  event_id uuid not null,
  type text collate "C" not null,
  schema_version smallint not null default 1,
  data jsonb not null,
  metadata jsonb not null,
  recorded_at timestamp with time zone not null,
  original_time timestamp with time zone
);
--
create table hexfold.commands (
  key text collate "C" not null,
  fingerprint text not null,
  streams text[] not null default '{}'::text[],
  versions bigint[] not null default '{}'::bigint[],
  positions bigint[] not null default '{}'::bigint[],
  recorded_at timestamp with time zone not null
) with (fillfactor=50);
--
create table hexfold.views (
  id bigint not null generated always as identity (sequence name hexfold.views_id_seq),
  view text collate "C" not null,
  version bigint not null,
  serves boolean not null,
  build bigint not null default 1,
  replaced boolean not null default false,
  inline boolean not null default false,
  aggregates text[] not null default '{}'::text[],
  types text[] not null default '{}'::text[],
  promotion bigint not null default 0,
  fingerprint text,
  foreign_append_at timestamp with time zone,
  known_types text[]
) with (fillfactor=50);
--
create table hexfold.view_parts (
  generation bigint not null,
  index integer not null,
  epoch bigint not null,
  "position" bigint not null,
  owner text not null default ''::text,
  leased_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  failure jsonb,
  events_per_second double precision,
  positions_per_second double precision,
  history bigint,
  history_at bigint,
  changes bigint not null default 0,
  changes_at bigint not null default 0
) with (fillfactor=50);
--
create table hexfold.view_letters (
  generation bigint not null,
  "position" bigint not null,
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  parked boolean not null,
  stream text not null,
  event_version bigint not null,
  type text not null,
  mishap jsonb,
  at double precision not null
);
--
create table hexfold.inline_changes (
  count bigint not null
);
--
create table hexfold.revisions (
  is_only boolean not null default true,
  functions integer not null,
  lowest integer not null,
  lock_namespace integer
);
--
create table hexfold.log (
  is_only boolean not null default true,
  id uuid not null,
  name text not null
);
--
create table hexfold.histories (
  history bigint not null,
  began_after bigint not null,
  timeline integer,
  noticed_at timestamp with time zone not null
);
--
create unlogged table hexfold.life (
  history bigint not null,
  started timestamp with time zone not null,
  relation oid not null
);
--
create table hexfold.snapshots (
  key text collate "C" not null,
  fingerprint text collate "C" not null,
  aggregate text collate "C" not null,
  version bigint not null,
  history bigint not null,
  "position" bigint not null,
  state json not null,
  saved_at timestamp with time zone not null
) with (fillfactor=50);
--
create table hexfold.view_1 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create table hexfold.view_2 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create table hexfold.view_3 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create table hexfold.view_4 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create table hexfold.view_5 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create table hexfold.view_6 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create table hexfold.view_7 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create table hexfold.view_8 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create table hexfold.view_9 (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null
) with (fillfactor=80);
--
create sequence hexfold.view_epochs;
--
create sequence hexfold.noted minvalue 0 start 0;
--
CREATE OR REPLACE FUNCTION hexfold.refuse()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
   begin
     raise exception '% of % is refused: recorded events never change', tg_op, tg_table_name using errcode = 'HX002';
   end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.sort_key(value jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'boolean'::text THEN CASE WHEN (value)::boolean THEN '2'::text ELSE '1'::text END WHEN 'number'::text THEN CASE WHEN ((value)::double precision < (0)::double precision) THEN ('3'::text || translate(encode(float8send((value)::double precision), 'hex'::text), '0123456789abcdef'::text, 'fedcba9876543210'::text)) ELSE ('4'::text || encode(float8send((value)::double precision), 'hex'::text)) END WHEN 'string'::text THEN ('5'::text || (value #>> '{}'::text[])) WHEN 'array'::text THEN '6'::text WHEN 'object'::text THEN '6'::text ELSE '0'::text END;
--
CREATE OR REPLACE FUNCTION hexfold.drawn()
 RETURNS bigint
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    select (select coalesce(pg_sequence_last_value('"hexfold".events_position'::regclass), 0) from "hexfold".events_position) $function$;
--
CREATE OR REPLACE FUNCTION hexfold.horizon_2(p_joined boolean, p_notes boolean, p_names boolean, OUT o_log uuid, OUT o_history bigint, OUT o_horizon bigint, OUT o_last bigint, OUT o_noted bigint, OUT o_now timestamp with time zone, OUT o_holders jsonb)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_lowest bigint;
  v_end bigint;
  v_pids int[];
  v_transactions text[];
begin
  if pg_is_in_recovery() then
    raise exception 'the server is a standby, or a copy that still recovers: only the primary can append and tell how far the log is complete. Connect to the primary'
      using errcode = 'HX004';
  end if;
  if p_joined and current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'reading the whole store inside a transaction needs READ COMMITTED, this one is %',
      current_setting('transaction_isolation') using errcode = 'HX001';
  end if;
  select l.id into o_log from "hexfold".log l;
  o_history := "hexfold".history();
  o_now := clock_timestamp();
  select max(e.position) into v_end from "hexfold".events e;
  o_last := (select coalesce(pg_sequence_last_value('"hexfold".events_position'::regclass), 0) from "hexfold".events_position);
  if v_end > o_last then
    raise exception 'the sequence of the positions stands at %, below the last position of the log, %: events would get positions that readers have passed. Check where the events came from, then run: %',
      o_last, v_end, 'select setval(''hexfold.events_position'', ' || v_end || ')' using errcode = 'HX005';
  end if;
  -- One look at the locks: who holds the horizon back is who was seen when it was computed.
  select min(((classid::bigint & 65535) << 32) | objid::bigint), array_agg(pid), array_agg(virtualtransaction)
  into v_lowest, v_pids, v_transactions
  from pg_locks
  where locktype = 'advisory' and objsubid = 1 and granted
    and database = (select oid from pg_database where datname = current_database())
    and classid::bigint >> 16 = 1;
  o_horizon := least(o_last, v_lowest);
  o_noted := (
    select case when n.last_value >> 48 = o_history & 32767 then n.last_value & 281474976710655 else 0 end from "hexfold".noted n);
  -- One notes at a time, so what was noted is never lowered within a history.
  if p_notes and not p_joined and o_noted < o_last and current_setting('transaction_read_only') = 'off'
    and has_sequence_privilege('"hexfold".noted'::regclass::oid, 'update')
    and pg_try_advisory_xact_lock(hashtext('hexfold noted "hexfold"'), 0) then
    o_noted := (
    select case when n.last_value >> 48 = o_history & 32767 then n.last_value & 281474976710655 else 0 end from "hexfold".noted n);
    if o_noted < o_last then
      perform setval('"hexfold".noted'::regclass, (o_history & 32767) << 48 | o_last);
      o_noted := o_last;
    end if;
  end if;
  if p_names and o_horizon < o_last then
    select jsonb_agg(h order by h.since) into o_holders from (
      select l.pid, min(a.application_name) as application, l.pid is null as prepared,
        extract(epoch from min(coalesce(a.xact_start, a.state_change, x.prepared))) * 1000 as since
      from unnest(v_pids, v_transactions) as l(pid, transaction)
        left join pg_stat_activity a on a.pid = l.pid
        left join pg_locks t on l.pid is null and t.pid is null and t.locktype = 'transactionid' and t.virtualtransaction = l.transaction
        left join pg_prepared_xacts x on x.transaction = t.transactionid
      group by l.pid, l.transaction order by since nulls last limit 10
    ) as h;
  end if;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.horizon(p_joined boolean, OUT o_horizon bigint, OUT o_last bigint)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  select h.o_horizon, h.o_last into o_horizon, o_last from "hexfold".horizon_2(p_joined, false, false) as h;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.next_history()
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    select greatest(max(h.history) + 1 + life.seconds % 1000, life.seconds + '"hexfold".life'::regclass::oid::bigint % 1048576)
    from "hexfold".histories h
      cross join (select floor(extract(epoch from pg_postmaster_start_time()))::bigint as seconds) as life
    group by life.seconds $function$;
--
CREATE OR REPLACE FUNCTION hexfold.begin_history(p_end bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_drawn bigint := "hexfold".drawn();
  v_present bigint;
  v_history bigint;
begin
  -- Another call may have begun a history since this one has looked. One statement sees one moment.
  select (
    select case
        when n.last_value >> 48 <> l.history & 32767 then l.history
        when n.last_value & 281474976710655 <= case when p.is_called then p.last_value else 0 end then l.history
      end
    from "hexfold".life l cross join "hexfold".noted n cross join "hexfold".events_position p
    where l.started = pg_postmaster_start_time() and l.relation = l.tableoid
    order by l.history desc limit 1), "hexfold".next_history() into v_present, v_history;
  if v_present is not null and p_end is null then
    return v_present;
  end if;
  if current_setting('transaction_read_only') = 'off'
    and has_table_privilege('"hexfold".histories'::regclass::oid, 'insert') then
    insert into "hexfold".histories (history, began_after, timeline, noticed_at)
    values (v_history, least(v_drawn, p_end), ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int, clock_timestamp());
    insert into "hexfold".life (history, started, relation)
    values (v_history, pg_postmaster_start_time(), '"hexfold".life'::regclass);
  end if;
  return v_history;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.history()
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return coalesce((
    select case
        when n.last_value >> 48 <> l.history & 32767 then l.history
        when n.last_value & 281474976710655 <= case when p.is_called then p.last_value else 0 end then l.history
      end
    from "hexfold".life l cross join "hexfold".noted n cross join "hexfold".events_position p
    where l.started = pg_postmaster_start_time() and l.relation = l.tableoid
    order by l.history desc limit 1), "hexfold".begin_history(null));
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.taken_back(p_history bigint, p_end bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- One at a time, so that two processes that notice the same begin one history.
  perform pg_advisory_xact_lock(hashtext('hexfold taken back "hexfold"'), 0);
  if "hexfold".history() = p_history then
    perform "hexfold".begin_history(p_end);
  end if;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.readable(p_position bigint, p_history bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if pg_catalog.row_security_active('"hexfold".events'::pg_catalog.regclass::pg_catalog.oid) then
    raise exception 'row-level security may hide events from the role %: disable it on the tables of the schema, or give the role BYPASSRLS',
      current_user using errcode = 'HX006';
  end if;
  if coalesce((
    select case
        when n.last_value >> 48 <> l.history & 32767 then l.history
        when n.last_value & 281474976710655 <= case when p.is_called then p.last_value else 0 end then l.history
      end
    from "hexfold".life l cross join "hexfold".noted n cross join "hexfold".events_position p
    where l.started = pg_postmaster_start_time() and l.relation = l.tableoid
    order by l.history desc limit 1), "hexfold".next_history()) <> p_history then
    raise exception 'the log has begun another history during the read: repeat it' using errcode = '40001';
  end if;
  return p_position;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.lock_inline(OUT o_last bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '500ms'
AS $function$
begin
  perform pg_advisory_xact_lock(hashtext('hexfold inline "hexfold"'), 0);
  o_last := "hexfold".drawn();
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.demote(p_generations bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_last bigint := "hexfold".lock_inline();
begin
  perform from "hexfold".views where id = any (p_generations) order by id for no key update;
  with demoted as (
    update "hexfold".views set inline = false where id = any (p_generations) and inline returning id
  )
  update "hexfold".view_parts set position = v_last, history = "hexfold".history(), history_at = v_last,
    changes = changes + greatest(position - changes_at, 0) + 1, changes_at = v_last
  from demoted where generation = demoted.id;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.reached(p_inline boolean, p_position bigint)
 RETURNS bigint
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    select case when p_inline then (select o_horizon from "hexfold".horizon(false)) else p_position end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.append_4(p_keys text[], p_ids text[], p_expected bigint[], p_counts integer[], p_owners integer[], p_event_streams integer[], p_event_ordinals integer[], p_event_ids uuid[], p_types text[], p_schema_versions integer[], p_data jsonb[], p_metadata jsonb[], p_times bigint[], p_command_owners integer[], p_command_keys text[], p_fingerprints text[], p_event_commands integer[], p_receipt_commands integer[], p_receipt_streams integer[], p_receipt_counts integer[], p_joined boolean, p_inline bigint[], p_ordered bigint[], p_lock_timeout integer, p_time_of integer, p_history bigint, p_log uuid, OUT o_failed integer[], OUT o_repeated integer[], OUT o_refused integer[], OUT o_limits timestamp with time zone[], OUT o_bases bigint[], OUT o_times timestamp with time zone[], OUT o_positions bigint[], OUT o_inline bigint[], OUT o_history bigint)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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

  v_time timestamptz;
  v_floor timestamptz;
  v_now timestamptz;
  v_imports boolean[];
  v_is_unknown boolean := false;
  v_known timestamptz[];
  v_lasts timestamptz[];
  v_drawn bigint;
  v_end bigint;
  v_end_time timestamptz;
  v_log uuid;
begin
  if pg_is_in_recovery() then
    raise exception 'the server is a standby, or a copy that still recovers: only the primary can append and tell how far the log is complete. Connect to the primary'
      using errcode = 'HX004';
  end if;
  v_lock_timeout := current_setting('lock_timeout');
  if p_lock_timeout > 0
    and (v_lock_timeout = '0' or v_lock_timeout::interval > p_lock_timeout * interval '1 millisecond') then
    v_done := set_config('lock_timeout', p_lock_timeout::text, true);
  end if;

  if p_inline is null then
    if exists (select from "hexfold".views v
  where v.inline and (v.types && p_types or not p_types <@ v.known_types)
    and exists (select from unnest(coalesce(p_ids, p_keys)) as t(id) where split_part(t.id, '-', 1) = any (v.aggregates))) then
      perform "hexfold".demote(array(select v.id from "hexfold".views v
  where v.inline and (v.types && p_types or not p_types <@ v.known_types)
    and exists (select from unnest(coalesce(p_ids, p_keys)) as t(id) where split_part(t.id, '-', 1) = any (v.aggregates))));
    end if;
  end if;
  v_done := pg_advisory_xact_lock_shared(hashtext('hexfold inline "hexfold"'), 0)::text;

  select exists (select from "hexfold".views v where v.inline), (
    select case
        when n.last_value >> 48 <> l.history & 32767 then l.history
        when n.last_value & 281474976710655 <= case when p.is_called then p.last_value else 0 end then l.history
      end
    from "hexfold".life l cross join "hexfold".noted n cross join "hexfold".events_position p
    where l.started = pg_postmaster_start_time() and l.relation = l.tableoid
    order by l.history desc limit 1), (select l.id from "hexfold".log l), p.last_value, e.position, e.recorded_at
  into v_has_inline, o_history, v_log, v_drawn, v_end, v_end_time
  from "hexfold".events_position p left join (
    select e.position, e.recorded_at from "hexfold".events e order by e.position desc limit 1) as e on true;

  if v_end > v_drawn then
    raise exception 'the sequence of the positions stands at %, below the last position of the log, %: events would get positions that readers have passed. Check where the events came from, then run: %',
      v_drawn, v_end, 'select setval(''hexfold.events_position'', ' || v_end || ')' using errcode = 'HX005';
  end if;
  if o_history is null then
    o_history := "hexfold".begin_history(null);
  end if;
  if p_history <> o_history or (p_history is not null and p_log is distinct from v_log) then
    v_done := set_config('lock_timeout', v_lock_timeout, true);
    return;
  end if;

  o_inline := '{}';
  if v_has_inline then
    select coalesce(array_agg(v.id), '{}'), coalesce(array_agg(v.promotion), '{}') into o_inline, v_promotions
    from "hexfold".views v
  where v.inline and (v.types && p_types or not p_types <@ v.known_types)
    and exists (select from unnest(coalesce(p_ids, p_keys)) as t(id) where split_part(t.id, '-', 1) = any (v.aggregates));
  end if;
  if p_joined and current_setting('transaction_isolation') <> 'read committed' then
    perform from "hexfold".inline_changes for share;
    if cardinality(o_inline) > 0 then
      raise exception 'maintaining a view inside a transaction needs READ COMMITTED, this one is %',
        current_setting('transaction_isolation') using errcode = 'HX001';
    end if;
  end if;
  if v_has_inline and not v_promotions <@ coalesce(p_inline, '{}') then
    raise exception 'appends maintain a view that this process does not'
      using errcode = case when p_inline is null then '40001' else 'HX003' end,
        detail = array_to_string(o_inline, ',');
  end if;

  if v_end > v_drawn - 1000 then
    v_floor := v_end_time;
  end if;

  v_ids := coalesce(p_ids, p_keys);

  foreach v_view in array p_ordered loop
    if v_view = any (o_inline) then
      perform pg_advisory_xact_lock(hashtext('hexfold inline "hexfold"'), v_view::int);
    end if;
  end loop;
  o_failed := '{}';
  o_repeated := '{}';
  o_refused := '{}';
  o_limits := '{}';
  o_positions := '{}';

  if cardinality(p_command_keys) > 0 then
    with fresh as (
      insert into "hexfold".commands (key, fingerprint, recorded_at)
      select c.key, c.fingerprint, clock_timestamp() from unnest(p_command_keys, p_fingerprints) as c(key, fingerprint)
      on conflict do nothing returning key
    )
    select coalesce(array_agg(c.ord::int), '{}'), coalesce(array_agg(c.owner), '{}') into o_repeated, v_repeated
    from unnest(p_command_owners, p_command_keys) with ordinality as c(owner, key, ord)
    where not exists (select from fresh where fresh.key = c.key);
    if cardinality(o_repeated) > 0 then
      delete from "hexfold".commands where key in (
        select c.key from unnest(p_command_owners, p_command_keys) with ordinality as c(owner, key, ord)
        where c.owner = any (v_repeated) and c.ord <> all (o_repeated)
      );
    end if;
  end if;

  if p_times is not null then
    select array_agg(i.stream is not null order by k.ord) into v_imports
    from generate_series(1, cardinality(p_keys)) as k(ord) left join (
      select distinct e.stream from unnest(p_event_streams, p_times) as e(stream, time) where e.time is not null
    ) as i on i.stream = k.ord;
  end if;

  if cardinality(p_keys) = 1 and p_counts[1] > 0 and cardinality(v_repeated) = 0 then
    -- For one head, the statement for many heads takes twice as long.
    insert into "hexfold".streams as s (key, version, recorded_at)
    values (p_keys[1], p_counts[1], case when v_imports[1] then null else greatest((clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor) end)
    on conflict (key) do update set version = s.version + excluded.version, recorded_at = case when s.recorded_at is null or excluded.recorded_at is null then s.recorded_at else greatest(s.recorded_at, (clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor) end
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
        insert into "hexfold".streams as s (key, version, recorded_at)
        values (p_keys[i], p_counts[i], case when v_imports[i] then null else greatest((clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor) end)
        on conflict (key) do update set version = s.version + excluded.version, recorded_at = case when s.recorded_at is null or excluded.recorded_at is null then s.recorded_at else greatest(s.recorded_at, (clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor) end
        returning s.id, s.version - p_counts[i], s.recorded_at into v_head, v_version, v_time;
        v_is_unknown := v_is_unknown or v_time is null;
      elsif p_expected[i] = -1 then
        select s.id, s.version into v_head, v_version from "hexfold".streams s where s.key = p_keys[i];
        v_version := coalesce(v_version, 0);
      else
        -- Shared, so that appends which only read a stream do not queue for it.
        select s.id, s.version into v_head, v_version from "hexfold".streams s where s.key = p_keys[i] for share;
        if not found then
          insert into "hexfold".streams (key, version) values (p_keys[i], 0) on conflict do nothing;
          select s.id, s.version into v_head, v_version from "hexfold".streams s where s.key = p_keys[i] for share;
        end if;
      end if;
      v_heads[i] := v_head;
      o_bases[i] := v_version;
      o_times[i] := v_time;
    end loop;
  else
    with head as (
      insert into "hexfold".streams as s (key, version, recorded_at)
      select t.key, t.count, case when t.imports then null else greatest((clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor) end
      from unnest(p_keys, p_counts, p_owners, v_imports) with ordinality as t(key, count, owner, imports, ord)
      where t.owner <> all (v_repeated) order by t.ord
      on conflict (key) do update set version = s.version + excluded.version, recorded_at = case when s.recorded_at is null or excluded.recorded_at is null then s.recorded_at else greatest(s.recorded_at, (clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor) end
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

  if p_times is not null or v_is_unknown
    or (p_time_of > 0 and exists (
      select from unnest(p_owners, o_times) as t(owner, time) group by case when p_time_of < 2 then t.owner end
      having min(t.time) <> max(t.time)
    )) then
    v_now := (clock_timestamp() - interval '500 microseconds')::timestamptz(3);
    v_known := o_times;
    select array_agg(coalesce(t.known, last.time) order by t.ord) into v_lasts
    from unnest(v_heads, o_bases, v_known) with ordinality as t(head, base, known, ord)
      left join lateral (
        select coalesce(e.original_time, e.recorded_at) as time from "hexfold".events e where e.stream = t.head and e.version = t.base
      ) as last on t.known is null;
    select array_agg(timed.time order by k.ord) into o_times
    from generate_series(1, cardinality(p_keys)) as k(ord) left join (
      select t.ord, max(case when t.known is null or t.imports then greatest(t.last, v_now, v_floor) else t.known end)
        over (partition by case when p_time_of < 2 then t.owner end) as time
      from unnest(p_owners, p_counts, v_known, v_lasts, v_imports) with ordinality as t(owner, count, known, last, imports, ord)
      where t.count > 0 and t.owner <> all (v_repeated)
    ) as timed on timed.ord = k.ord;
    update "hexfold".streams s set recorded_at = t.time
    from unnest(v_heads, v_known, o_times, v_imports) as t(head, known, time, imports)
    where s.id = t.head and (t.known is null or t.known < t.time) and t.time is not null and t.imports is not true;
  end if;
  if p_times is not null then
    with event as (
      select e.ord, e.stream, p_owners[e.stream] as owner, e.time is not null as imports,
        coalesce('epoch'::timestamptz + e.time * interval '1 millisecond', o_times[e.stream]) as time
      from unnest(p_event_streams, p_times) with ordinality as e(stream, time, ord)
      where p_owners[e.stream] <> all (v_left_out || v_repeated)
    ), placed as (
      select event.*, coalesce(lag(time) over (partition by stream order by ord),
        date_trunc('milliseconds', v_lasts[stream])) as before
      from event
    ), refused as (
      select distinct on (owner) owner, ord, case when time < before then before end as before from placed
      where imports and (time < before or time > greatest(v_now, v_lasts[stream])) order by owner, ord
    )
    select coalesce(array_agg(ord order by ord), '{}'), coalesce(array_agg(before order by ord), '{}'),
      v_left_out || coalesce(array_agg(owner), '{}')
    into o_refused, o_limits, v_left_out from refused;
    update "hexfold".streams s set recorded_at = l.time
    from (
      select distinct on (e.stream) e.stream, greatest(coalesce('epoch'::timestamptz + e.time * interval '1 millisecond', o_times[e.stream]), v_lasts[e.stream]) as time
      from unnest(p_event_streams, p_times) with ordinality as e(stream, time, ord) order by e.stream, e.ord desc
    ) as l
    where s.id = v_heads[l.stream] and p_owners[l.stream] <> all (v_left_out || v_repeated);
  end if;

  if cardinality(v_left_out) > 0 then
    update "hexfold".streams s set version = s.version - t.count, recorded_at = null
    from unnest(v_heads, p_counts, p_owners) as t(head, count, owner)
    where s.id = t.head and t.count > 0 and t.owner = any (v_left_out);
    delete from "hexfold".commands
    where key in (select c.key from unnest(p_command_owners, p_command_keys) as c(owner, key) where c.owner = any (v_left_out));
  end if;
  v_left_out := v_left_out || v_repeated;

  if cardinality(p_event_streams) > 0 then
    -- One lock is enough for a transaction of many calls: the first is the lowest.
    if not p_joined or coalesce(current_setting('hexfold.appending_hexfold', true), '') <> '1' then
      v_done := pg_advisory_xact_lock_shared((1::bigint << 48) | coalesce(pg_sequence_last_value('"hexfold".events_position'::regclass), 0))::text;
      if p_joined then
        v_done := set_config('hexfold.appending_hexfold', '1', true);
      end if;
    end if;
    with inserted as (
      insert into "hexfold".events (stream, stream_id, version, event_id, type, schema_version, data, metadata, recorded_at, original_time)
      select v_heads[e.stream], v_ids[e.stream], o_bases[e.stream] + e.ordinal, e.id, e.type,
        coalesce(e.schema_version, 1), coalesce(e.data, 'null'), e.metadata, o_times[e.stream], case when e.time is not null then greatest('epoch'::timestamptz + e.time * interval '1 millisecond', v_lasts[e.stream]) end
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
    update "hexfold".commands set
      streams = coalesce(stream.ids, '{}'),
      versions = coalesce(stream.versions, '{}'),
      positions = coalesce(placed.positions, '{}')
    from unnest(p_command_owners, p_command_keys) with ordinality as c(owner, key, ord)
      left join stream on stream.command = c.ord left join placed on placed.command = c.ord
    where commands.key = c.key and c.owner <> all (v_left_out);
  end if;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.append_event_2(p_key text, p_id text, p_expected bigint, p_event_id uuid, p_type text, p_schema_version integer, p_data jsonb, p_metadata jsonb, p_lock_timeout integer, p_history bigint, p_log uuid, OUT o_base bigint, OUT o_time timestamp with time zone, OUT o_position bigint, OUT o_maintains boolean)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_head bigint;
  v_history bigint;
  v_floor timestamptz;
  v_done text := current_setting('lock_timeout');
  v_drawn bigint;
  v_end bigint;
  v_end_time timestamptz;
  v_log uuid;
begin
  if pg_is_in_recovery() then
    raise exception 'the server is a standby, or a copy that still recovers: only the primary can append and tell how far the log is complete. Connect to the primary'
      using errcode = 'HX004';
  end if;
  if p_lock_timeout > 0 and (v_done = '0' or v_done::interval > p_lock_timeout * interval '1 millisecond') then
    v_done := set_config('lock_timeout', p_lock_timeout::text, true);
  end if;
  v_done := pg_advisory_xact_lock_shared(hashtext('hexfold inline "hexfold"'), 0)::text;

  select exists (select from "hexfold".views v where v.inline), (
    select case
        when n.last_value >> 48 <> l.history & 32767 then l.history
        when n.last_value & 281474976710655 <= case when p.is_called then p.last_value else 0 end then l.history
      end
    from "hexfold".life l cross join "hexfold".noted n cross join "hexfold".events_position p
    where l.started = pg_postmaster_start_time() and l.relation = l.tableoid
    order by l.history desc limit 1), (select l.id from "hexfold".log l), p.last_value, e.position, e.recorded_at
  into o_maintains, v_history, v_log, v_drawn, v_end, v_end_time
  from "hexfold".events_position p left join (
    select e.position, e.recorded_at from "hexfold".events e order by e.position desc limit 1) as e on true;
  if o_maintains or v_end > v_drawn or v_history is distinct from p_history or v_log is distinct from p_log then
    return;
  end if;

  if v_end > v_drawn - 1000 then
    v_floor := v_end_time;
  end if;
  if p_expected > 0 then
    update "hexfold".streams s set version = s.version + 1, recorded_at = greatest(s.recorded_at, (clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor)
    where s.key = p_key and s.version = p_expected and s.recorded_at is not null
    returning s.id, s.version - 1, s.recorded_at into v_head, o_base, o_time;
  else
    insert into "hexfold".streams as s (key, version, recorded_at) values (p_key, 1, greatest((clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor))
    on conflict (key) do update set version = s.version + 1, recorded_at = greatest(s.recorded_at, (clock_timestamp() - interval '500 microseconds')::timestamptz(3), v_floor)
    where s.recorded_at is not null and p_expected in (-1, s.version)
    returning s.id, s.version - 1, s.recorded_at into v_head, o_base, o_time;
  end if;
  if v_head is null then
    return;
  end if;
  v_done := pg_advisory_xact_lock_shared((1::bigint << 48) | coalesce(pg_sequence_last_value('"hexfold".events_position'::regclass), 0))::text;
  insert into "hexfold".events (stream, stream_id, version, event_id, type, schema_version, data, metadata, recorded_at)
  values (v_head, p_id, o_base + 1, p_event_id, p_type, p_schema_version, coalesce(p_data, 'null'), p_metadata, o_time)
  returning position into o_position;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.append_event(p_key text, p_id text, p_expected bigint, p_event_id uuid, p_type text, p_data jsonb, p_metadata jsonb, p_lock_timeout integer, p_history bigint, p_log uuid, OUT o_base bigint, OUT o_time timestamp with time zone, OUT o_position bigint, OUT o_maintains boolean)
 RETURNS record
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select a.* from "hexfold".append_event_2(
    p_key, p_id, p_expected, p_event_id, p_type, 1, p_data, p_metadata, p_lock_timeout, p_history, p_log
  ) as a $function$;
--
CREATE OR REPLACE FUNCTION hexfold.append_3(p_keys text[], p_ids text[], p_expected bigint[], p_counts integer[], p_owners integer[], p_event_streams integer[], p_event_ordinals integer[], p_event_ids uuid[], p_types text[], p_data jsonb[], p_metadata jsonb[], p_times bigint[], p_command_owners integer[], p_command_keys text[], p_fingerprints text[], p_event_commands integer[], p_receipt_commands integer[], p_receipt_streams integer[], p_receipt_counts integer[], p_joined boolean, p_inline bigint[], p_ordered bigint[], p_lock_timeout integer, p_time_of integer, p_history bigint, p_log uuid, OUT o_failed integer[], OUT o_repeated integer[], OUT o_refused integer[], OUT o_limits timestamp with time zone[], OUT o_bases bigint[], OUT o_times timestamp with time zone[], OUT o_positions bigint[], OUT o_inline bigint[], OUT o_history bigint)
 RETURNS record
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select a.* from "hexfold".append_4(
    p_keys, p_ids, p_expected, p_counts, p_owners, p_event_streams, p_event_ordinals, p_event_ids, p_types, null, p_data,
    p_metadata, p_times, p_command_owners, p_command_keys, p_fingerprints, p_event_commands, p_receipt_commands,
    p_receipt_streams, p_receipt_counts, p_joined, p_inline, p_ordered, p_lock_timeout, p_time_of, p_history, p_log
  ) as a $function$;
--
CREATE OR REPLACE FUNCTION hexfold.append_2(p_keys text[], p_ids text[], p_expected bigint[], p_counts integer[], p_owners integer[], p_event_streams integer[], p_event_ordinals integer[], p_event_ids uuid[], p_types text[], p_data jsonb[], p_metadata jsonb[], p_times bigint[], p_command_owners integer[], p_command_keys text[], p_fingerprints text[], p_joined boolean, p_inline bigint[], p_ordered bigint[], p_lock_timeout integer, p_time_of integer, OUT o_failed integer[], OUT o_repeated integer[], OUT o_refused integer[], OUT o_limits timestamp with time zone[], OUT o_bases bigint[], OUT o_times timestamp with time zone[], OUT o_positions bigint[], OUT o_inline bigint[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
  from "hexfold".append_4(
    p_keys, p_ids, p_expected, p_counts, p_owners, p_event_streams, p_event_ordinals, p_event_ids, p_types, null, p_data,
    p_metadata, p_times, p_command_owners, p_command_keys, p_fingerprints, v_event_commands, v_commands, v_streams,
    v_counts, p_joined, p_inline, p_ordered, p_lock_timeout, p_time_of, null, null
  ) as a;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.append(p_keys text[], p_ids text[], p_expected bigint[], p_counts integer[], p_owners integer[], p_event_streams integer[], p_event_ordinals integer[], p_event_ids uuid[], p_types text[], p_data jsonb[], p_metadata jsonb[], p_command_owners integer[], p_command_keys text[], p_fingerprints text[], p_joined boolean, p_inline bigint[] DEFAULT NULL::bigint[], p_ordered bigint[] DEFAULT '{}'::bigint[], OUT o_failed integer[], OUT o_repeated integer[], OUT o_bases bigint[], OUT o_positions bigint[], OUT o_recorded_at timestamp with time zone, OUT o_inline bigint[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  select a.o_failed, a.o_repeated, a.o_bases, a.o_positions,
    coalesce((select max(t.time) from unnest(a.o_times) as t(time)), clock_timestamp()), a.o_inline
  into o_failed, o_repeated, o_bases, o_positions, o_recorded_at, o_inline
  from "hexfold".append_2(
    p_keys, p_ids, p_expected, p_counts, p_owners, p_event_streams, p_event_ordinals, p_event_ids, p_types, p_data,
    p_metadata, null, p_command_owners, p_command_keys, p_fingerprints, p_joined, p_inline, p_ordered, 0, 2
  ) as a;
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.lock_streams(p_keys text[], p_aggregates text[], p_command_keys text[], p_ordered bigint[], p_lock_timeout integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_lock_timeout text := current_setting('lock_timeout');
  v_view bigint;
  v_key text;
begin
  if v_lock_timeout = '0' or v_lock_timeout::interval > p_lock_timeout * interval '1 millisecond' then
    perform set_config('lock_timeout', p_lock_timeout::text, true);
  end if;
  perform pg_advisory_xact_lock_shared(hashtext('hexfold inline "hexfold"'), 0);
  for v_view in
    select o.id from unnest(p_ordered) with ordinality as o(id, ord) join "hexfold".views v on v.id = o.id
    where v.inline and v.aggregates && p_aggregates order by o.ord
  loop
    perform pg_advisory_xact_lock(hashtext('hexfold inline "hexfold"'), v_view::int);
  end loop;
  foreach v_key in array p_command_keys loop
    insert into "hexfold".commands (key, fingerprint, recorded_at) values (v_key, '', clock_timestamp())
    on conflict do nothing;
    if found then
      delete from "hexfold".commands where key = v_key;
    end if;
  end loop;
  foreach v_key in array p_keys loop
    loop
      perform from "hexfold".streams where key = v_key for no key update;
      exit when found;
      -- As appends do it: a head that does not exist is made at version 0.
      insert into "hexfold".streams (key, version) values (v_key, 0) on conflict do nothing;
      exit when found;
    end loop;
  end loop;
  perform set_config('lock_timeout', v_lock_timeout, true);
end $function$;
--
CREATE OR REPLACE FUNCTION hexfold.stream(p_stream_id text)
 RETURNS TABLE("position" bigint, version bigint, type text, recorded_at timestamp with time zone, data jsonb, metadata jsonb, original_time timestamp with time zone, event_id uuid, stream_id text)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select e.position, e.version, e.type, e.recorded_at, e.data, e.metadata, e.original_time, e.event_id, e.stream_id
  from "hexfold".streams s join "hexfold".events e on e.stream = s.id
  where s.key = case when octet_length(convert_to(p_stream_id, 'UTF8')) <= 2000 then p_stream_id
    else 'sha256:' || encode(sha256(convert_to(p_stream_id, 'UTF8')), 'hex') end
  order by e.version $function$;
--
insert into "hexfold"."migrations" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."migrations", '[{"name": "events", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 1}, {"name": "retention", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 2}, {"name": "views", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 3}, {"name": "generations", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 4}, {"name": "inline", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 5}, {"name": "revisions", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 6}, {"name": "times", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 7}, {"name": "histories", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 8}, {"name": "view histories", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 9}, {"name": "serving versions", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 10}, {"name": "changes", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 11}, {"name": "fingerprints", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 12}, {"name": "foreign appends", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 13}, {"name": "comments", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 14}, {"name": "parked letters", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 15}, {"name": "known types", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 16}, {"name": "snapshots", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 17}, {"name": "conversations", "created_at": "2026-11-27T21:24:35.884494+00:00", "migration_id": 18}]');
--
insert into "hexfold"."streams" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."streams", '[{"id": 1, "key": "Course-ts", "version": 10, "recorded_at": "2026-11-27T21:24:38.708+00:00"}, {"id": 2, "key": "Course-sql", "version": 9, "recorded_at": "2026-11-27T21:24:37.725+00:00"}, {"id": 3, "key": "Course-ünïcödé 🎓", "version": 9, "recorded_at": "2026-11-27T21:24:37.744+00:00"}, {"id": 4, "key": "sha256:526f84ee0b24a9ab084b9874fe584e6152f45a752ef2803b13e807b0205832d8", "version": 1, "recorded_at": "2026-11-27T21:24:36.902+00:00"}, {"id": 6, "key": "Student-student 0", "version": 4, "recorded_at": "2026-11-27T21:24:37.7+00:00"}, {"id": 8, "key": "Student-student 1", "version": 4, "recorded_at": "2026-11-27T21:24:37.725+00:00"}, {"id": 10, "key": "Student-student 2", "version": 4, "recorded_at": "2026-11-27T21:24:37.744+00:00"}, {"id": 12, "key": "Student-student 3", "version": 3, "recorded_at": "2026-11-27T21:24:37.591+00:00"}, {"id": 14, "key": "Student-student 4", "version": 2, "recorded_at": "2026-11-27T21:24:37.404+00:00"}, {"id": 16, "key": "Student-poison 5", "version": 1, "recorded_at": "2026-11-27T21:24:37.283+00:00"}, {"id": 18, "key": "Student-student 6", "version": 3, "recorded_at": "2026-11-27T21:24:37.679+00:00"}, {"id": 30, "key": "Student-student 5", "version": 2, "recorded_at": "2026-11-27T21:24:37.647+00:00"}, {"id": 42, "key": "Student-poison 18", "version": 1, "recorded_at": "2026-11-27T21:24:37.625+00:00"}, {"id": 54, "key": "Student-student 8", "version": 1, "recorded_at": "2026-11-27T21:24:38.708+00:00"}, {"id": 55, "key": "Archive-1", "version": 1, "recorded_at": "2003-04-05T06:07:08.009+00:00"}]');
--
insert into "hexfold"."events" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."events", '[{"data": {"title": "Course \"0\" \\ ''quoted''", "places": 10}, "type": "CoursePlanned", "stream": 1, "version": 1, "event_id": "01a21ee5-57d5-77d9-ac60-6e0803218902", "metadata": {"causationId": "plan 0", "correlationId": "plan 0"}, "position": 1, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:36.486+00:00", "original_time": null, "schema_version": 1}, {"data": {"title": "Course \"1\" \\ ''quoted''", "places": 11}, "type": "CoursePlanned", "stream": 2, "version": 1, "event_id": "01a21ee5-58e6-738b-867b-0039c4b48640", "metadata": {"causationId": "plan 1", "correlationId": "plan 1"}, "position": 2, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:36.733+00:00", "original_time": null, "schema_version": 1}, {"data": {"title": "Course \"2\" \\ ''quoted''", "places": 12}, "type": "CoursePlanned", "stream": 3, "version": 1, "event_id": "01a21ee5-5936-761e-aa8d-9286ecf6196f", "metadata": {"causationId": "plan 2", "correlationId": "plan 2"}, "position": 3, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:36.798+00:00", "original_time": null, "schema_version": 1}, {"data": {"title": "Course \"3\" \\ ''quoted''", "places": 13}, "type": "CoursePlanned", "stream": 4, "version": 1, "event_id": "01a21ee5-5995-72f7-a10a-6a8c0df71ef8", "metadata": {"causationId": "plan 3", "correlationId": "plan 3"}, "position": 4, "stream_id": "Course-€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "recorded_at": "2026-11-27T21:24:36.902+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 0"}, "type": "StudentJoined", "stream": 1, "version": 2, "event_id": "01a21ee5-5aa6-77e7-87d8-2b491c592993", "metadata": {"causationId": "enrol 0", "correlationId": "enrol 0"}, "position": 5, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:37.169+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 6, "version": 1, "event_id": "01a21ee5-5aa6-77e7-87d8-2d4a5d429046", "metadata": {"causationId": "enrol 0", "correlationId": "enrol 0"}, "position": 6, "stream_id": "Student-student 0", "recorded_at": "2026-11-27T21:24:37.169+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 1"}, "type": "StudentJoined", "stream": 2, "version": 2, "event_id": "01a21ee5-5abf-76ee-ac56-ae76a7c5d7f2", "metadata": {"causationId": "01a21ee5-5abf-76ee-ac56-ae76a7c5d7f2", "correlationId": "01a21ee5-5abf-76ee-ac56-ae76a7c5d7f2"}, "position": 7, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:37.189+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "sql"}, "type": "CourseCounted", "stream": 8, "version": 1, "event_id": "01a21ee5-5abf-76ee-ac56-b091d0a5fccd", "metadata": {"causationId": "01a21ee5-5abf-76ee-ac56-ae76a7c5d7f2", "correlationId": "01a21ee5-5abf-76ee-ac56-ae76a7c5d7f2"}, "position": 8, "stream_id": "Student-student 1", "recorded_at": "2026-11-27T21:24:37.189+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 2"}, "type": "StudentJoined", "stream": 3, "version": 2, "event_id": "01a21ee5-5ad1-7061-b543-ee6063713421", "metadata": {"causationId": "enrol 2", "correlationId": "enrol 2"}, "position": 9, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:37.218+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ünïcödé 🎓"}, "type": "CourseCounted", "stream": 10, "version": 1, "event_id": "01a21ee5-5ad1-7061-b543-f3a406a06c59", "metadata": {"causationId": "enrol 2", "correlationId": "enrol 2"}, "position": 10, "stream_id": "Student-student 2", "recorded_at": "2026-11-27T21:24:37.218+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 3"}, "type": "StudentJoined", "stream": 1, "version": 3, "event_id": "01a21ee5-5af5-7713-92b3-e327f75576f1", "metadata": {"causationId": "01a21ee5-5af5-7713-92b3-e327f75576f1", "correlationId": "01a21ee5-5af5-7713-92b3-e327f75576f1"}, "position": 11, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:37.243+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 12, "version": 1, "event_id": "01a21ee5-5af5-7713-92b3-e6ad2b4834c1", "metadata": {"causationId": "01a21ee5-5af5-7713-92b3-e327f75576f1", "correlationId": "01a21ee5-5af5-7713-92b3-e327f75576f1"}, "position": 12, "stream_id": "Student-student 3", "recorded_at": "2026-11-27T21:24:37.243+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 4"}, "type": "StudentJoined", "stream": 2, "version": 3, "event_id": "01a21ee5-5b02-75b2-ac97-2b8b4b00288a", "metadata": {"causationId": "enrol 4", "correlationId": "enrol 4"}, "position": 13, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:37.263+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "sql"}, "type": "CourseCounted", "stream": 14, "version": 1, "event_id": "01a21ee5-5b02-75b2-ac97-2f7fb030cbae", "metadata": {"causationId": "enrol 4", "correlationId": "enrol 4"}, "position": 14, "stream_id": "Student-student 4", "recorded_at": "2026-11-27T21:24:37.263+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "poison 5"}, "type": "StudentJoined", "stream": 3, "version": 3, "event_id": "01a21ee5-5b19-7670-9384-53724dca34c3", "metadata": {"causationId": "01a21ee5-5b19-7670-9384-53724dca34c3", "correlationId": "01a21ee5-5b19-7670-9384-53724dca34c3"}, "position": 15, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:37.283+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ünïcödé 🎓"}, "type": "CourseCounted", "stream": 16, "version": 1, "event_id": "01a21ee5-5b19-7670-9384-56ef096bc488", "metadata": {"causationId": "01a21ee5-5b19-7670-9384-53724dca34c3", "correlationId": "01a21ee5-5b19-7670-9384-53724dca34c3"}, "position": 16, "stream_id": "Student-poison 5", "recorded_at": "2026-11-27T21:24:37.283+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 6"}, "type": "StudentJoined", "stream": 1, "version": 4, "event_id": "01a21ee5-5b2d-712c-a1ac-b0be93db550b", "metadata": {"causationId": "enrol 6", "correlationId": "enrol 6"}, "position": 17, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:37.302+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 18, "version": 1, "event_id": "01a21ee5-5b2d-712c-a1ac-b77989e6c86e", "metadata": {"causationId": "enrol 6", "correlationId": "enrol 6"}, "position": 18, "stream_id": "Student-student 6", "recorded_at": "2026-11-27T21:24:37.302+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 0"}, "type": "StudentJoined", "stream": 2, "version": 4, "event_id": "01a21ee5-5b41-7453-b199-085d7c0785c6", "metadata": {"causationId": "01a21ee5-5b41-7453-b199-085d7c0785c6", "correlationId": "01a21ee5-5b41-7453-b199-085d7c0785c6"}, "position": 19, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:37.32+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "sql"}, "type": "CourseCounted", "stream": 6, "version": 2, "event_id": "01a21ee5-5b41-7453-b199-0ff2e3cdd900", "metadata": {"causationId": "01a21ee5-5b41-7453-b199-085d7c0785c6", "correlationId": "01a21ee5-5b41-7453-b199-085d7c0785c6"}, "position": 20, "stream_id": "Student-student 0", "recorded_at": "2026-11-27T21:24:37.32+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 1"}, "type": "StudentJoined", "stream": 3, "version": 4, "event_id": "01a21ee5-5b5a-75a2-872b-43ba00cf385f", "metadata": {"causationId": "enrol 8", "correlationId": "enrol 8"}, "position": 21, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:37.347+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ünïcödé 🎓"}, "type": "CourseCounted", "stream": 8, "version": 2, "event_id": "01a21ee5-5b5a-75a2-872b-45e3d321383a", "metadata": {"causationId": "enrol 8", "correlationId": "enrol 8"}, "position": 22, "stream_id": "Student-student 1", "recorded_at": "2026-11-27T21:24:37.347+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 2"}, "type": "StudentJoined", "stream": 1, "version": 5, "event_id": "01a21ee5-5b70-7316-8c35-9fe29b2da6f0", "metadata": {"causationId": "01a21ee5-5b70-7316-8c35-9fe29b2da6f0", "correlationId": "01a21ee5-5b70-7316-8c35-9fe29b2da6f0"}, "position": 23, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:37.366+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 10, "version": 2, "event_id": "01a21ee5-5b70-7316-8c35-a0aaa3fd094c", "metadata": {"causationId": "01a21ee5-5b70-7316-8c35-9fe29b2da6f0", "correlationId": "01a21ee5-5b70-7316-8c35-9fe29b2da6f0"}, "position": 24, "stream_id": "Student-student 2", "recorded_at": "2026-11-27T21:24:37.366+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 3"}, "type": "StudentJoined", "stream": 2, "version": 5, "event_id": "01a21ee5-5b7c-7253-bfe1-a03a5699855b", "metadata": {"causationId": "enrol 10", "correlationId": "enrol 10"}, "position": 25, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:37.378+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "sql"}, "type": "CourseCounted", "stream": 12, "version": 2, "event_id": "01a21ee5-5b7c-7253-bfe1-a6a8f73cb02f", "metadata": {"causationId": "enrol 10", "correlationId": "enrol 10"}, "position": 26, "stream_id": "Student-student 3", "recorded_at": "2026-11-27T21:24:37.378+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 4"}, "type": "StudentJoined", "stream": 3, "version": 5, "event_id": "01a21ee5-5b94-72b9-a94c-87bf2332ab41", "metadata": {"causationId": "01a21ee5-5b94-72b9-a94c-87bf2332ab41", "correlationId": "01a21ee5-5b94-72b9-a94c-87bf2332ab41"}, "position": 27, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:37.404+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ünïcödé 🎓"}, "type": "CourseCounted", "stream": 14, "version": 2, "event_id": "01a21ee5-5b94-72b9-a94c-885cc18a33df", "metadata": {"causationId": "01a21ee5-5b94-72b9-a94c-87bf2332ab41", "correlationId": "01a21ee5-5b94-72b9-a94c-87bf2332ab41"}, "position": 28, "stream_id": "Student-student 4", "recorded_at": "2026-11-27T21:24:37.404+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 5"}, "type": "StudentJoined", "stream": 1, "version": 6, "event_id": "01a21ee5-5bad-7797-adf5-8fc0f95d7577", "metadata": {"causationId": "enrol 12", "correlationId": "enrol 12"}, "position": 29, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:37.437+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 30, "version": 1, "event_id": "01a21ee5-5bad-7797-adf5-9307194467e5", "metadata": {"causationId": "enrol 12", "correlationId": "enrol 12"}, "position": 30, "stream_id": "Student-student 5", "recorded_at": "2026-11-27T21:24:37.437+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 6"}, "type": "StudentJoined", "stream": 2, "version": 6, "event_id": "01a21ee5-5bce-71b5-95d5-be38810fd163", "metadata": {"causationId": "01a21ee5-5bce-71b5-95d5-be38810fd163", "correlationId": "01a21ee5-5bce-71b5-95d5-be38810fd163"}, "position": 31, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:37.46+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "sql"}, "type": "CourseCounted", "stream": 18, "version": 2, "event_id": "01a21ee5-5bce-71b5-95d5-c2f3f4c8f116", "metadata": {"causationId": "01a21ee5-5bce-71b5-95d5-be38810fd163", "correlationId": "01a21ee5-5bce-71b5-95d5-be38810fd163"}, "position": 32, "stream_id": "Student-student 6", "recorded_at": "2026-11-27T21:24:37.46+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 0"}, "type": "StudentJoined", "stream": 3, "version": 6, "event_id": "01a21ee5-5be0-738a-a125-46feaed67971", "metadata": {"causationId": "enrol 14", "correlationId": "enrol 14"}, "position": 33, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:37.486+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ünïcödé 🎓"}, "type": "CourseCounted", "stream": 6, "version": 3, "event_id": "01a21ee5-5be0-738a-a125-4868ec69d3b7", "metadata": {"causationId": "enrol 14", "correlationId": "enrol 14"}, "position": 34, "stream_id": "Student-student 0", "recorded_at": "2026-11-27T21:24:37.486+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 1"}, "type": "StudentJoined", "stream": 1, "version": 7, "event_id": "01a21ee5-5c00-71d8-a76f-9127b634ce31", "metadata": {"causationId": "01a21ee5-5c00-71d8-a76f-9127b634ce31", "correlationId": "01a21ee5-5c00-71d8-a76f-9127b634ce31"}, "position": 35, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:37.512+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 8, "version": 3, "event_id": "01a21ee5-5c00-71d8-a76f-947211b8160a", "metadata": {"causationId": "01a21ee5-5c00-71d8-a76f-9127b634ce31", "correlationId": "01a21ee5-5c00-71d8-a76f-9127b634ce31"}, "position": 36, "stream_id": "Student-student 1", "recorded_at": "2026-11-27T21:24:37.512+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 2"}, "type": "StudentJoined", "stream": 2, "version": 7, "event_id": "01a21ee5-5c1c-747a-a563-405b1d20d99e", "metadata": {"causationId": "enrol 16", "correlationId": "enrol 16"}, "position": 37, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:37.552+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "sql"}, "type": "CourseCounted", "stream": 10, "version": 3, "event_id": "01a21ee5-5c1c-747a-a563-459763d36eb9", "metadata": {"causationId": "enrol 16", "correlationId": "enrol 16"}, "position": 38, "stream_id": "Student-student 2", "recorded_at": "2026-11-27T21:24:37.552+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 3"}, "type": "StudentJoined", "stream": 3, "version": 7, "event_id": "01a21ee5-5c46-7423-9e87-603f30cf0513", "metadata": {"causationId": "01a21ee5-5c46-7423-9e87-603f30cf0513", "correlationId": "01a21ee5-5c46-7423-9e87-603f30cf0513"}, "position": 39, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:37.591+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ünïcödé 🎓"}, "type": "CourseCounted", "stream": 12, "version": 3, "event_id": "01a21ee5-5c46-7423-9e87-6604fde2eb09", "metadata": {"causationId": "01a21ee5-5c46-7423-9e87-603f30cf0513", "correlationId": "01a21ee5-5c46-7423-9e87-603f30cf0513"}, "position": 40, "stream_id": "Student-student 3", "recorded_at": "2026-11-27T21:24:37.591+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "poison 18"}, "type": "StudentJoined", "stream": 1, "version": 8, "event_id": "01a21ee5-5c66-70d9-9866-73f786175720", "metadata": {"causationId": "enrol 18", "correlationId": "enrol 18"}, "position": 41, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:37.625+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 42, "version": 1, "event_id": "01a21ee5-5c66-70d9-9866-76ea2bbe67d0", "metadata": {"causationId": "enrol 18", "correlationId": "enrol 18"}, "position": 42, "stream_id": "Student-poison 18", "recorded_at": "2026-11-27T21:24:37.625+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 5"}, "type": "StudentJoined", "stream": 2, "version": 8, "event_id": "01a21ee5-5c8a-72b9-b088-a62ac66c2964", "metadata": {"causationId": "01a21ee5-5c8a-72b9-b088-a62ac66c2964", "correlationId": "01a21ee5-5c8a-72b9-b088-a62ac66c2964"}, "position": 43, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:37.647+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "sql"}, "type": "CourseCounted", "stream": 30, "version": 2, "event_id": "01a21ee5-5c8a-72b9-b088-a8f5d17857a2", "metadata": {"causationId": "01a21ee5-5c8a-72b9-b088-a62ac66c2964", "correlationId": "01a21ee5-5c8a-72b9-b088-a62ac66c2964"}, "position": 44, "stream_id": "Student-student 5", "recorded_at": "2026-11-27T21:24:37.647+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 6"}, "type": "StudentJoined", "stream": 3, "version": 8, "event_id": "01a21ee5-5ca2-758c-8b50-4c376706ef5c", "metadata": {"causationId": "enrol 20", "correlationId": "enrol 20"}, "position": 45, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:37.679+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ünïcödé 🎓"}, "type": "CourseCounted", "stream": 18, "version": 3, "event_id": "01a21ee5-5ca2-758c-8b50-53bb1942ce57", "metadata": {"causationId": "enrol 20", "correlationId": "enrol 20"}, "position": 46, "stream_id": "Student-student 6", "recorded_at": "2026-11-27T21:24:37.679+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 0"}, "type": "StudentJoined", "stream": 1, "version": 9, "event_id": "01a21ee5-5cb4-77b2-a9cf-7d0f6cec75db", "metadata": {"causationId": "01a21ee5-5cb4-77b2-a9cf-7d0f6cec75db", "correlationId": "01a21ee5-5cb4-77b2-a9cf-7d0f6cec75db"}, "position": 47, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:37.7+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 6, "version": 4, "event_id": "01a21ee5-5cb4-77b2-a9cf-81643c260b86", "metadata": {"causationId": "01a21ee5-5cb4-77b2-a9cf-7d0f6cec75db", "correlationId": "01a21ee5-5cb4-77b2-a9cf-7d0f6cec75db"}, "position": 48, "stream_id": "Student-student 0", "recorded_at": "2026-11-27T21:24:37.7+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 1"}, "type": "StudentJoined", "stream": 2, "version": 9, "event_id": "01a21ee5-5cca-71f7-a79e-563175a9fe8b", "metadata": {"causationId": "enrol 22", "correlationId": "enrol 22"}, "position": 49, "stream_id": "Course-sql", "recorded_at": "2026-11-27T21:24:37.725+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "sql"}, "type": "CourseCounted", "stream": 8, "version": 4, "event_id": "01a21ee5-5cca-71f7-a79e-593e81199f5a", "metadata": {"causationId": "enrol 22", "correlationId": "enrol 22"}, "position": 50, "stream_id": "Student-student 1", "recorded_at": "2026-11-27T21:24:37.725+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 2"}, "type": "StudentJoined", "stream": 3, "version": 9, "event_id": "01a21ee5-5ce9-750e-a07f-4d3fdcb96303", "metadata": {"causationId": "01a21ee5-5ce9-750e-a07f-4d3fdcb96303", "correlationId": "01a21ee5-5ce9-750e-a07f-4d3fdcb96303"}, "position": 51, "stream_id": "Course-ünïcödé 🎓", "recorded_at": "2026-11-27T21:24:37.744+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ünïcödé 🎓"}, "type": "CourseCounted", "stream": 10, "version": 4, "event_id": "01a21ee5-5ce9-750e-a07f-5372e88ddd05", "metadata": {"causationId": "01a21ee5-5ce9-750e-a07f-4d3fdcb96303", "correlationId": "01a21ee5-5ce9-750e-a07f-4d3fdcb96303"}, "position": 52, "stream_id": "Student-student 2", "recorded_at": "2026-11-27T21:24:37.744+00:00", "original_time": null, "schema_version": 1}, {"data": {"student": "student 8"}, "type": "StudentJoined", "stream": 1, "version": 10, "event_id": "01a21ee5-60aa-7425-9ffd-d5f7ffa90216", "metadata": {"causationId": "enrol last", "correlationId": "enrol last"}, "position": 53, "stream_id": "Course-ts", "recorded_at": "2026-11-27T21:24:38.708+00:00", "original_time": null, "schema_version": 1}, {"data": {"course": "ts"}, "type": "CourseCounted", "stream": 54, "version": 1, "event_id": "01a21ee5-60aa-7425-9ffd-d9dc02ec68a6", "metadata": {"causationId": "enrol last", "correlationId": "enrol last"}, "position": 54, "stream_id": "Student-student 8", "recorded_at": "2026-11-27T21:24:38.708+00:00", "original_time": null, "schema_version": 1}, {"data": {}, "type": "Archived", "stream": 55, "version": 1, "event_id": "01890a5d-ac96-774b-bcce-b302099a8057", "metadata": {"causationId": "01890a5d-ac96-774b-bcce-b302099a8057", "correlationId": "01890a5d-ac96-774b-bcce-b302099a8057"}, "position": 55, "stream_id": "Archive-1", "recorded_at": "2026-11-27T21:24:38.72+00:00", "original_time": "2003-04-05T06:07:08.009+00:00", "schema_version": 1}]');
--
insert into "hexfold"."commands" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."commands", '[{"key": "c:enrol 0", "streams": ["Course-ts", "Student-student 0"], "versions": [2, 1], "positions": [5, 6], "fingerprint": "6073ad9cf045e3ce7e2a907225cfd4ef6679ee9359de3a1f09cf27ae441d7fd0", "recorded_at": "2026-11-27T21:24:37.168377+00:00"}, {"key": "c:enrol 10", "streams": ["Course-sql", "Student-student 3"], "versions": [5, 2], "positions": [25, 26], "fingerprint": "4ddb33ca8a6cd04bf8de5dff5e28616f93cdf676dcdb2363be743b99969d9126", "recorded_at": "2026-11-27T21:24:37.378547+00:00"}, {"key": "c:enrol 12", "streams": ["Course-ts", "Student-student 5"], "versions": [6, 1], "positions": [29, 30], "fingerprint": "12d3f9ed04b8d4f29f212c75b5697125113a85202f3980a2608f876c0947f36b", "recorded_at": "2026-11-27T21:24:37.433633+00:00"}, {"key": "c:enrol 14", "streams": ["Course-ünïcödé 🎓", "Student-student 0"], "versions": [6, 3], "positions": [33, 34], "fingerprint": "9a5d1311da12e5eb0301ab2b6a2d27029223f35b88b2abbda911235e273714ef", "recorded_at": "2026-11-27T21:24:37.486539+00:00"}, {"key": "c:enrol 16", "streams": ["Course-sql", "Student-student 2"], "versions": [7, 3], "positions": [37, 38], "fingerprint": "411ce901571e4953dc7587b387291be4a4552c34f4e921d953416e0169e17496", "recorded_at": "2026-11-27T21:24:37.552396+00:00"}, {"key": "c:enrol 18", "streams": ["Course-ts", "Student-poison 18"], "versions": [8, 1], "positions": [41, 42], "fingerprint": "7de413439332f7c983e3b6deee0c983400608f6867051ae42fdbb00774b1e807", "recorded_at": "2026-11-27T21:24:37.625637+00:00"}, {"key": "c:enrol 2", "streams": ["Course-ünïcödé 🎓", "Student-student 2"], "versions": [2, 1], "positions": [9, 10], "fingerprint": "9665c39ab77681fccb16c736e2b0bcd601365b87212f21bb54f1b6ab70eed81e", "recorded_at": "2026-11-27T21:24:37.218402+00:00"}, {"key": "c:enrol 20", "streams": ["Course-ünïcödé 🎓", "Student-student 6"], "versions": [8, 3], "positions": [45, 46], "fingerprint": "5467a16dcb49474258d4dfd31a034a83f9d00691a2fb5bb21c2ee173b78f1c80", "recorded_at": "2026-11-27T21:24:37.679293+00:00"}, {"key": "c:enrol 22", "streams": ["Course-sql", "Student-student 1"], "versions": [9, 4], "positions": [49, 50], "fingerprint": "3b37e8303755ca2031241da27d90153b563d2053bdd6351b44bd761906ad5338", "recorded_at": "2026-11-27T21:24:37.724867+00:00"}, {"key": "c:enrol 4", "streams": ["Course-sql", "Student-student 4"], "versions": [3, 1], "positions": [13, 14], "fingerprint": "50b2c69b592830678b2f1e8895f8e177e81e0479b90a1ecd30f6dd6e2a6c7b1f", "recorded_at": "2026-11-27T21:24:37.262531+00:00"}, {"key": "c:enrol 6", "streams": ["Course-ts", "Student-student 6"], "versions": [4, 1], "positions": [17, 18], "fingerprint": "6c4efc55bb5932b1b69bcc15f8ea183e4c596498270113536659a50ac6faf7b8", "recorded_at": "2026-11-27T21:24:37.301934+00:00"}, {"key": "c:enrol 8", "streams": ["Course-ünïcödé 🎓", "Student-student 1"], "versions": [4, 2], "positions": [21, 22], "fingerprint": "f445192d79e39119c5cdb6c4a135657a6f8fccf167822e8da9eb948ac7d9b1b5", "recorded_at": "2026-11-27T21:24:37.347771+00:00"}, {"key": "c:enrol last", "streams": ["Course-ts", "Student-student 8"], "versions": [10, 1], "positions": [53, 54], "fingerprint": "318610c42e4ed790053740c22534035ca3cad938e84d5b1492ab452686ba4c9d", "recorded_at": "2026-11-27T21:24:38.707833+00:00"}, {"key": "c:plan 0", "streams": ["Course-ts"], "versions": [1], "positions": [1], "fingerprint": "87d7c9c40026a0b536f5cd38aa18a8d580631dd0df6fa48bafd71cf9300883ae", "recorded_at": "2026-11-27T21:24:36.483279+00:00"}, {"key": "c:plan 1", "streams": ["Course-sql"], "versions": [1], "positions": [2], "fingerprint": "c271a087276ea6f493a4f1c335f7d79b0f75aaa4d954801909988beb073b4a54", "recorded_at": "2026-11-27T21:24:36.733294+00:00"}, {"key": "c:plan 2", "streams": ["Course-ünïcödé 🎓"], "versions": [1], "positions": [3], "fingerprint": "375a78b2abf9642bc0635b6b77053944681819a06b6dcbfb39111d7d37a80960", "recorded_at": "2026-11-27T21:24:36.79877+00:00"}, {"key": "c:plan 3", "streams": ["Course-€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€"], "versions": [1], "positions": [4], "fingerprint": "cc7a3a3eee8bf5ef9737a2e970492a692ce1f73bf265ababbb4f88ae5d558154", "recorded_at": "2026-11-27T21:24:36.901222+00:00"}]');
--
insert into "hexfold"."views" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."views", '[{"id": 1, "view": "Places", "build": 1, "types": ["CoursePlanned", "StudentJoined"], "inline": true, "serves": true, "version": 1, "replaced": false, "promotion": 2149140173, "aggregates": ["Course"], "fingerprint": "4733c083f679-0360ffa9fb60-id-8d83488bdcb8", "known_types": ["CoursePlanned", "StudentJoined"], "foreign_append_at": null}, {"id": 2, "view": "Courses", "build": 1, "types": [], "inline": false, "serves": true, "version": 1, "replaced": false, "promotion": 0, "aggregates": [], "fingerprint": "4733c083f679-e35844b69810-id-d87426808305", "known_types": null, "foreign_append_at": null}, {"id": 3, "view": "Stopping", "build": 1, "types": [], "inline": false, "serves": true, "version": 1, "replaced": false, "promotion": 0, "aggregates": [], "fingerprint": "2799dc168864-98d436bfe250-id-8d83488bdcb8", "known_types": null, "foreign_append_at": null}, {"id": 4, "view": "Courses", "build": 1, "types": [], "inline": false, "serves": false, "version": 2, "replaced": true, "promotion": 0, "aggregates": [], "fingerprint": "4733c083f679-e35844b69810-id-d87426808305", "known_types": null, "foreign_append_at": null}, {"id": 5, "view": "Courses", "build": 2, "types": [], "inline": false, "serves": true, "version": 2, "replaced": false, "promotion": 0, "aggregates": [], "fingerprint": "4733c083f679-e35844b69810-id-d87426808305", "known_types": null, "foreign_append_at": null}, {"id": 6, "view": "Timetables", "build": 1, "types": [], "inline": false, "serves": true, "version": 1, "replaced": false, "promotion": 0, "aggregates": [], "fingerprint": "9e6a3e8235c8-688ef1976654-own-8d83488bdcb8", "known_types": null, "foreign_append_at": null}, {"id": 7, "view": "Parking", "build": 1, "types": [], "inline": false, "serves": true, "version": 1, "replaced": false, "promotion": 0, "aggregates": [], "fingerprint": "2799dc168864-98d436bfe250-id-8d83488bdcb8", "known_types": null, "foreign_append_at": null}, {"id": 8, "view": "Skipping", "build": 1, "types": [], "inline": false, "serves": true, "version": 1, "replaced": false, "promotion": 0, "aggregates": [], "fingerprint": "2799dc168864-98d436bfe250-id-8d83488bdcb8", "known_types": null, "foreign_append_at": null}, {"id": 9, "view": "Courses", "build": 3, "types": [], "inline": false, "serves": false, "version": 2, "replaced": false, "promotion": 0, "aggregates": [], "fingerprint": null, "known_types": null, "foreign_append_at": null}]');
--
insert into "hexfold"."view_parts" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_parts", '[{"epoch": 5, "index": 0, "owner": "hexfold@vm:29962#01a21ee5-59b4-756d-b43f-36fa2278725a", "changes": 4294967297, "failure": null, "history": 1, "position": 1, "changes_at": 1, "generation": 1, "history_at": 1, "leased_until": "2026-11-27T21:24:36.956184+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 30, "index": 0, "owner": "hexfold@vm:29962#01a21ee5-60cc-72ac-a1ad-ebc7baf9ff44", "changes": 8589934595, "failure": null, "history": 1, "position": 55, "changes_at": 55, "generation": 2, "history_at": 55, "leased_until": "2026-11-27T21:24:38.783128+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 27, "index": 0, "owner": "hexfold@vm:29962#01a21ee5-604e-709e-b33a-c8ffed55a3e8", "changes": 12884901889, "failure": {"at": 1795814678637, "type": "StudentJoined", "mishap": {"step": "evolve", "cause": "Error: no place for poison 5"}, "stream": "Course-ünïcödé 🎓", "position": 15, "eventVersion": 3}, "history": 1, "position": 14, "changes_at": 14, "generation": 3, "history_at": 14, "leased_until": "2026-11-27T21:24:38.666066+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 15, "index": 0, "owner": "hexfold@vm:29962#01a21ee5-5d64-7486-9f68-bcb857cf1ad0", "changes": 17179869185, "failure": null, "history": 1, "position": 52, "changes_at": 52, "generation": 4, "history_at": 52, "leased_until": "-infinity", "events_per_second": null, "positions_per_second": null}, {"epoch": 31, "index": 0, "owner": "hexfold@vm:29962#01a21ee5-6108-741f-85e2-54ae1c97093c", "changes": 21474836482, "failure": null, "history": 1, "position": 55, "changes_at": 55, "generation": 5, "history_at": 55, "leased_until": "2026-11-27T21:24:38.841992+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 20, "index": 0, "owner": "hexfold@vm:29962#01a21ee5-5e94-7388-921f-6ced3b441e39", "changes": 25769803777, "failure": null, "history": 1, "position": 52, "changes_at": 52, "generation": 6, "history_at": 52, "leased_until": "2026-11-27T21:24:38.389671+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 21, "index": 1, "owner": "hexfold@vm:29962#01a21ee5-5e95-74bc-b57a-9f27fabd504f", "changes": 1, "failure": null, "history": 1, "position": 52, "changes_at": 52, "generation": 6, "history_at": 52, "leased_until": "2026-11-27T21:24:38.373946+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 22, "index": 2, "owner": "hexfold@vm:29962#01a21ee5-5e95-74bc-b57a-a3bc463551e4", "changes": 1, "failure": null, "history": 1, "position": 52, "changes_at": 52, "generation": 6, "history_at": 52, "leased_until": "2026-11-27T21:24:38.398771+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 24, "index": 0, "owner": "hexfold@vm:29962#01a21ee5-5f85-714f-a46d-a8b36c1f8ef3", "changes": 30064771073, "failure": null, "history": 1, "position": 52, "changes_at": 52, "generation": 7, "history_at": 52, "leased_until": "2026-11-27T21:24:38.506781+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 26, "index": 0, "owner": "hexfold@vm:29962#01a21ee5-5ff0-7507-873d-2f87b217b4dd", "changes": 34359738369, "failure": null, "history": 1, "position": 52, "changes_at": 52, "generation": 8, "history_at": 52, "leased_until": "2026-11-27T21:24:38.601789+00:00", "events_per_second": null, "positions_per_second": null}, {"epoch": 29, "index": 0, "owner": "nobody", "changes": 38654705664, "failure": null, "history": null, "position": 7, "changes_at": 7, "generation": 9, "history_at": 7, "leased_until": "2026-11-27T21:24:38.694288+00:00", "events_per_second": null, "positions_per_second": null}]');
--
insert into "hexfold"."view_letters" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_letters", '[{"at": 1795814678466, "key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "type": "StudentJoined", "digest": "", "mishap": {"step": "evolve", "cause": "Error: no place for poison 5"}, "parked": true, "stream": "Course-ünïcödé 🎓", "position": 15, "generation": 7, "event_version": 3}, {"at": 1795814678466, "key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "type": "StudentJoined", "digest": "", "mishap": null, "parked": true, "stream": "Course-ünïcödé 🎓", "position": 21, "generation": 7, "event_version": 4}, {"at": 1795814678466, "key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "type": "StudentJoined", "digest": "", "mishap": null, "parked": true, "stream": "Course-ünïcödé 🎓", "position": 27, "generation": 7, "event_version": 5}, {"at": 1795814678466, "key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "type": "StudentJoined", "digest": "", "mishap": null, "parked": true, "stream": "Course-ünïcödé 🎓", "position": 33, "generation": 7, "event_version": 6}, {"at": 1795814678466, "key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "type": "StudentJoined", "digest": "", "mishap": null, "parked": true, "stream": "Course-ünïcödé 🎓", "position": 39, "generation": 7, "event_version": 7}, {"at": 1795814678466, "key": "ts", "head": "ts", "type": "StudentJoined", "digest": "", "mishap": {"step": "evolve", "cause": "Error: no place for poison 18"}, "parked": true, "stream": "Course-ts", "position": 41, "generation": 7, "event_version": 8}, {"at": 1795814678466, "key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "type": "StudentJoined", "digest": "", "mishap": null, "parked": true, "stream": "Course-ünïcödé 🎓", "position": 45, "generation": 7, "event_version": 8}, {"at": 1795814678466, "key": "ts", "head": "ts", "type": "StudentJoined", "digest": "", "mishap": null, "parked": true, "stream": "Course-ts", "position": 47, "generation": 7, "event_version": 9}, {"at": 1795814678466, "key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "type": "StudentJoined", "digest": "", "mishap": null, "parked": true, "stream": "Course-ünïcödé 🎓", "position": 51, "generation": 7, "event_version": 9}, {"at": 1795814678565, "key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "type": "StudentJoined", "digest": "", "mishap": {"step": "evolve", "cause": "Error: no place for poison 5"}, "parked": false, "stream": "Course-ünïcödé 🎓", "position": 15, "generation": 8, "event_version": 3}, {"at": 1795814678565, "key": "ts", "head": "ts", "type": "StudentJoined", "digest": "", "mishap": {"step": "evolve", "cause": "Error: no place for poison 18"}, "parked": false, "stream": "Course-ts", "position": 41, "generation": 8, "event_version": 8}]');
--
insert into "hexfold"."inline_changes" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."inline_changes", '[{"count": 1}]');
--
insert into "hexfold"."revisions" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."revisions", '[{"lowest": 1, "is_only": true, "functions": 5, "lock_namespace": 1}]');
--
insert into "hexfold"."log" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."log", '[{"id": "1f2f4597-aad5-4895-9ffa-2f40fada3a88", "name": "hexfold", "is_only": true}]');
--
insert into "hexfold"."histories" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."histories", '[{"history": 1, "timeline": null, "noticed_at": "2026-11-27T21:24:36.076083+00:00", "began_after": 0}]');
--
insert into "hexfold"."life" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."life", '[{"history": 1, "started": "2026-11-27T21:24:35.657219+00:00", "relation": "16563"}]');
--
insert into "hexfold"."snapshots" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."snapshots", '[{"key": "Course-ts", "state": {"title": "Course \"0\" \\ ''quoted''", "places": 10, "students": ["student 0", "student 3", "student 6", "student 2", "student 5", "student 1", "poison 18", "student 0", "student 8"]}, "history": 1, "version": 10, "position": 53, "saved_at": "2026-11-27T21:24:38.894808+00:00", "aggregate": "Course", "fingerprint": "1-fbb837a77660-96e384b157da-d46d3d73d70f"}]');
--
insert into "hexfold"."view_1" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_1", '[{"key": "sql", "head": "sql", "state": {"free": 3}, "digest": ""}, {"key": "ts", "head": "ts", "state": {"free": 1}, "digest": ""}, {"key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "state": {"free": 4}, "digest": ""}, {"key": "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "head": "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "state": {"free": 13}, "digest": "42954dd121f6784474130d417b97a2b316c748e95b5a330ec380c63cbaacb713"}]');
--
insert into "hexfold"."view_2" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_2", '[{"key": "sql", "head": "sql", "state": {"title": "Course \"1\" \\ ''quoted''", "students": 8}, "digest": ""}, {"key": "ts", "head": "ts", "state": {"title": "Course \"0\" \\ ''quoted''", "students": 9}, "digest": ""}, {"key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "state": {"title": "Course \"2\" \\ ''quoted''", "students": 8}, "digest": ""}, {"key": "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "head": "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "state": {"title": "Course \"3\" \\ ''quoted''", "students": 0}, "digest": "42954dd121f6784474130d417b97a2b316c748e95b5a330ec380c63cbaacb713"}]');
--
insert into "hexfold"."view_3" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_3", '[{"key": "sql", "head": "sql", "state": {"students": ["student 1", "student 4"]}, "digest": ""}, {"key": "ts", "head": "ts", "state": {"students": ["student 0", "student 3"]}, "digest": ""}, {"key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "state": {"students": ["student 2"]}, "digest": ""}]');
--
insert into "hexfold"."view_4" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_4", '[{"key": "sql", "head": "sql", "state": {"title": "Course \"1\" \\ ''quoted''", "students": 16}, "digest": ""}, {"key": "ts", "head": "ts", "state": {"title": "Course \"0\" \\ ''quoted''", "students": 16}, "digest": ""}, {"key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "state": {"title": "Course \"2\" \\ ''quoted''", "students": 16}, "digest": ""}, {"key": "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "head": "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "state": {"title": "Course \"3\" \\ ''quoted''", "students": 0}, "digest": "42954dd121f6784474130d417b97a2b316c748e95b5a330ec380c63cbaacb713"}]');
--
insert into "hexfold"."view_5" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_5", '[{"key": "sql", "head": "sql", "state": {"title": "Course \"1\" \\ ''quoted''", "students": 16}, "digest": ""}, {"key": "ts", "head": "ts", "state": {"title": "Course \"0\" \\ ''quoted''", "students": 18}, "digest": ""}, {"key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "state": {"title": "Course \"2\" \\ ''quoted''", "students": 16}, "digest": ""}, {"key": "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "head": "€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€", "state": {"title": "Course \"3\" \\ ''quoted''", "students": 0}, "digest": "42954dd121f6784474130d417b97a2b316c748e95b5a330ec380c63cbaacb713"}]');
--
insert into "hexfold"."view_6" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_6", '[{"key": "poison 18", "head": "poison 18", "state": ["ts"], "digest": ""}, {"key": "poison 5", "head": "poison 5", "state": ["ünïcödé 🎓"], "digest": ""}, {"key": "sql", "head": "sql", "state": ["student 1", "student 4", "student 0", "student 3", "student 6", "student 2", "student 5", "student 1"], "digest": ""}, {"key": "student 0", "head": "student 0", "state": ["ts", "sql", "ünïcödé 🎓", "ts"], "digest": ""}, {"key": "student 1", "head": "student 1", "state": ["sql", "ünïcödé 🎓", "ts", "sql"], "digest": ""}, {"key": "student 2", "head": "student 2", "state": ["ünïcödé 🎓", "ts", "sql", "ünïcödé 🎓"], "digest": ""}, {"key": "student 3", "head": "student 3", "state": ["ts", "sql", "ünïcödé 🎓"], "digest": ""}, {"key": "student 4", "head": "student 4", "state": ["sql", "ünïcödé 🎓"], "digest": ""}, {"key": "student 5", "head": "student 5", "state": ["ts", "sql"], "digest": ""}, {"key": "student 6", "head": "student 6", "state": ["ts", "sql", "ünïcödé 🎓"], "digest": ""}, {"key": "ts", "head": "ts", "state": ["student 0", "student 3", "student 6", "student 2", "student 5", "student 1", "poison 18", "student 0"], "digest": ""}, {"key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "state": ["student 2", "poison 5", "student 1", "student 4", "student 0", "student 3", "student 6", "student 2"], "digest": ""}]');
--
insert into "hexfold"."view_7" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_7", '[{"key": "sql", "head": "sql", "state": {"students": ["student 1", "student 4", "student 0", "student 3", "student 6", "student 2", "student 5", "student 1"]}, "digest": ""}, {"key": "ts", "head": "ts", "state": {"students": ["student 0", "student 3", "student 6", "student 2", "student 5", "student 1"]}, "digest": ""}, {"key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "state": {"students": ["student 2"]}, "digest": ""}]');
--
insert into "hexfold"."view_8" overriding system value
select * from jsonb_populate_recordset(null::"hexfold"."view_8", '[{"key": "sql", "head": "sql", "state": {"students": ["student 1", "student 4", "student 0", "student 3", "student 6", "student 2", "student 5", "student 1"]}, "digest": ""}, {"key": "ts", "head": "ts", "state": {"students": ["student 0", "student 3", "student 6", "student 2", "student 5", "student 1", "student 0"]}, "digest": ""}, {"key": "ünïcödé 🎓", "head": "ünïcödé 🎓", "state": {"students": ["student 2", "student 1", "student 4", "student 0", "student 3", "student 6", "student 2"]}, "digest": ""}]');
--
alter table hexfold.migrations add constraint migrations_pkey PRIMARY KEY (migration_id);
--
alter table hexfold.streams add constraint streams_pkey PRIMARY KEY (id);
--
alter table hexfold.streams add constraint streams_key_key UNIQUE (key);
--
alter table hexfold.events add constraint events_pkey PRIMARY KEY ("position");
--
alter table hexfold.events add constraint events_stream_version_key UNIQUE (stream, version);
--
alter table hexfold.commands add constraint commands_pkey PRIMARY KEY (key);
--
alter table hexfold.views add constraint views_pkey PRIMARY KEY (id);
--
alter table hexfold.view_parts add constraint view_parts_pkey PRIMARY KEY (generation, index);
--
alter table hexfold.views add constraint views_view_version_build_key UNIQUE (view, version, build);
--
alter table hexfold.view_letters add constraint view_letters_pkey PRIMARY KEY (generation, "position", head, digest);
--
alter table hexfold.revisions add constraint revisions_is_only_check CHECK (is_only);
--
alter table hexfold.revisions add constraint revisions_pkey PRIMARY KEY (is_only);
--
alter table hexfold.log add constraint log_is_only_check CHECK (is_only);
--
alter table hexfold.log add constraint log_pkey PRIMARY KEY (is_only);
--
alter table hexfold.snapshots add constraint snapshots_pkey PRIMARY KEY (key, fingerprint);
--
alter table hexfold.view_1 add constraint view_1_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_2 add constraint view_2_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_3 add constraint view_3_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_4 add constraint view_4_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_5 add constraint view_5_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_6 add constraint view_6_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_7 add constraint view_7_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_8 add constraint view_8_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_9 add constraint view_9_pkey PRIMARY KEY (head, digest);
--
alter table hexfold.view_parts add constraint view_parts_generation_fkey FOREIGN KEY (generation) REFERENCES hexfold.views(id) ON DELETE CASCADE;
--
alter table hexfold.view_letters add constraint view_letters_generation_fkey FOREIGN KEY (generation) REFERENCES hexfold.views(id) ON DELETE CASCADE;
--
CREATE INDEX commands_recorded_at ON hexfold.commands USING btree (recorded_at);
--
CREATE INDEX view_letters_by_key ON hexfold.view_letters USING btree (generation, head, digest, "position");
--
CREATE UNIQUE INDEX views_serving ON hexfold.views USING btree (view, version) WHERE serves;
--
CREATE INDEX view_letters_parked ON hexfold.view_letters USING btree (generation, head, digest) WHERE parked;
--
CREATE INDEX snapshots_by_aggregate ON hexfold.snapshots USING btree (aggregate, fingerprint);
--
CREATE INDEX events_conversation ON hexfold.events USING btree ((((("position" >> 16) << 32) | (hashtextextended(((metadata ->> 'correlationId'::text) COLLATE "C"), (0)::bigint) & '4294967295'::bigint))), (("position" + 0)));
--
CREATE INDEX view_2_left_head_idx ON hexfold.view_2 USING btree ("left"(hexfold.sort_key((state -> 'title'::text)), 64) COLLATE "C", head);
--
CREATE INDEX view_2_left_left1_head_idx ON hexfold.view_2 USING btree ("left"(hexfold.sort_key((state -> 'students'::text)), 64) COLLATE "C", "left"(hexfold.sort_key((state -> 'title'::text)), 64) COLLATE "C", head);
--
CREATE INDEX view_4_left_head_idx ON hexfold.view_4 USING btree ("left"(hexfold.sort_key((state -> 'title'::text)), 64) COLLATE "C", head);
--
CREATE INDEX view_4_left_left1_head_idx ON hexfold.view_4 USING btree ("left"(hexfold.sort_key((state -> 'students'::text)), 64) COLLATE "C", "left"(hexfold.sort_key((state -> 'title'::text)), 64) COLLATE "C", head);
--
CREATE INDEX view_5_left_head_idx ON hexfold.view_5 USING btree ("left"(hexfold.sort_key((state -> 'title'::text)), 64) COLLATE "C", head);
--
CREATE INDEX view_5_left_left1_head_idx ON hexfold.view_5 USING btree ("left"(hexfold.sort_key((state -> 'students'::text)), 64) COLLATE "C", "left"(hexfold.sort_key((state -> 'title'::text)), 64) COLLATE "C", head);
--
CREATE TRIGGER events_immutable BEFORE DELETE OR UPDATE OR TRUNCATE ON hexfold.events FOR EACH STATEMENT EXECUTE FUNCTION hexfold.refuse();
--
create view hexfold.projections as
 SELECT g.view,
    g.version,
    g.build,
    p.index AS part,
        CASE
            WHEN g.inline THEN 'inline'::text
            WHEN (p.failure IS NOT NULL) THEN 'failed'::text
            WHEN g.replaced THEN 'replaced'::text
            WHEN (p.leased_until <= clock_timestamp()) THEN 'waiting'::text
            WHEN (NOT g.serves) THEN 'building'::text
            WHEN ((clock_timestamp() - e.recorded_at) > '00:00:10'::interval) THEN 'catching up'::text
            ELSE 'live'::text
        END AS state,
    g.serves,
        CASE
            WHEN g.inline THEN log.drawn
            ELSE p."position"
        END AS "position",
        CASE
            WHEN g.inline THEN (0)::bigint
            ELSE GREATEST((log.drawn - p."position"), (0)::bigint)
        END AS lag,
    (clock_timestamp() - e.recorded_at) AS lag_time,
    NULLIF(p.owner, ''::text) AS owner,
    NULLIF(p.leased_until, '-infinity'::timestamp with time zone) AS leased_until,
        CASE
            WHEN (p.failure IS NOT NULL) THEN format('event %s of %s, a %s at position %s: %s failed: %s'::text, (p.failure ->> 'eventVersion'::text), (p.failure ->> 'stream'::text), (p.failure ->> 'type'::text), (p.failure ->> 'position'::text), (p.failure #>> '{mishap,step}'::text[]), (p.failure #>> '{mishap,cause}'::text[]))
            ELSE NULL::text
        END AS failure,
    l.parked,
    l.skipped,
    (to_regclass(format('%I.%I'::text, replace('"hexfold"'::text, '"'::text, ''::text), ('view_'::text || g.id))))::text AS records
   FROM ((((hexfold.views g
     JOIN hexfold.view_parts p ON ((p.generation = g.id)))
     CROSS JOIN ( SELECT
                CASE
                    WHEN events_position.is_called THEN events_position.last_value
                    ELSE (0)::bigint
                END AS drawn
           FROM hexfold.events_position) log)
     LEFT JOIN LATERAL ( SELECT events.recorded_at
           FROM hexfold.events
          WHERE ((NOT g.inline) AND (events."position" > p."position"))
          ORDER BY events."position"
         LIMIT 1) e ON (true))
     CROSS JOIN LATERAL ( SELECT count(DISTINCT view_letters.key) FILTER (WHERE view_letters.parked) AS parked,
            count(*) FILTER (WHERE (NOT view_letters.parked)) AS skipped
           FROM hexfold.view_letters
          WHERE (view_letters.generation = g.id)) l)
  ORDER BY g.view, g.version, g.build, p.index;;
--
select setval('hexfold.events_position', 55, 't');
--
select setval('hexfold.noted', 281474976710711, 't');
--
select setval('hexfold.streams_id_seq', 55, 't');
--
select setval('hexfold.view_epochs', 31, 't');
--
select setval('hexfold.views_id_seq', 9, 't');
--
comment on column hexfold.commands.fingerprint is 'The content of the command: another command may not have the same id.';
--
comment on column hexfold.commands.key is 'The id of the command after "c:", or its digest if it is longer than 2,000 bytes.';
--
comment on column hexfold.commands.positions is 'The positions of the events that the command has recorded.';
--
comment on column hexfold.commands.recorded_at is 'When the command was executed. Ids that are older than the retention are removed.';
--
comment on column hexfold.commands.streams is 'The ids of the streams that the command has read or written.';
--
comment on column hexfold.commands.versions is 'The versions that these streams had afterwards, in the same order.';
--
comment on column hexfold.events."position" is 'The place of the event in the log. Positions have gaps, and rise in the order in which appends drew them.';
--
comment on column hexfold.events.data is 'The payload of the event, as JSON.';
--
comment on column hexfold.events.event_id is 'The id of the event.';
--
comment on column hexfold.events.metadata is 'The correlation id, the causation id, and what the command added.';
--
comment on column hexfold.events.original_time is 'The time that an imported event came with; null for any other event.';
--
comment on column hexfold.events.recorded_at is 'When the store recorded the event.';
--
comment on column hexfold.events.schema_version is 'The version of the schema of the data, from 1 on.';
--
comment on column hexfold.events.stream is 'The number of the stream, in streams.id. The unique index begins with it.';
--
comment on column hexfold.events.stream_id is 'The id of the stream, for example Course-1. No index has it: the function stream finds events by an id.';
--
comment on column hexfold.events.type is 'The type of the event.';
--
comment on column hexfold.events.version is 'The place of the event in its stream, from 1 on and without gaps.';
--
comment on column hexfold.histories.began_after is 'The last position drawn before the history began. Earlier positions are valid up to there.';
--
comment on column hexfold.histories.history is 'The number of the history. It is not a count.';
--
comment on column hexfold.histories.noticed_at is 'When the first append or reader has noticed it.';
--
comment on column hexfold.histories.timeline is 'The timeline of the server in which the history began.';
--
comment on column hexfold.inline_changes.count is 'How often appends have begun to maintain a view.';
--
comment on column hexfold.life.history is 'The number of the history that was begun in this life of the server.';
--
comment on column hexfold.life.relation is 'The number that the server gives this table: a restored table has another one.';
--
comment on column hexfold.life.started is 'When the server was started.';
--
comment on column hexfold.log.id is 'The identity of the log. A copy of the schema has the same one until it is adopted.';
--
comment on column hexfold.log.is_only is 'Always true: the table has one row.';
--
comment on column hexfold.log.name is 'The schema in which the log was made or adopted.';
--
comment on column hexfold.migrations.created_at is 'When the migration was done.';
--
comment on column hexfold.migrations.migration_id is 'The number of the migration, from 1 on. The highest one is the version of the schema.';
--
comment on column hexfold.migrations.name is 'What the migration is about.';
--
comment on column hexfold.projections."position" is 'Every event up to this position is in the records.';
--
comment on column hexfold.projections.build is 'Which of several builds of the version, from 1 on.';
--
comment on column hexfold.projections.failure is 'The event that stopped the part, and the error.';
--
comment on column hexfold.projections.lag is 'How many positions the log has after it, up to the last one drawn. The view may not follow all of their events.';
--
comment on column hexfold.projections.lag_time is 'The age of the first event after the position, even if the view does not follow that event. Null if no event comes after it.';
--
comment on column hexfold.projections.leased_until is 'When the lease of the owner ends. Nobody owns the part after that.';
--
comment on column hexfold.projections.owner is 'The projection that owns the part, or owned it last.';
--
comment on column hexfold.projections.parked is 'How many keys of the generation are parked.';
--
comment on column hexfold.projections.part is 'The number of the part, from 0 on. There is one part unless the keys are divided.';
--
comment on column hexfold.projections.records is 'The table that holds the records of the generation.';
--
comment on column hexfold.projections.serves is 'Whether the generation answers the queries to its version.';
--
comment on column hexfold.projections.skipped is 'How many dead letters of skipped events the generation has.';
--
comment on column hexfold.projections.state is 'inline: appends maintain it; failed: an event stopped it; replaced: by a later build; waiting: no projection owns it; building: it does not answer queries yet; catching up: its lag time is above 10 seconds; live: none of these.';
--
comment on column hexfold.projections.version is 'The version of the definition of the view.';
--
comment on column hexfold.projections.view is 'The name of the view.';
--
comment on column hexfold.revisions.functions is 'The revision of the library that the functions of the schema come from.';
--
comment on column hexfold.revisions.is_only is 'Always true: the table has one row.';
--
comment on column hexfold.revisions.lock_namespace is 'The upper 16 bits of the advisory locks that open appends hold.';
--
comment on column hexfold.revisions.lowest is 'The lowest revision of a library that may use the schema.';
--
comment on column hexfold.snapshots."position" is 'The position of the last event that is folded into the state.';
--
comment on column hexfold.snapshots.aggregate is 'The name of the aggregate.';
--
comment on column hexfold.snapshots.fingerprint is 'Stands for the definition of the aggregate that has made the state. It begins with the revision.';
--
comment on column hexfold.snapshots.history is 'The history of the log in which the state was read.';
--
comment on column hexfold.snapshots.key is 'The id of the stream, for example Course-1; the digest of an id that is longer than 2,000 bytes.';
--
comment on column hexfold.snapshots.saved_at is 'When the snapshot was saved.';
--
comment on column hexfold.snapshots.state is 'The state, as JSON.';
--
comment on column hexfold.snapshots.version is 'The version of the stream after the last event that is folded into the state.';
--
comment on column hexfold.streams.id is 'The number of the stream, by which events name it.';
--
comment on column hexfold.streams.key is 'The id of the stream, for example Course-1; the digest of an id that is longer than 2,000 bytes.';
--
comment on column hexfold.streams.recorded_at is 'The time of the last event, or null if it has to be looked up there.';
--
comment on column hexfold.streams.version is 'The number of events that the stream has. 0: it has none.';
--
comment on column hexfold.view_1.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_1.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_1.key is 'The key of the record.';
--
comment on column hexfold.view_1.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_2.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_2.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_2.key is 'The key of the record.';
--
comment on column hexfold.view_2.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_3.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_3.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_3.key is 'The key of the record.';
--
comment on column hexfold.view_3.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_4.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_4.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_4.key is 'The key of the record.';
--
comment on column hexfold.view_4.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_5.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_5.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_5.key is 'The key of the record.';
--
comment on column hexfold.view_5.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_6.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_6.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_6.key is 'The key of the record.';
--
comment on column hexfold.view_6.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_7.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_7.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_7.key is 'The key of the record.';
--
comment on column hexfold.view_7.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_8.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_8.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_8.key is 'The key of the record.';
--
comment on column hexfold.view_8.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_9.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_9.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_9.key is 'The key of the record.';
--
comment on column hexfold.view_9.state is 'The state of the record, as JSON.';
--
comment on column hexfold.view_letters."position" is 'The position of the event.';
--
comment on column hexfold.view_letters.at is 'When the event was skipped or parked, in milliseconds since 1970.';
--
comment on column hexfold.view_letters.digest is 'The SHA-256 of a key that has more than 64 characters, otherwise empty.';
--
comment on column hexfold.view_letters.event_version is 'The place of the event in its stream.';
--
comment on column hexfold.view_letters.generation is 'The generation, in views.id.';
--
comment on column hexfold.view_letters.head is 'The first 64 characters of the key, for the index.';
--
comment on column hexfold.view_letters.key is 'The key of the record that the event is for.';
--
comment on column hexfold.view_letters.mishap is 'The step that failed, and the error. Null if the event only waits for an earlier one of its key.';
--
comment on column hexfold.view_letters.parked is 'Whether the event waits to be retried, with all later ones of its key. Otherwise it was skipped.';
--
comment on column hexfold.view_letters.stream is 'The id of the stream of the event.';
--
comment on column hexfold.view_letters.type is 'The type of the event.';
--
comment on column hexfold.view_parts."position" is 'Every event up to this position is in the records. It does not move while appends maintain them.';
--
comment on column hexfold.view_parts.changes is 'A number that grows with each commit of an owner that changes records.';
--
comment on column hexfold.view_parts.changes_at is 'The position at which the changes were counted. If it is another one, an earlier library has gone on.';
--
comment on column hexfold.view_parts.epoch is 'A number that rises with every change of the owner. A commit of another epoch is refused.';
--
comment on column hexfold.view_parts.events_per_second is 'How many events the owner applied a second, as it reported last.';
--
comment on column hexfold.view_parts.failure is 'The event that stopped the part, and the error.';
--
comment on column hexfold.view_parts.generation is 'The generation, in views.id.';
--
comment on column hexfold.view_parts.history is 'The history of the log in which the position was reached.';
--
comment on column hexfold.view_parts.history_at is 'The position for which the history was said. If it is another one, the history is not known.';
--
comment on column hexfold.view_parts.index is 'The number of the part, from 0 on. A generation has one part unless its keys are divided.';
--
comment on column hexfold.view_parts.leased_until is 'When the lease of the owner ends. Nobody owns the part after that.';
--
comment on column hexfold.view_parts.owner is 'The projection that owns the part, or owned it last.';
--
comment on column hexfold.view_parts.positions_per_second is 'How many positions the owner passed a second, as it reported last.';
--
comment on column hexfold.views.aggregates is 'The aggregates whose events appends apply.';
--
comment on column hexfold.views.build is 'Which of several builds of the version, from 1 on.';
--
comment on column hexfold.views.fingerprint is 'Identifies the definition that makes the records: its events, its state, its keys, its indexes.';
--
comment on column hexfold.views.foreign_append_at is 'When a process that does not know the definition last appended an event that is for these records.';
--
comment on column hexfold.views.id is 'The number of the generation. Its records are in the table view_<id>.';
--
comment on column hexfold.views.inline is 'Whether appends maintain the records.';
--
comment on column hexfold.views.known_types is 'All types of events that the definition knows, if appends maintain the generation.';
--
comment on column hexfold.views.promotion is 'The number of the promotion with which appends began to maintain the records.';
--
comment on column hexfold.views.replaced is 'Whether a later build of the same version has replaced this one.';
--
comment on column hexfold.views.serves is 'Whether the generation answers the queries to its version.';
--
comment on column hexfold.views.types is 'The types of the events that appends apply.';
--
comment on column hexfold.views.version is 'The version of the definition of the view.';
--
comment on column hexfold.views.view is 'The name of the view.';
--
comment on function hexfold.append(text[],text[],bigint[],integer[],integer[],integer[],integer[],uuid[],text[],jsonb[],jsonb[],integer[],text[],text[],boolean,bigint[],bigint[]) is 'Appends, as libraries of revision 1 do.';
--
comment on function hexfold.append_2(text[],text[],bigint[],integer[],integer[],integer[],integer[],uuid[],text[],jsonb[],jsonb[],bigint[],integer[],text[],text[],boolean,bigint[],bigint[],integer,integer) is 'Appends, as libraries of revision 2 do.';
--
comment on function hexfold.append_3(text[],text[],bigint[],integer[],integer[],integer[],integer[],uuid[],text[],jsonb[],jsonb[],bigint[],integer[],text[],text[],integer[],integer[],integer[],integer[],boolean,bigint[],bigint[],integer,integer,bigint,uuid) is 'Appends, as libraries of revision 4 do.';
--
comment on function hexfold.append_4(text[],text[],bigint[],integer[],integer[],integer[],integer[],uuid[],text[],integer[],jsonb[],jsonb[],bigint[],integer[],text[],text[],integer[],integer[],integer[],integer[],boolean,bigint[],bigint[],integer,integer,bigint,uuid) is 'Appends of many callers, each with its conditions.';
--
comment on function hexfold.append_event(text,text,bigint,uuid,text,jsonb,jsonb,integer,bigint,uuid) is 'An append of one event to one stream, as libraries of revision 4 do.';
--
comment on function hexfold.append_event_2(text,text,bigint,uuid,text,integer,jsonb,jsonb,integer,bigint,uuid) is 'An append of one event to one stream.';
--
comment on function hexfold.begin_history(bigint) is 'Begins a history.';
--
comment on function hexfold.demote(bigint[]) is 'Ends that appends maintain generations.';
--
comment on function hexfold.drawn() is 'The last position that was drawn.';
--
comment on function hexfold.history() is 'The number of the present history of the log. Begins one if the server or the schema is another one.';
--
comment on function hexfold.horizon(boolean) is 'hexfold namespace 1';
--
comment on function hexfold.horizon_2(boolean,boolean,boolean) is 'The position up to which no further event can appear, the last position drawn, and who holds the horizon back.';
--
comment on function hexfold.lock_inline() is 'Waits for all open appends and keeps others out, so that a view can be switched.';
--
comment on function hexfold.lock_streams(text[],text[],text[],bigint[],integer) is 'Takes the locks of streams and command ids in the order in which an append takes them.';
--
comment on function hexfold.next_history() is 'The number that the next history would have.';
--
comment on function hexfold.reached(boolean,bigint) is 'The position that a part has reached. That of an inline view is the horizon.';
--
comment on function hexfold.readable(bigint,bigint) is 'Refuses a read of the log whose horizon is of another history.';
--
comment on function hexfold.refuse() is 'The trigger function that refuses to change recorded events.';
--
comment on function hexfold.sort_key(jsonb) is 'A text for a JSON value, in the order of which queries sort.';
--
comment on function hexfold.stream(text) is 'The events of a stream, in their order. The argument is the id of the stream, for example ''Course-1''.';
--
comment on function hexfold.taken_back(bigint,bigint) is 'Begins a history after a process has seen that the sequence of the positions was set back.';
--
comment on sequence hexfold.events_position is 'The positions of events. An append that fails leaves a gap.';
--
comment on sequence hexfold.noted is 'The highest position that a store has noted, in the lower 48 bits, and the end of the number of its history.';
--
comment on sequence hexfold.streams_id_seq is 'The numbers of streams.';
--
comment on sequence hexfold.view_epochs is 'The epochs of owners. None is given twice.';
--
comment on sequence hexfold.views_id_seq is 'The numbers of generations.';
--
comment on table hexfold.commands is 'The command ids that are remembered, with what each command did.';
--
comment on table hexfold.events is 'The log: a row for each event, in the order of position. Rows never change.';
--
comment on table hexfold.histories is 'A row for each history of the log: the last position drawn before it began.';
--
comment on table hexfold.inline_changes is 'One row: how often appends have begun to maintain a view.';
--
comment on table hexfold.life is 'The life of the server in which the present history was begun. A crash empties this table.';
--
comment on table hexfold.log is 'One row: the identity of the log, and the schema in which it was made.';
--
comment on table hexfold.migrations is 'The migrations that this schema has had.';
--
comment on table hexfold.revisions is 'The revision of the functions, and the lowest revision of a library that may use this schema.';
--
comment on table hexfold.snapshots is 'The last snapshots of streams: states that save reading a stream from its beginning. A cache: any row may be deleted.';
--
comment on table hexfold.streams is 'A row for each stream: its key, and its version, which is the number of its events.';
--
comment on table hexfold.view_1 is 'The records of the view Places, version 1, build 1.';
--
comment on table hexfold.view_2 is 'The records of the view Courses, version 1, build 1.';
--
comment on table hexfold.view_3 is 'The records of the view Stopping, version 1, build 1.';
--
comment on table hexfold.view_4 is 'The records of the view Courses, version 2, build 1.';
--
comment on table hexfold.view_5 is 'The records of the view Courses, version 2, build 2.';
--
comment on table hexfold.view_6 is 'The records of the view Timetables, version 1, build 1.';
--
comment on table hexfold.view_7 is 'The records of the view Parking, version 1, build 1.';
--
comment on table hexfold.view_8 is 'The records of the view Skipping, version 1, build 1.';
--
comment on table hexfold.view_9 is 'The records of the view Courses, version 2, build 3.';
--
comment on table hexfold.view_letters is 'Dead letters: events that a projection has skipped, or parked until they are retried.';
--
comment on table hexfold.view_parts is 'A row for each part of a generation: its owner, the position it has reached, its failure.';
--
comment on table hexfold.views is 'A row for each generation of a view. Its records are in the table view_<id>. The view projections lists them with their parts.';
--
comment on view hexfold.projections is 'A row for each part of each generation of a view: what it is doing, how far it is, and who owns it.';
