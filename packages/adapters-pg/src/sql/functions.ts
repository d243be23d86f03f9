import { appendFunction } from "./append.ts"
import { appendEventFunction } from "./appendEvent.ts"
import { formerAppendFunctions } from "./formerAppend.ts"
import { historyFunctions } from "./history.ts"
import { horizonFunctions } from "./horizon.ts"
import { inlineFunctions } from "./inline.ts"
import { lockFunction } from "./locks.ts"
import { ownPath } from "./security.ts"

/**
 * The revision of this library: it counts the changes of functions and tables.
 * Raise it with every such change, or databases keep the functions they have.
 */
export const revision = 5

/**
 * The lowest revision of a library that can use a schema as this library leaves
 * it. Libraries from there on run beside this one, and after it.
 */
export const lowest = 1

/**
 * The functions of a schema, in an order in which they can be created, and the view
 * for people. Each statement replaces a function with the same arguments and result.
 *
 * Libraries of several revisions call the same function. So one whose arguments,
 * result or meaning changes gets a new name (`append_4`), and the former stays
 * until the next major version. `sort_key` is not among them, because
 * the indexes of views depend on it: it is part of a migration. What it returns
 * never changes.
 */
export const functions = (schema: string, namespace: number): ReadonlyArray<string> => [
  ...horizonFunctions(schema, namespace),
  ...historyFunctions(schema),
  ...inlineFunctions(schema),
  appendFunction(schema, namespace),
  appendEventFunction(schema, namespace),
  ...formerAppendFunctions(schema),
  lockFunction(schema),
  ...operatorStatements(schema)
]

/**
 * What people at a database client ask: the function `stream` and the view `projections`. No library uses them.
 *
 * `stream` finds the events by the unique index of the log, which a condition on `events.stream_id` does not. The
 * key of a long id is its digest, see `events/keys.ts`. Before revision 4 the function returned whole rows of
 * `events`, and Postgres replaces no function by one with another result. If something of a user depends on the
 * former one, it stays under another name.
 *
 * `projections` calls no function of the schema, so a role needs the right to read the view and nothing else. A
 * migration that changes a column which it shows must drop it; it is then made again.
 */
const operatorStatements = (schema: string): ReadonlyArray<string> => [
  `do $$
declare
  v_former oid;
begin
  select p.oid into v_former from pg_catalog.pg_proc p
  where p.pronamespace = '${schema}'::regnamespace and p.proname = 'stream' and p.prorettype = '${schema}.events'::regtype;
  if v_former is not null then
    drop function ${schema}.stream(text);
  end if;
exception when dependent_objects_still_exist then
  alter function ${schema}.stream(text) rename to stream_before;
end $$`,
  `create or replace function ${schema}.stream(p_stream_id text) returns table (
  "position" bigint, version bigint, type text, recorded_at timestamptz, data jsonb, metadata jsonb,
  original_time timestamptz, event_id uuid, stream_id text
) language sql stable ${ownPath} as $$
  select e.position, e.version, e.type, e.recorded_at, e.data, e.metadata, e.original_time, e.event_id, e.stream_id
  from ${schema}.streams s join ${schema}.events e on e.stream = s.id
  where s.key = case when octet_length(convert_to(p_stream_id, 'UTF8')) <= 2000 then p_stream_id
    else 'sha256:' || encode(sha256(convert_to(p_stream_id, 'UTF8')), 'hex') end
  order by e.version $$`,
  projections(schema),
  `comment on view ${schema}.projections is 'A row for each part of each generation of a view: what it is doing, how far it is, and who owns it.'`,
  ...Object.entries(columnComments).map(
    ([column, text]) => `comment on column ${schema}.projections.${column} is '${text}'`
  ),
  ...Object.entries(functionComments).map(([name, text]) => `comment on function ${schema}.${name} is '${text}'`)
]

