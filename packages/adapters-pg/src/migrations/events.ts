/**
 * Migration 1: the tables.
 *
 * `streams` has a row for each stream, its head: an append locks and raises it.
 * `key` is the stream's id, or its digest if the id is too long for an index (see
 * `events/keys.ts`). A row at version 0 is a stream without events.
 *
 * `events` is the log. Its unique index is on the numeric key of the stream: it
 * is 40 % smaller than an index on the text, and random ids do not scatter it. The
 * row has the stream's id too, so that reading the log needs no join.
 * `schema_version` is for events whose schema changes; so far it is always 1.
 */
export const events = (schema: string): ReadonlyArray<string> => [
  `create table ${schema}.streams (
     id bigint generated always as identity primary key,
     key text collate "C" not null unique,
     version bigint not null
   ) with (fillfactor = 80)`,
  `create table ${schema}.events (
     position bigint generated always as identity (sequence name ${schema}.events_position) primary key,
     stream bigint not null,
     stream_id text collate "C" not null,
     version bigint not null,
     event_id uuid not null,
     type text collate "C" not null,
     schema_version smallint not null default 1,
     data jsonb not null,
     metadata jsonb not null,
     recorded_at timestamptz not null,
     unique (stream, version)
   )`,
  `create table ${schema}.commands (
     key text collate "C" primary key,
     fingerprint text not null,
     streams text[] not null default '{}',
     versions bigint[] not null default '{}',
     positions bigint[] not null default '{}',
     recorded_at timestamptz not null
   ) with (fillfactor = 50)`,
  `create function ${schema}.refuse() returns trigger language plpgsql as $$
   begin
     raise exception '% of % is refused: recorded events never change', tg_op, tg_table_name using errcode = 'HX002';
   end $$`,
  `create trigger events_immutable before update or delete or truncate on ${schema}.events
   for each statement execute function ${schema}.refuse()`
]

/**
 * Migration 18: the index that finds the events of a conversation by their correlation id.
 *
 * Appends wait while an index is made inside a transaction. So a log that is larger than 64 MiB, some hundred thousand
 * events, gets none here. Reads by a correlation id are refused there, and say how the index is made beside appends.
 *
 * The first column is the number of a stretch of 65,536 positions, and 32 bits for the id. So appends add their entries
 * in one small part of the index. The second column is the position, as an expression: a page of a conversation can then
 * take no other index for its order.
 */
export const conversations = (schema: string): ReadonlyArray<string> => [
  `do $$
begin
  if pg_table_size('${schema}.events') <= 64 * 1024 * 1024 then
    create index if not exists events_conversation on ${schema}.events (
      (((position >> 16) << 32) | (hashtextextended((metadata ->> 'correlationId') collate "C", 0) & 4294967295)),
      (position + 0));
  end if;
end $$`
]
