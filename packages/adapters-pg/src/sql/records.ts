import type { Query } from "@hexfold/core"

/**
 * The number of characters of a key or of a field's value that an index holds. An
 * index entry of Postgres has at most 2,704 bytes, and a character may take 4; a
 * key or a value has no such limit. A comparison uses these characters first, and
 * the whole text if they are equal.
 */
export const indexed = 64

// The number of columns that fit into an index entry beside the key.
const maxColumns = 8

/** A value by which records are compared: the part that an index holds, and the whole. */
export interface Column {
  readonly head: string
  readonly whole: string
}

/** The keys of records. */
export const keyColumn: Column = { head: "head", whole: "key" }

/** A field of the states, as its `sort_key`. The path is written into the text, because Postgres finds an index only then. */
export const fieldColumn = (schema: string, path: Query.Path): Column => {
  const key = `${schema}.sort_key(${valueAt(path)})`
  return { head: `pg_catalog.left(${key}, ${indexed}) collate "C"`, whole: `${key} collate "C"` }
}

/** The JSON of a field. `->` with a text leads through objects only. No stored name contains NUL. */
export const valueAt = (path: Query.Path): string =>
  path.some((name) => name.includes("\0"))
    ? "null::jsonb"
    : `(state${path.map((name) => `->${literal(name)}`).join("")})`

// An escape string means the same whatever `standard_conforming_strings` is.
const quotedText = (text: string): string => `E'${text.replace(/['\\]/g, "$&$&")}'`

const literal = (text: string): string => `${quotedText(text)}::text`

/** The table of a generation, by its number in the registry. */
export const tableOf = (schema: string, id: bigint): string => `${schema}.view_${id}`

/**
 * The table of a generation. `head` is the beginning of the key, and `digest`
 * distinguishes longer keys with the same beginning.
 *
 * A fifth of each page stays free for the next states of its records. After a million updates of 10,000 records
 * the table has 3.5 MB with it and 18.5 MB without, and the updates took 0.93 of the time.
 */
export const createTable = (schema: string, id: bigint): string => `
create table ${tableOf(schema, id)} (
  head text collate "C" not null,
  digest text collate "C" not null,
  key text collate "C" not null,
  state jsonb not null,
  primary key (head, digest)
) with (fillfactor = 80)`

/**
 * Says in the catalog which generation a table belongs to and what its columns are, for people who look at the
 * database. It is one statement, because a claim waits for it. The name of a view is plain.
 */
export const commentTable = (schema: string, id: bigint, view: string, version: number, build: bigint): string => {
  const table = tableOf(schema, id)
  const ofColumns = Object.entries(comments).map(
    ([column, text]) => `comment on column ${table}.${column} is ${quotedText(text)};`
  )
  const text = `The records of the view ${view}, version ${version}, build ${build}.`
  return `do $$ begin comment on table ${table} is ${quotedText(text)}; ${ofColumns.join(" ")} end $$`
}

const comments = {
  head: `The first ${indexed} characters of the key, for the index.`,
  digest: `The SHA-256 of a key that has more than ${indexed} characters, otherwise empty.`,
  key: "The key of the record.",
  state: "The state of the record, as JSON."
}

/** Removes the table with all its records, after those who read it have ended. */
export const dropTable = (schema: string, id: bigint): string => `drop table ${tableOf(schema, id)}`

/** An index for queries by these fields. It also orders records with equal fields by key. */
export const createIndex = (schema: string, id: bigint, paths: ReadonlyArray<Query.Path>): string => {
  const columns = paths.slice(0, maxColumns).map((path) => `(${fieldColumn(schema, path).head})`)
  return `create index on ${tableOf(schema, id)} (${[...columns, "head"].join(", ")})`
}

/** The part of a key that an index holds. */
export const headOf = (key: string): string => `pg_catalog.left(${key}, ${indexed})`

/** The digest that distinguishes longer keys with the same beginning. */
export const digestOf = (key: string): string =>
  `case when pg_catalog.char_length(${key}) > ${indexed} then pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${key}, 'UTF8'::name)), 'hex'::text) else '' end`

/**
 * Whether a row is that of a key, by all columns of an index. So one search finds
 * it, even without statistics and with keys that begin the same.
 */
export const isOf = (row: string, key: string): string =>
  `${row}.head = ${headOf(key)} and ${row}.digest = ${digestOf(key)}`

/**
 * Adds or replaces records of one or several tables.
 *
 * $1 text[]: the keys in the first table; $2 text[]: their states, because an array of jsonb cannot have the JSON null;
 * $3 and $4: those of the second table; and so on.
 */
export const putRecords = (tables: ReadonlyArray<string>): string => {
  const puts = tables.map(
    (table, place) => `
insert into ${table} (head, digest, key, state)
select ${headOf("key")}, ${digestOf("key")}, key, state::jsonb from unnest($${2 * place + 1}::text[], $${2 * place + 2}::text[]) as put(key, state)
on conflict (head, digest) do update set state = excluded.state`
  )
  return puts.length === 1 ? puts[0]! : `with ${puts.map((put, place) => `put_${place} as (${put})`).join(", ")} select`
}

/** Removes records. $1 text[]: the keys. */
export const removeRecords = (table: string): string => `
delete from ${table} as record using pg_catalog.unnest($1::text[]) as gone(key)
where ${isOf("record", "gone.key")}`

/**
 * The states of records by key, of several tables. The limit makes Postgres search the index for each key. Without it
 * Postgres reads the whole of a table that has some thousand records, which takes four times as long.
 *
 * $1 text[]: the keys in the first table; $2 text[]: those in the second; and so on.
 */
export const states = (tables: ReadonlyArray<string>): string =>
  tables
    .map(
      (table, place) => `
select ${place} as place, record.key, record.state from pg_catalog.unnest($${place + 1}::text[]) as wanted(key)
cross join lateral (select key, state from ${table} as record where ${isOf("record", "wanted.key")} limit 1) as record`
    )
    .join("\nunion all")

/**
 * Records by key with whether the key is parked, and before them a row with the
 * positions of the generation's parts. All is of one moment. If appends maintain
 * the generation, its position is the last one that was drawn, because appends are
 * ahead of the horizon.
 *
 * $1 bigint: the generation; $2 text[]: the keys.
 */
export const loadRecords = (schema: string, table: string): string => `
select pg_catalog.array_agg(case when inline then ${schema}.drawn() else position end order by index) as positions, null as key, null::jsonb as state, false as stored, false as parked
from ${schema}.views join ${schema}.view_parts on generation = id where generation = $1
union all
select null, wanted.key, record.state, record.key is not null, waiting.parked is not null
from pg_catalog.unnest($2::text[]) as wanted(key)
left join ${table} as record on ${isOf("record", "wanted.key")}
left join lateral (
  select parked from ${schema}.view_letters as letter
  where letter.generation = $1 and letter.parked and ${isOf("letter", "wanted.key")}
  limit 1
) as waiting on true
where record.key is not null or waiting.parked is not null`
