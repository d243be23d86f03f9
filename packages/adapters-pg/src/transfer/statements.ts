/** The statements that move a log, for the quoted name of a schema. */
import { mayHide } from "../sql/security.ts"

/** The identity of the log, and whether a policy may hide rows from the role. */
export const log = (schema: string): string =>
  `select l.id::text as id, ${mayHide(schema, "log", "streams", "events", "commands")} as hides from ${schema}.log l`

/** The key of a stream's id, as `events/keys.ts` makes it. */
const keyOf = (id: string): string =>
  `case when pg_catalog.octet_length(pg_catalog.convert_to(${id}, 'UTF8')) <= 2000 then ${id}
    else 'sha256:' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${id}, 'UTF8')), 'hex') end`

/** The columns of the commands `c`, with the places of their events. */
const commandColumns = `c.key, c.fingerprint, c.streams, c.versions, c.recorded_at as "usedAt",
  pg_catalog.cardinality(c.positions) as count, placed.ids as "eventStreams", placed.places as "eventVersions"`

const placed = (schema: string): string => `
cross join lateral (
  select coalesce(pg_catalog.array_agg(e.stream_id order by p.ord), '{}') as ids,
    coalesce(pg_catalog.array_agg(e.version order by p.ord), '{}') as places
  from pg_catalog.unnest(c.positions) with ordinality as p(position, ord) join ${schema}.events e on e.position = p.position
) as placed`

/**
 * A page of the commands, in the order of their keys. `belongs` says whether all effects of a command are at or below a
 * position. A command without events belongs to the positions of the events that it was decided on. One with
 * events has read nothing that is later than they are: it holds the heads of its streams when it draws its positions.
 *
 * $1 text: after this key; $2 int: the most rows; $3 bigint: the bytes of fingerprints that end the page; $4 bigint: the
 * position.
 */
export const commandsPage = (schema: string): string => `
with page as materialized (
  select * from (
    select k.*, pg_catalog.sum(pg_catalog.octet_length(k.fingerprint)) over (order by k.key) as bytes
    from (select * from ${schema}.commands where key > $1 order by key limit $2) as k
  ) as summed
  where bytes - pg_catalog.octet_length(fingerprint) < $3
)
select ${commandColumns},
  case when pg_catalog.cardinality(c.positions) > 0
    then not exists (select from pg_catalog.unnest(c.positions) as p(position) where p.position > $4)
    else not exists (
      select from rows from (pg_catalog.unnest(c.streams), pg_catalog.unnest(c.versions)) as s(id, version)
      where s.version > 0 and not exists (
        select from ${schema}.streams h join ${schema}.events e on e.stream = h.id
        where h.key = ${keyOf("s.id")} and e.version = s.version and e.position <= $4
      )
    )
  end as belongs
from page c ${placed(schema)}
order by c.key`

/** Commands by their keys. $1 text[]: the keys. */
export const findCommands = (schema: string): string =>
  `select ${commandColumns} from ${schema}.commands c ${placed(schema)} where c.key = any ($1::text[])`

/** The ids of events, with the places of the requests. $1 text[]: the keys of the streams; $2 bigint[]: the versions. */
export const findEvents = (schema: string): string => `
select r.place::int as place, e.event_id::text as id
from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::bigint[])) with ordinality as r(key, version, place)
  join ${schema}.streams s on s.key = r.key join ${schema}.events e on e.stream = s.id and e.version = r.version`

/**
 * Remembers commands, unless they are remembered already or their events are missing, and gives the keys of those that
 * it has added. Keys are locked in ascending order, as appends do it, and no other lock is taken. So it does not
 * deadlock with them.
 *
 * $1 text[]: the keys; $2 text[]: the fingerprints; $3 bigint[]: the times in milliseconds; $4 int[], $5 text[], $6
 * bigint[]: the streams of the receipts, by the place of the command; $7 int[], $8 text[], $9 bigint[]: their events, by
 * the keys of the streams.
 */
export const record = (schema: string): string => `
with stream as (
  select r.command, pg_catalog.array_agg(r.id order by r.ord) as ids, pg_catalog.array_agg(r.version order by r.ord) as versions
  from rows from (pg_catalog.unnest($4::int[]), pg_catalog.unnest($5::text[]), pg_catalog.unnest($6::bigint[])) with ordinality as r(command, id, version, ord)
  group by r.command
), event as (
  select r.command, pg_catalog.array_agg(e.position order by r.ord) as positions, pg_catalog.count(*) = pg_catalog.count(e.position) as whole
  from rows from (pg_catalog.unnest($7::int[]), pg_catalog.unnest($8::text[]), pg_catalog.unnest($9::bigint[])) with ordinality as r(command, key, version, ord)
    left join ${schema}.streams s on s.key = r.key left join ${schema}.events e on e.stream = s.id and e.version = r.version
  group by r.command
)
insert into ${schema}.commands (key, fingerprint, streams, versions, positions, recorded_at)
select c.key, c.fingerprint, coalesce(stream.ids, '{}'), coalesce(stream.versions, '{}'), coalesce(event.positions, '{}'),
  'epoch'::timestamptz + c.time * interval '1 millisecond'
from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::bigint[])) with ordinality as c(key, fingerprint, time, ord)
  left join stream on stream.command = c.ord left join event on event.command = c.ord
where event.whole is not false
order by c.key collate "C"
on conflict do nothing returning key`
