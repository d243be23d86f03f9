import { eventTime } from "./times.ts"

const columns = `position, stream_id, version, event_id, type, data, metadata, ${eventTime}`

// A page ends after $limit rows, or with the row that fills $bytes of payload,
// so that large payloads make small pages. Only compressed payloads are written
// out to measure them.
const page = (select: string, order: string, limit: string, bytes: string): string => `
select ${columns}, total as size from (
  select *, sum(size) over (order by ${order} rows unbounded preceding) as total
  from (
    select *, case when pg_column_compression(data) is null then pg_column_size(data) else octet_length(data::text) end as size
    from (${select} order by ${order} limit ${limit}) as selected
  ) as sized
) as summed
where total - size < ${bytes} order by ${order}`

/** The order of the events in a page. */
export type Direction = "forwards" | "backwards"

/**
 * A page of the log.
 *
 * $1 bigint: after this position; $2 bigint: up to this position, at most the
 * horizon; $3 text[]: only these aggregates, or null; $4 text[]: only these types,
 * or null; $5 int: the most rows; $6 bigint: the bytes that end the page.
 */
export const readAllPage = (schema: string, direction: Direction): string =>
  page(
    `select * from ${schema}.events
     where position ${direction === "forwards" ? ">" : "<"} $1::bigint and position <= $2::bigint
       and ($3::text[] is null or split_part(stream_id, '-', 1) = any ($3::text[]))
       and ($4::text[] is null or type = any ($4::text[]))`,
    direction === "forwards" ? "position" : "position desc",
    "$5::int",
    "$6::bigint"
  )

/**
 * A page of a stream.
 *
 * $1 text: the stream's key; $2 bigint: after this version; $3 text[]: only these
 * types, or null; $4 int: the most rows; $5 bigint: the bytes that end the page.
 */
export const readStreamPage = (schema: string, direction: Direction): string =>
  page(
    `select * from ${schema}.events
     where stream = (select id from ${schema}.streams where key = $1) and version ${direction === "forwards" ? ">" : "<"} $2::bigint
       and ($3::text[] is null or type = any ($3::text[]))`,
    direction === "forwards" ? "version" : "version desc",
    "$4::int",
    "$5::bigint"
  )
