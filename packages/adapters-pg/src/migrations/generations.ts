/**
 * Migration 4: builds of a version, the parts of a generation, and dead letters.
 *
 * No epoch is given twice. So a commit to a dropped generation is never taken for
 * a commit to a later generation of the same name.
 *
 * `view_parts` has what changes with every batch, so that the parts of a
 * generation commit in parallel.
 */
export const generations = (schema: string): ReadonlyArray<string> => [
  `create table ${schema}.view_parts (
     generation bigint not null references ${schema}.views on delete cascade,
     index int not null,
     epoch bigint not null,
     position bigint not null,
     owner text not null default '',
     leased_until timestamptz not null default '-infinity',
     failure jsonb,
     events_per_second float8,
     positions_per_second float8,
     primary key (generation, index)
   ) with (fillfactor = 50)`,
  `insert into ${schema}.view_parts (generation, index, epoch, position, owner, leased_until)
   select id, 0, epoch, position, owner, leased_until from ${schema}.views`,
  `alter table ${schema}.views
     drop constraint views_view_version_key,
     drop column epoch,
     drop column position,
     drop column owner,
     drop column leased_until,
     add column build bigint not null default 1,
     add column replaced boolean not null default false,
     add column inline boolean not null default false,
     add column aggregates text[] not null default '{}',
     add column types text[] not null default '{}',
     add unique (view, version, build)`,
  `create sequence ${schema}.view_epochs`,
  `select setval('${schema}.view_epochs', max(epoch) + 1) from ${schema}.view_parts`,
  `create table ${schema}.view_letters (
     generation bigint not null references ${schema}.views on delete cascade,
     position bigint not null,
     head text collate "C" not null,
     digest text collate "C" not null,
     key text collate "C" not null,
     parked boolean not null,
     stream text not null,
     event_version bigint not null,
     type text not null,
     mishap jsonb,
     at float8 not null,
     primary key (generation, position, head, digest)
   )`,
  `create index view_letters_by_key on ${schema}.view_letters (generation, head, digest, position)`
]

/**
 * Makes a load of records find out quickly whether their keys are parked, however many events were skipped. Where most
 * dead letters have one key, Postgres did not search the index by key.
 */
export const parkedLetters = (schema: string): ReadonlyArray<string> => [
  `create index view_letters_parked on ${schema}.view_letters (generation, head, digest) where parked`
]

/**
 * The fingerprint of the definition that makes the records of a generation. It is null
 * until a claim says it: no earlier library does.
 */
export const fingerprints = (schema: string): ReadonlyArray<string> => [
  `alter table ${schema}.views add column fingerprint text`,
  `comment on column ${schema}.views.fingerprint is
     'Identifies the definition that makes the records: its events, its state, its keys, its indexes.'`
]
