import type { Query } from "@hexfold/core"

/**
 * How many characters of a key or of a field's value stand in an index. An
 * index entry of Postgres holds 2,704 bytes at most, a character may take 4,
 * and a key or a value has no such limit. Comparisons go by these characters
 * first, and by the whole where they do not decide.
 */
export const indexed = 64

// As many as fit into an index entry beside the key.
const maxColumns = 8

/** A value that records are compared by: what an index holds of it, and all of it. */
export interface Column {
  readonly head: string
  readonly whole: string
}

/** The keys of records. */
export const keyColumn: Column = { head: "head", whole: "key" }

/** A field of the states, as its `sort_key`. The paths are in the text, for only so an index is found. */
export const fieldColumn = (schema: string, path: Query.Path): Column => {
  const key = `${schema}.sort_key(${valueAt(path)})`
  return { head: `left(${key}, ${indexed}) collate "C"`, whole: `${key} collate "C"` }
}

/** The JSON of a field; `->` with a text leads through objects only. No stored name contains NUL. */
export const valueAt = (path: Query.Path): string =>
  path.some((name) => name.includes("\0"))
    ? "null::jsonb"
    : `(state${path.map((name) => `->${literal(name)}`).join("")})`

// As an escape string, which means the same whatever `standard_conforming_strings` is.
const quotedText = (text: string): string => `E'${text.replace(/['\\]/g, "$&$&")}'`

const literal = (text: string): string => `${quotedText(text)}::text`

/** The table of a generation, by its number in the registry. */
export const tableOf = (schema: string, id: bigint): string => `${schema}.view_${id}`

/**
 * A generation's table. `head` is the beginning of the key, and `digest` tells
 * keys apart that begin so and are longer.
 */
export const createTable = (schema: string, id: bigint): string => `
create table ${tableOf(schema, id)} (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null,
  primary key (head, digest)
)`

/** Says in the catalog which generation a table belongs to, for people who look at the database. */
export const commentTable = (schema: string, id: bigint, view: string, version: number, build: bigint): string =>
  `comment on table ${tableOf(schema, id)} is ${quotedText(`The records of the view ${view}, version ${version}, build ${build}.`)}`

/** Removes the table with all its records, after those who read it have ended. */
export const dropTable = (schema: string, id: bigint): string => `drop table ${tableOf(schema, id)}`

/** An index for queries by these fields, for any order of the last ones, and by key among equals. */
export const createIndex = (schema: string, id: bigint, paths: ReadonlyArray<Query.Path>): string => {
  const columns = paths.slice(0, maxColumns).map((path) => `(${fieldColumn(schema, path).head})`)
  return `create index on ${tableOf(schema, id)} (${columns.join(", ")}, head)`
}

/** What an index holds of a key. */
export const headOf = (key: string): string => `left(${key}, ${indexed})`

/** What tells keys apart that begin the same and are longer. */
export const digestOf = (key: string): string =>
  `case when char_length(${key}) > ${indexed} then encode(sha256(convert_to(${key}, 'UTF8')), 'hex') else '' end`

/**
 * Whether a row is that of a key, by all columns of an index: also without
 * statistics, and however keys begin, one search finds it.
 */
export const isOf = (row: string, key: string): string =>
  `${row}.head = ${headOf(key)} and ${row}.digest = ${digestOf(key)}`

/** $1 text[]: the keys; $2 jsonb[]: the states. */
export const putRecords = (table: string): string => `
insert into ${table} (head, digest, key, state)
select ${headOf("key")}, ${digestOf("key")}, key, state from unnest($1::text[], $2::jsonb[]) as put(key, state)
on conflict (head, digest) do update set state = excluded.state`

/** $1 text[]: the keys. */
export const removeRecords = (table: string): string => `
delete from ${table} as record using unnest($1::text[]) as gone(key)
where ${isOf("record", "gone.key")}`

/** The states of records by key. $1 text[]: the keys. */
export const states = (table: string): string => `
select record.key, record.state from unnest($1::text[]) as wanted(key) join ${table} as record on ${isOf("record", "wanted.key")}`

/**
 * Records by key, with what waits for them, and a first row with the positions
 * of the generation's parts: all of one moment. Where appends maintain it that is
 * the last position that was drawn, for they are ahead of the horizon.
 *
 * $1 bigint: the generation; $2 text[]: the keys.
 */
export const loadRecords = (schema: string, table: string): string => `
select array_agg(case when inline then ${schema}.drawn() else position end order by index) as positions, null as key, null::jsonb as state, false as stored, false as parked
from ${schema}.views join ${schema}.view_parts on generation = id where generation = $1
union all
select null, wanted.key, record.state, record.key is not null, waiting.parked is not null
from unnest($2::text[]) as wanted(key)
left join ${table} as record on ${isOf("record", "wanted.key")}
left join lateral (
  select parked from ${schema}.view_letters as letter
  where letter.generation = $1 and letter.parked and ${isOf("letter", "wanted.key")}
  limit 1
) as waiting on true
where record.key is not null or waiting.parked is not null`
