/**
 * Reads streams in one snapshot: the streams that exist with their versions,
 * and their events above a version.
 *
 * $1 text[]: the streams' keys; $2 bigint[]: leave out events up to this
 * version, one for each stream. The limit makes Postgres look each head up by
 * its index, whatever it believes about the table's size.
 */
export const readStreams = (S: string): string => `
select r.ord::int4 as ord, s.version as head, e.position, e.version, null::text as stream_id, e.event_id, e.type, e.data, e.metadata,
  e.recorded_at, null::text as fingerprint, null::text[] as streams, null::bigint[] as versions
from unnest($1::text[], $2::bigint[]) with ordinality as r(key, after, ord)
cross join lateral (select id, version from ${S}.streams where key = r.key limit 1) as s
left join lateral (
  select * from ${S}.events where stream = s.id and version > r.after order by version
) as e on true`

/**
 * The same, and in the same snapshot the results of commands: their rows have
 * the negative place of the command as `ord`.
 *
 * $3 text[]: the commands' keys.
 */
export const readStreamsAndCommands = (S: string): string => `${readStreams(S)}
union all
select -r.ord::int4, null, e.position, e.version, e.stream_id, e.event_id, e.type, e.data, e.metadata, e.recorded_at,
  c.fingerprint, c.streams, c.versions
from unnest($3::text[]) with ordinality as r(key, ord)
join ${S}.commands c on c.key = r.key
left join ${S}.events e on e.position = any (c.positions)`
