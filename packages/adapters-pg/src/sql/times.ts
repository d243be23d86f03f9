/**
 * The parts of the append function that give events their times.
 *
 * An append has one time, and all of its events get it except for imported ones,
 * which bring their own. The head of a stream keeps the time of its last event.
 *
 * Why the time never falls within a stream. (1) A head's time is raised by the
 * statement that locks the head. If another append has changed the head meanwhile,
 * Postgres evaluates it after that append has committed. (2) It is raised to the
 * greatest of the clock and the time that the head has, so a clock that was set
 * back does not matter. (3) The append's time is the greatest of its heads' times;
 * a head that has a lower one is raised to it before its lock is released.
 *
 * With growing positions the time falls by no more than the overlap of
 * transactions, even if the clock was set back: the time is not before that of the
 * last event of the log that can be seen. If more than 1,000 positions were drawn
 * after it, then so many events are under way that only the heads and the clock
 * count.
 *
 * Times have milliseconds, as those of the callers have. So an event that is read
 * and imported again has the very same time.
 */
export const variables = `
  v_time timestamptz;
  v_floor timestamptz;
  v_now timestamptz;
  v_imports boolean[];
  v_is_unknown boolean := false;
  v_known timestamptz[];
  v_lasts timestamptz[];`

// Whole milliseconds, rounded down. It is read for each head, and date_trunc takes several times longer.
const clock = "(clock_timestamp() - interval '500 microseconds')::timestamptz(3)"

const publicTime = "coalesce(e.original_time, e.recorded_at)"

/** The columns that a reader gets: the event's time, and whether it was imported. */
export const eventTime = "coalesce(original_time, recorded_at) as recorded_at, original_time is not null as imported"

const importedTime = "'epoch'::timestamptz + e.time * interval '1 millisecond'"

/** Before heads are locked: the time of the last event of the log. */
export const floor = `
  if v_end > v_drawn - 1000 then
    v_floor := v_end_time;
  end if;`

/** Before heads are locked: which streams get imported events. */
export const before = `
  if p_times is not null then
    select array_agg(i.stream is not null order by k.ord) into v_imports
    from generate_series(1, cardinality(p_keys)) as k(ord) left join (
      select distinct e.stream from unnest(p_event_streams, p_times) as e(stream, time) where e.time is not null
    ) as i on i.stream = k.ord;
  end if;`

/** The time of a head that is created and gets no imported events. */
export const fresh = `greatest(${clock}, v_floor)`

/** The time of a head that is created: null if it gets imported events, because its time is theirs. */
export const ofNewHead = (imports: string): string => `case when ${imports} then null else ${fresh} end`

/** The time of a head that exists and whose time is known: raised. */
export const raised = `greatest(s.recorded_at, ${clock}, v_floor)`

/** The time of a head that exists: raised, but not if it gets imported events, or if the time is not known yet. */
export const ofHead = `case when s.recorded_at is null or excluded.recorded_at is null then s.recorded_at else ${raised} end`

/**
 * After all heads are locked and checked: the times of the appends, and the first
 * event of each append whose own time is refused. Most calls need none of it: the
 * heads have the times of their appends already, mostly all the same millisecond.
 *
 * Heads of left-out appends are set back to null by the caller: the time is then
 * taken from the last event.
 */
export const after = (schema: string): string => `
  if p_times is not null or v_is_unknown
    or (p_time_of > 0 and exists (
      select from unnest(p_owners, o_times) as t(owner, time) group by case when p_time_of < 2 then t.owner end
      having min(t.time) <> max(t.time)
    )) then
    v_now := ${clock};
    v_known := o_times;
    select array_agg(coalesce(t.known, last.time) order by t.ord) into v_lasts
    from unnest(v_heads, o_bases, v_known) with ordinality as t(head, base, known, ord)
      left join lateral (
        select ${publicTime} as time from ${schema}.events e where e.stream = t.head and e.version = t.base
      ) as last on t.known is null;
    select array_agg(timed.time order by k.ord) into o_times
    from generate_series(1, cardinality(p_keys)) as k(ord) left join (
      select t.ord, max(case when t.known is null or t.imports then greatest(t.last, v_now, v_floor) else t.known end)
        over (partition by case when p_time_of < 2 then t.owner end) as time
      from unnest(p_owners, p_counts, v_known, v_lasts, v_imports) with ordinality as t(owner, count, known, last, imports, ord)
      where t.count > 0 and t.owner <> all (v_repeated)
    ) as timed on timed.ord = k.ord;
    update ${schema}.streams s set recorded_at = t.time
    from unnest(v_heads, v_known, o_times, v_imports) as t(head, known, time, imports)
    where s.id = t.head and (t.known is null or t.known < t.time) and t.time is not null and t.imports is not true;
  end if;
  if p_times is not null then
    with event as (
      select e.ord, e.stream, p_owners[e.stream] as owner, e.time is not null as imports,
        coalesce(${importedTime}, o_times[e.stream]) as time
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
    update ${schema}.streams s set recorded_at = l.time
    from (
      select distinct on (e.stream) e.stream, greatest(coalesce(${importedTime}, o_times[e.stream]), v_lasts[e.stream]) as time
      from unnest(p_event_streams, p_times) with ordinality as e(stream, time, ord) order by e.stream, e.ord desc
    ) as l
    where s.id = v_heads[l.stream] and p_owners[l.stream] <> all (v_left_out || v_repeated);
  end if;`

/** The time that an imported event of the row `e` gets. A last event that is older than this function may have microseconds. */
export const original = `case when e.time is not null then greatest(${importedTime}, v_lasts[e.stream]) end`
