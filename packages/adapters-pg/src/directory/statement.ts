import { mayHide } from "../sql/security.ts"

/**
 * Lists streams in the order of their ids. Most keys are the ids themselves, and a page of them is a stretch of their
 * index. The key of an id that is too long for an index is a digest: such a stream is found by its first event, so each
 * page looks at all of these few. Each row says whether a policy may hide rows from the role; without a stream there is
 * one row without an id.
 *
 * $1 text: the name of the aggregate; $2 text: after this id, or the empty text; $3 int: the most streams.
 */
export const listStreams = (schema: string): string => `
select page.stream_id, page.version, role.hides
from (select ${mayHide(schema, "streams", "events")} as hides offset 0) as role
left join lateral (
  select stream_id, version from (
    (select key as stream_id, version from ${schema}.streams
     where key > $2::text and key >= $1::text || '-' and key < $1::text || '.' and version > 0
     order by key limit $3::int)
    union all
    (select e.stream_id, s.version
     from ${schema}.streams s join ${schema}.events e on e.stream = s.id and e.version = 1
     where s.key > 'sha256:' and s.key < 'sha256;' and s.version > 0
       and pg_catalog.split_part(e.stream_id, '-', 1) = $1::text and e.stream_id > $2::text collate "C"
     order by e.stream_id limit $3::int)
  ) as found
  order by stream_id collate "C" limit $3::int
) as page on true
order by page.stream_id collate "C"`
