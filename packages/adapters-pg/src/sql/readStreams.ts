/**
 * Reads streams at one moment: the streams that exist with their versions, and
 * what a fold needs of their events after a version. A row has up to 32 events.
 * Measured with 12 events a stream: a row for each event with all its columns
 * takes Postgres half as much time again, and the client eight times as much.
 * Versions have no gaps, so the version of a row's first event gives those of the
 * others.
 *
 * The driver takes rows up to 16 MiB. A row with more than 4 MiB of JSON comes
 * without it; `readEvents` then reads its events.
 *
 * $1 text[]: the streams' keys; $2 bigint[]: for each stream, the version after
 * which events are read. The limit makes Postgres find each head by its index,
 * whatever it estimates about the size of the table.
 */
export const readStreams = (schema: string): string => `
select r.ord::int4 as ord, s.version as head, c.low + 1 as first, e.types, case when e.bytes <= 4194304 then e.data end as data
from unnest($1::text[], $2::bigint[]) with ordinality as r(key, after, ord)
cross join lateral (select id, version from ${schema}.streams where key = r.key limit 1) as s
left join lateral generate_series(r.after, s.version - 1, 32) as c(low) on true
left join lateral (
  select array_agg(type) as types, string_agg(json, ',') as data, sum(octet_length(json)) as bytes
  from (
    select type, data::text as json from ${schema}.events
    where stream = s.id and version > c.low and version <= c.low + 32 order by version
  ) as ordered
) as e on true`

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
 * commands. The `ord` of their rows is the negative place of the command.
 *
 * $1 and $2 as for `readStreams`; $3 text[]: the commands' keys.
 */
export const readStreamsAndCommands = (schema: string): string => `
select *, null::bigint as position, null::bigint as version, null::text as stream_id, null::uuid as event_id, null::text as type,
  null::jsonb as event_data, null::jsonb as metadata, null::timestamptz as recorded_at, null::boolean as imported,
  null::text as fingerprint, null::text[] as streams, null::bigint[] as versions
from (${readStreams(schema)}) as r
union all
select -r.ord::int4, null, null, null, null, e.position, e.version, e.stream_id, e.event_id, e.type, e.data, e.metadata, coalesce(e.original_time, e.recorded_at), e.original_time is not null,
  c.fingerprint, c.streams, c.versions
from unnest($3::text[]) with ordinality as r(key, ord)
join ${schema}.commands c on c.key = r.key
left join ${schema}.events e on e.position = any (c.positions)`
