import { mayHide } from "./security.ts"

/** The most events in a row of {@link readStreams}. */
export const eventsInRow = 128

/**
 * Reads streams at one moment: the versions of the streams that exist, and
 * what a fold needs of their events after a version. A row has up to 128 events. A
 * stream that does not exist has a row only if a policy may hide it.
 * Measured with 12 events a stream: a row for each event with all its columns
 * takes Postgres half as much time again, and the client eight times as much. Of a
 * stream of 10,000 events, rows of 32 take Postgres a fifth longer than rows of 128,
 * and larger rows save nothing.
 * Versions have no gaps, so the version of a row's first event gives those of the
 * others. The versions of schemas are null where each is 1.
 *
 * The driver takes rows up to 16 MiB. A row with more than 8 MiB of JSON comes
 * without it; `readEvents` then reads its events. Each row says whether a policy may
 * hide rows from the role. Measured: asked in a select of its own, that takes one
 * caller 15 % of the statement's time, as a column 2 %.
 *
 * $1 text[]: the streams' keys; $2 bigint[]: for each stream, the version after
 * which events are read. The limit makes Postgres find each head by its index,
 * whatever it estimates about the size of the table.
 *
 * With `places`, the next two parameters are for each stream the history and the position
 * of the event with that version, or null. If the log has lost the position, all events
 * are read. The append that begins a history adds its row together with its events, so a
 * moment that has an event of a history has its row too.
 */
export const readStreams = (schema: string, places?: "$3 and $4" | "$4 and $5"): string => `
select r.ord::int4 as ord, s.version as head, c.low + 1 as first, e.types, e.versions, case when e.bytes <= 8388608 then e.data end as data,
  ${mayHide(schema, "streams", "events")} as hides, ${places === undefined ? "false" : "r.lost"} as lost
from ${places === undefined ? "unnest($1::text[], $2::bigint[]) with ordinality as r(key, after, ord)" : placed(schema, places)}
left join lateral (select id, version from ${schema}.streams where key = r.key limit 1) as s on true
left join lateral pg_catalog.generate_series(r.after, s.version - 1, ${eventsInRow}) as c(low) on true
left join lateral (
  select pg_catalog.array_agg(type) as types,
    case when pg_catalog.max(schema_version) > 1 then pg_catalog.array_agg(schema_version) end as versions, pg_catalog.string_agg(json, ',') as data, pg_catalog.sum(pg_catalog.octet_length(json)) as bytes
  from (
    select type, schema_version, data::text as json from ${schema}.events
    where stream = s.id and version > c.low and version <= c.low + ${eventsInRow} order by version
  ) as ordered
) as e on true
where s.id is not null or ${mayHide(schema, "streams")}`

const placed = (schema: string, places: "$3 and $4" | "$4 and $5"): string => {
  const [histories, positions] = places.split(" and ")
  return `(
  select p.key, case when p.lost then 0 else p.after end as after, p.ord, p.lost from (
    select g.key, g.after, g.ord, g.history is not null and (
      not exists (select from ${schema}.histories h where h.history = g.history)
      or exists (select from ${schema}.histories h where h.history > g.history and h.began_after < g.position)) as lost
    from unnest($1::text[], $2::bigint[], ${histories}::bigint[], ${positions}::bigint[]) with ordinality
      as g(key, after, history, position, ord)
  ) as p
) as r`
}

/**
 * The payloads of some events of a stream, a row for each. Recorded events never
 * change, so they are the same at every moment at which they exist.
 *
 * $1 text: the stream's key; $2 bigint: the first version; $3 int: how many.
 */
export const readEvents = (schema: string): string => `
select data from ${schema}.events
where stream = (select id from ${schema}.streams where key = $1) and version >= $2::bigint and version < $2::bigint + $3::int
order by version`

/**
 * Reads streams like `readStreams`, and at the same moment the results of
 * commands. The `ord` of their rows is the negative place of the command. A
 * command has a row with its fingerprint, the last history and the number of its
 * events as the `position`, a row for each of its streams, whose `position` is the
 * place of the stream in the command, and a row for each of its events. So no list is
 * repeated, and no row grows with the number of streams. If a policy may hide rows,
 * there is a row that says so, also where no stream is asked for.
 *
 * $1 and $2 as for `readStreams`; $3 text[]: the commands' keys. With `places`, $4 and $5 are those of `readStreams`.
 */
export const readStreamsAndCommands = (schema: string, places?: "$4 and $5"): string => `
with command as materialized (
  select (-r.ord)::int4 as ord, c.fingerprint, c.streams, c.versions, c.positions
  from pg_catalog.unnest($3::text[]) with ordinality as r(key, ord)
  cross join lateral (select fingerprint, streams, versions, positions from ${schema}.commands where key = r.key limit 1) as c
)
select *, null::bigint as position, null::bigint as version, null::text as stream_id, null::uuid as event_id, null::text as type,
  null::smallint as schema_version, null::jsonb as event_data, null::jsonb as metadata, null::timestamptz as recorded_at, null::boolean as imported,
  null::text as fingerprint
from (${readStreams(schema, places)}) as r
union all
select 0, null, null, null, null, null, true, null, null, null, null, null, null, null, null, null, null, null, null
where ${mayHide(schema, "streams", "events", "commands")}
union all
select c.ord, null, null, null, null, null, null, null, pg_catalog.cardinality(c.positions)::bigint, (select pg_catalog.max(h.history) from ${schema}.histories h), null, null, null, null, null,
  null, null, null, c.fingerprint from command c
union all
select c.ord, null, null, null, null, null, null, null, s.place, s.version, s.stream_id, null, null, null, null, null, null, null, null
from command c cross join unnest(c.streams, c.versions) with ordinality as s(stream_id, version, place)
union all
select c.ord, null, null, null, null, null, null, null, e.position, e.version, e.stream_id, e.event_id, e.type, e.schema_version, e.data, e.metadata,
  coalesce(e.original_time, e.recorded_at), e.original_time is not null, null
from command c cross join pg_catalog.unnest(c.positions) as p(position)
cross join lateral (select * from ${schema}.events where position = p.position limit 1) as e`
