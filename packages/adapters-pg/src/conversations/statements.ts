import { correlationKey, orderedPosition } from "../sql/readPage.ts"

/** The name of the index that finds the events of a conversation. It stands in the schema of the log. */
const indexName = "events_conversation"

/** Makes the index beside appends. A migration makes the same one in a small log. */
export const createIndex = (schema: string): string =>
  `create index concurrently if not exists ${indexName} on ${schema}.events (${correlationKey}, ${orderedPosition})`

/** Removes the index. */
export const dropIndex = (schema: string): string => `drop index concurrently if exists ${schema}.${indexName}`

/** Lets the planner know how large conversations are. */
export const analyze = (schema: string): string => `analyze ${schema}.events`

/**
 * Whether the index can be used; no row if there is no such index. One that cannot is being built, or was left behind when
 * its building failed.
 *
 * $1 text: the name of the schema.
 */
export const indexState = `
select i.indisvalid as "isValid"
from pg_catalog.pg_class t
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  join pg_catalog.pg_index i on i.indrelid = t.oid
  join pg_catalog.pg_class c on c.oid = i.indexrelid
where n.nspname::pg_catalog.text = $1 and t.relname = 'events' and c.relname = '${indexName}'`

/**
 * Whether the session may build indexes: one does so at a time. It does not wait, because a building waits for every
 * statement that is under way, also for one that waits. $1 text: the name of the schema.
 */
export const begin =
  "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('hexfold indexes:' || $1, 0)) as begun"

/** Ends what {@link begin} has begun. */
export const end = "select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('hexfold indexes:' || $1, 0))"