// Appends maintain an inline generation: its position is the last one drawn.
const projections = (schema: string): string => `
create or replace view ${schema}.projections as
select g.view, g.version, g.build, p.index as part,
  case
    when g.inline then 'inline'
    when p.failure is not null then 'failed'
    when g.replaced then 'replaced'
    when p.leased_until <= pg_catalog.clock_timestamp() then 'waiting'
    when not g.serves then 'building'
    when pg_catalog.clock_timestamp() - e.recorded_at > interval '10 seconds' then 'catching up'
    else 'live'
  end as state,
  g.serves,
  case when g.inline then log.drawn else p.position end as position,
  case when g.inline then 0 else greatest(log.drawn - p.position, 0) end as lag,
  pg_catalog.clock_timestamp() - e.recorded_at as lag_time,
  nullif(p.owner, '') as owner,
  nullif(p.leased_until, '-infinity') as leased_until,
  case when p.failure is not null then pg_catalog.format('event %s of %s, a %s at position %s: %s failed: %s',
    p.failure->>'eventVersion', p.failure->>'stream', p.failure->>'type', p.failure->>'position',
    p.failure#>>'{mishap,step}', p.failure#>>'{mishap,cause}') end as failure,
  l.parked, l.skipped,
  pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.replace('${schema}', '"', ''), 'view_' || g.id))::text as records
from ${schema}.views g
  join ${schema}.view_parts p on p.generation = g.id
  cross join (select case when is_called then last_value else 0 end as drawn from ${schema}.events_position) as log
  left join lateral (
    select recorded_at from ${schema}.events where not g.inline and position > p.position order by position limit 1
  ) as e on true
  cross join lateral (
    select pg_catalog.count(distinct key) filter (where parked) as parked, pg_catalog.count(*) filter (where not parked) as skipped
    from ${schema}.view_letters where generation = g.id
  ) as l
order by g.view, g.version, g.build, p.index`

const columnComments = {
  view: "The name of the view.",
  version: "The version of the definition of the view.",
  build: "Which of several builds of the version, from 1 on.",
  part: "The number of the part, from 0 on. There is one part unless the keys are divided.",
  state:
    "inline: appends maintain it; failed: an event stopped it; replaced: by a later build; waiting: no projection owns it; building: it does not answer queries yet; catching up: its lag time is above 10 seconds; live: none of these.",
  serves: "Whether the generation answers the queries to its version.",
  position: "Every event up to this position is in the records.",
  lag: "How many positions the log has after it, up to the last one drawn. The view may not follow all of their events.",
  lag_time:
    "The age of the first event after the position, even if the view does not follow that event. Null if no event comes after it.",
  owner: "The projection that owns the part, or owned it last.",
  leased_until: "When the lease of the owner ends. Nobody owns the part after that.",
  failure: "The event that stopped the part, and the error.",
  parked: "How many keys of the generation are parked.",
  skipped: "How many dead letters of skipped events the generation has.",
  records: "The table that holds the records of the generation."
}

// The comment on the function horizon has the number of the locks, which libraries look up.
const functionComments = {
  stream: "The events of a stream, in their order. The argument is the id of the stream, for example ''Course-1''.",
  append: "Appends, as libraries of revision 1 do.",
  append_2: "Appends, as libraries of revision 2 do.",
  append_3: "Appends, as libraries of revision 4 do.",
  append_4: "Appends of many callers, each with its conditions.",
  append_event: "An append of one event to one stream, as libraries of revision 4 do.",
  append_event_2: "An append of one event to one stream.",
  lock_streams: "Takes the locks of streams and command ids in the order in which an append takes them.",
  horizon_2:
    "The position up to which no further event can appear, the last position drawn, and who holds the horizon back.",
  drawn: "The last position that was drawn.",
  history: "The number of the present history of the log. Begins one if the server or the schema is another one.",
  next_history: "The number that the next history would have.",
  begin_history: "Begins a history.",
  taken_back: "Begins a history after a process has seen that the sequence of the positions was set back.",
  readable: "Refuses a read of the log whose horizon is of another history.",
  lock_inline: "Waits for all open appends and keeps others out, so that a view can be switched.",
  demote: "Ends that appends maintain generations.",
  reached: "The position that a part has reached. That of an inline view is the horizon.",
  sort_key: "A text for a JSON value, in the order of which queries sort.",
  refuse: "The trigger function that refuses to change recorded events."
}
