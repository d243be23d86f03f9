/** The statements of the table of snapshots, for the quoted name of a schema. */

/** Loads snapshots by their keys and fingerprints, with the places of the requests. */
export const load = (schema: string): string =>
  `select asked.place::int as place, s.version, s.history, s.position, s.state::text as state, s.saved_at as "savedAt"
   from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) with ordinality as asked (key, fingerprint, place)
   join ${schema}.snapshots s on s.key = asked.key and s.fingerprint = asked.fingerprint`

/**
 * Saves snapshots, and gives the keys of those that have no earlier one of their fingerprint. Rows are locked in the
 * order of the primary key, so that calls do not deadlock. A lower version of the same history changes nothing.
 */
export const save = (schema: string): string =>
  `with saved as (
     insert into ${schema}.snapshots as s (key, fingerprint, aggregate, version, history, position, state, saved_at)
     select key, fingerprint, aggregate, version, history, position, state::json, pg_catalog.clock_timestamp()
     from rows from (
       pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]),
       pg_catalog.unnest($4::bigint[]), pg_catalog.unnest($5::bigint[]), pg_catalog.unnest($6::bigint[]),
       pg_catalog.unnest($7::text[])
     ) as given (key, fingerprint, aggregate, version, history, position, state)
     order by key collate "C", fingerprint collate "C"
     on conflict (key, fingerprint) do update set
       version = excluded.version, history = excluded.history, position = excluded.position,
       state = excluded.state, saved_at = excluded.saved_at
     where s.history <> excluded.history or s.version <= excluded.version
     returning key, (xmax = 0) as is_new
   )
   select distinct key from saved where is_new`

/** Removes those of the given streams that were saved longest ago, and keeps so many of each stream. */
export const trim = (schema: string): string =>
  `delete from ${schema}.snapshots s using (
     select key, fingerprint, pg_catalog.row_number() over (partition by key order by saved_at desc, fingerprint) as place
     from ${schema}.snapshots where key = any($1::text[])
   ) as ordered
   where s.key = ordered.key and s.fingerprint = ordered.fingerprint and ordered.place > $2`

/** Removes the snapshots of a stream, or one of them. */
export const removeOfStream = (schema: string): string =>
  counted(`delete from ${schema}.snapshots where key = $1 and ($2::text is null or fingerprint = $2) returning 1`)

/** Removes some snapshots of an aggregate that were saved before a moment. */
export const removeOfAggregate = (schema: string): string =>
  counted(
    `delete from ${schema}.snapshots where (key, fingerprint) in (
       select key, fingerprint from ${schema}.snapshots
       where aggregate = $1 and fingerprint <> all($2::text[]) and saved_at <= $3::text::timestamptz limit $4
     ) returning 1`
  )

/** The present moment, by the server's clock. */
export const now = "select pg_catalog.clock_timestamp()::text as now"

const counted = (statement: string): string =>
  `with removed as (${statement}) select pg_catalog.count(*)::int as count from removed`
