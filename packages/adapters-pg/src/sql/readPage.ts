import type { EventStore } from "@hexfold/core"
import { mayHide } from "./security.ts"
import { eventTime } from "./times.ts"

// A page ends after $limit rows, or with the row that fills $bytes of payload as it is written out, so that large
// payloads make small pages. A payload that is stored compressed is written out only if it is likely to be in the page:
// the inner condition counts it with its stored bytes times $ratio. Its text is then measured and returned, so no payload
// of a page is written out twice. A page that the inner condition has ended has `likely` of $bytes or more. The `offset 0` keeps Postgres from computing the text in two places.
const page = (select: string, order: string, limit: string, bytes: string, ratio: string): string => `
select position, stream_id, version, event_id, type, schema_version, json as data, metadata, ${eventTime}, total as size, weights as likely,
  case when is_compressed then pg_catalog.octet_length(json)::float8 / greatest(stored, 1)::float8 end as ratio
from (
  select *, pg_catalog.sum(pg_catalog.octet_length(json)) over (order by ${order} rows unbounded preceding) as total
  from (
    select *, data::text as json
    from (
      select *, pg_catalog.sum(weight) over (order by ${order} rows unbounded preceding) as weights
      from (
        select *, case when is_compressed then stored * ${ratio} else stored end as weight
        from (
          select *, pg_catalog.pg_column_size(data) as stored, pg_catalog.pg_column_compression(data) is not null as is_compressed
          from (${select} order by ${order} limit ${limit}) as selected
        ) as stored
      ) as weighed
    ) as likely
    where weights - weight < ${bytes} order by ${order} offset 0
  ) as written
) as summed
where total - pg_catalog.octet_length(json) < ${bytes} order by ${order}`

/** The order of the events in a page. */
export type Direction = "forwards" | "backwards"

/**
 * A page of the log.
 *
 * $1 bigint: after this position; $2 bigint: up to this position, at most the
 * horizon; $3 text[]: only these aggregates, or null; $4 text[]: only these types,
 * or null; $5 int: the most rows; $6 bigint: the bytes that end the page; $7 int:
 * how many times larger than its stored bytes a compressed payload is taken to be;
 * $8 bigint: the history of the horizon, or null; $9 text[]: not these types, each behind the name of its aggregate and
 * a slash, or null. The page fails if the log has begun another
 * one: what stands below that horizon may then still change. The limit asks for that, because
 * Postgres evaluates it also where a policy hides all rows. `readable` returns the position.
 * There are at most so many events up to it, so it never shortens the page.
 */
export const readAllPage = (schema: string, direction: Direction): string =>
  pageOfAll(
    schema,
    direction,
    `select * from ${schema}.events
     where position ${direction === "forwards" ? ">" : "<"} $1::bigint
       and position <= $2::bigint ${filters}`
  )

/**
 * A page of a conversation. The binds are those of {@link readAllPage}, and $10 text: the correlation id.
 *
 * The index of conversations begins with the stretch of the log. The statement asks the index once for each stretch, in
 * the order of the stretches, and sorts the events of one stretch at a time. So it can stop at the limit. The inner limit
 * is a bind and nothing else: then the planner knows how few events are wanted.
 */
export const readConversationPage = (schema: string, direction: Direction): string => {
  const [ends, order, stretches] =
    direction === "forwards"
      ? [">", "", `${stretchOf("$1::bigint")}, ${stretchOf("$2::bigint")}`]
      : ["<", "desc", `${stretchOf("least($1::bigint - 1, $2::bigint)")}, 0, -1`]
  return pageOfAll(
    schema,
    direction,
    `select * from (
     select found.*
     from (select stretch from pg_catalog.generate_series(${stretches}) as stretch order by stretch ${order}) as each
     cross join lateral (
       select * from ${schema}.events
       where ${correlationKey} = ${keyIn("each.stretch", "$10::text")} and ${correlationId} = $10::text
         and ${orderedPosition} ${ends} $1::bigint and ${orderedPosition} <= $2::bigint ${filters}
       order by ${orderedPosition} ${order} limit $5::int
     ) as found
     order by each.stretch ${order}, found.position ${order} limit $5::int) as conversation`
  )
}

const pageOfAll = (schema: string, direction: Direction, select: string): string =>
  page(
    select,
    direction === "forwards" ? "position" : "position desc",
    `least($5::int, ${schema}.readable($2::bigint, $8::bigint))`,
    "$6::bigint",
    "$7::int"
  )

const filters = `
       and ($3::text[] is null or pg_catalog.split_part(stream_id, '-', 1) = any ($3::text[]))
       and ($4::text[] is null or type = any ($4::text[]))
       and ($9::text[] is null or pg_catalog.split_part(stream_id, '-', 1) || '/' || type <> all ($9::text[]))`

const correlationId = "(metadata operator(pg_catalog.->>) 'correlationId')"

/** The number of a stretch of the log, of 65,536 positions. */
const stretchOf = (position: string): string => `(${position} operator(pg_catalog.>>) 16)`

// The number of the stretch, and 32 bits for the id. Ids that share these bits are told apart by their texts.
const keyIn = (stretch: string, id: string): string =>
  `((${stretch} operator(pg_catalog.<<) 32) operator(pg_catalog.|) ` +
  `(pg_catalog.hashtextextended(${id} collate pg_catalog."C", 0) operator(pg_catalog.&) 4294967295))`

/**
 * The first column of the index of conversations. It begins with the stretch of the log, so that appends add their
 * entries in one small part of the index, however large the log is: in an index on ids alone, each entry would go to
 * another page.
 */
export const correlationKey = keyIn(stretchOf("position"), correlationId)

/**
 * The second column: the position, as an expression, so that no other index gives it in order. Of the plain position
 * Postgres may take the primary key. For a conversation with many events it would then read the rest of the log to find
 * that nothing of the conversation follows.
 */
export const orderedPosition = "(position operator(pg_catalog.+) 0)"

/** The types that are left out, each behind the name of its aggregate; undefined for none, so that the server need not compare. */
export const placesOf = (except: EventStore.AllReadOptions["except"] = {}): ReadonlyArray<string> | undefined => {
  const places = Object.entries(except).flatMap(([aggregate, types]) => types.map((type) => `${aggregate}/${type}`))
  return places.length === 0 ? undefined : places
}

/**
 * A page of a stream. Each row has the stream's version as the `head`, null if there is
 * no such stream, and says whether a policy may hide rows from the role. If the page has
 * no event, there is a row without a position.
 *
 * $1 text: the stream's key; $2 bigint: after this version; $3 text[]: only these
 * types, or null; $4 int: the most rows; $5 bigint: the bytes that end the page;
 * $6 int: how many times larger than its stored bytes a compressed payload is taken
 * to be.
 */
export const readStreamPage = (schema: string, direction: Direction): string => `
select page.*, head.version as head, role.hides
from (select ${mayHide(schema, "streams", "events")} as hides offset 0) as role
left join lateral (select id, version from ${schema}.streams where key = $1 limit 1) as head on true
left join lateral (${page(
  `select * from ${schema}.events
     where stream = head.id and version ${direction === "forwards" ? ">" : "<"} $2::bigint
       and ($3::text[] is null or type = any ($3::text[]))`,
  direction === "forwards" ? "version" : "version desc",
  "$4::int",
  "$5::bigint",
  "$6::int"
)}) as page on true`
