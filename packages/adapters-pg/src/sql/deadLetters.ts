import { digestOf, headOf, isOf } from "./records.ts"

/** Adds or replaces dead letters. $1 bigint: the generation; $2 jsonb: the dead letters. */
export const put = (schema: string): string => `
insert into ${schema}.view_letters
  (generation, position, head, digest, key, parked, stream, event_version, type, mishap, at)
select $1, position, ${headOf("key")}, ${digestOf("key")}, key, parked, stream, "eventVersion", type, mishap, at
from pg_catalog.jsonb_to_recordset($2::jsonb) as letter(
  position bigint, key text, parked boolean, stream text, "eventVersion" bigint, type text, mishap jsonb, at float8
)
on conflict (generation, position, head, digest) do update set
  parked = excluded.parked, stream = excluded.stream, event_version = excluded.event_version, type = excluded.type,
  mishap = excluded.mishap, at = excluded.at`

/** Removes dead letters, and returns a row for each. $1 bigint: the generation; $2 jsonb: the positions and keys. */
export const remove = (schema: string): string => `
delete from ${schema}.view_letters as letter using pg_catalog.jsonb_to_recordset($2::jsonb) as gone(position bigint, key text)
where letter.generation = $1 and letter.position = gone.position
  and ${isOf("letter", "gone.key")}
returning letter.position`

/** Returns a row if one of the keys is not parked. $1 bigint: the generation; $2 text[]: the keys. */
export const notParked = (schema: string): string => `
select from pg_catalog.unnest($2::text[]) as waiting(key)
where not exists (
  select from ${schema}.view_letters as letter
  where letter.generation = $1 and letter.parked and ${isOf("letter", "waiting.key")}
) limit 1`

/**
 * Dead letters, ordered by position and key. The history of a letter is the one in
 * which it was written: the last that had begun by then, or 1.
 *
 * $1 bigint: the generation; $2 bigint and $3 text: only those after this
 * position and key; $4 text: only those of a key; $5 boolean: only those that are
 * parked, or that are not; $6 bigint: the most rows. Each but the first may be null.
 */
export const select = (schema: string): string => `
select position, key, parked, stream, event_version, type, mishap, at, coalesce((
    select pg_catalog.max(h.history) from ${schema}.histories h
    where h.noticed_at <= pg_catalog.to_timestamp(letter.at / 1000::float8)
  ), 1::int8) as history
from ${schema}.view_letters as letter
where generation = $1
  and ($2::bigint is null or (position, head, key) > ($2, ${headOf("$3")}, $3))
  and ($4::text is null or ${isOf("letter", "$4::text")})
  and ($5::boolean is null or parked = $5)
order by position, head, key limit $6`

/** The number of parked keys, and of skipped events. $1 bigint: the generation. */
export const counts = (schema: string): string => `
select pg_catalog.count(distinct key) filter (where parked) as parked, pg_catalog.count(*) filter (where not parked) as skipped
from ${schema}.view_letters where generation = $1`
