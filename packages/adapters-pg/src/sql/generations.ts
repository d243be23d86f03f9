/**
 * Migration 4: builds of a version, the parts of a generation, and dead letters.
 *
 * No epoch is given twice, so that a commit to a generation that was dropped is
 * never taken for one to the next of its name.
 *
 * What changes with every batch is in `view_parts`, so that the parts of one
 * generation are committed in parallel.
 */
export const generations = (S: string): ReadonlyArray<string> => [
  `create table ${S}.view_parts (
     generation bigint not null references ${S}.views on delete cascade,
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
  `insert into ${S}.view_parts (generation, index, epoch, position, owner, leased_until)
   select id, 0, epoch, position, owner, leased_until from ${S}.views`,
  `alter table ${S}.views
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
  `create sequence ${S}.view_epochs`,
  `select setval('${S}.view_epochs', max(epoch) + 1) from ${S}.view_parts`,
  `create table ${S}.view_letters (
     generation bigint not null references ${S}.views on delete cascade,
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
  `create index view_letters_by_key on ${S}.view_letters (generation, head, digest, position)`
]

const nextEpoch = (S: string): string => `nextval('${S}.view_epochs')`

// $1 text: the view; $2 bigint: the version; $3 bigint: the build, or null for the one that serves, or else the first
// that none has replaced.
const named = (S: string, columns = "id"): string => `
select ${columns} from ${S}.views
where view = $1 and version = $2 and (build = $3 or $3 is null and (serves or not replaced))
order by serves desc, build limit 1`

/** $1 text: the view; $2 bigint: the version; $3 bigint or null: the build. */
export const generation = (S: string): string => named(S)

/** $1 text: the view. */
export const serving = (S: string): string => `select id from ${S}.views where view = $1 and serves`

/**
 * A generation with its parts.
 *
 * $1 text: the view; $2 bigint: the version; $3 bigint or null: the build.
 */
export const parts = (S: string): string => `
select id, build, inline, index, epoch, ${S}.reached(inline, position) as position, owner,
  leased_until > clock_timestamp() as leased
from ${S}.views join ${S}.view_parts on generation = id
where id = (${named(S)}) order by index`

/**
 * Takes or renews a part's lease, by the server's clock: no row if the part is
 * in another epoch.
 *
 * $1 bigint: the generation; $2 int: the part; $3 bigint: the epoch; $4 text:
 * the owner; $5 float8: the lease in seconds.
 */
export const claim = (S: string): string => `
update ${S}.view_parts set
  epoch = case when owner = $4 and leased_until > clock_timestamp() then epoch else ${nextEpoch(S)} end,
  owner = $4,
  leased_until = clock_timestamp() + make_interval(secs => $5)
where generation = $1 and index = $2 and epoch = $3 and (owner = $4 or leased_until <= clock_timestamp())
returning epoch, position`

/**
 * One creates a generation of a view at a time, until its transaction ends. The
 * lock has two numbers, so that no reader of events takes it for an append's.
 *
 * $1 text: the schema; $2 text: the view.
 */
export const lockView = `select pg_advisory_xact_lock(hashtext('hexfold views ' || $1::text), hashtext($2::text))::text`

/**
 * Registers a generation, which serves if it is the view's first: no row if it
 * is there. Runs behind `lockView`.
 *
 * $1 text: the view; $2 bigint: the version; $3 bigint or null: the build.
 */
export const register = (S: string): string => `
insert into ${S}.views (view, version, build, serves)
select $1, $2,
  coalesce($3, 1 + (select coalesce(max(build), 0) from ${S}.views where view = $1 and version = $2)),
  not exists (select from ${S}.views where view = $1)
where not exists (${named(S)})
returning id`

/** $1 bigint: the generation; $2 int: the number of its parts; $3 bigint: their position. */
export const createParts = (S: string): string => `
insert into ${S}.view_parts (generation, index, epoch, position)
select $1, index, ${nextEpoch(S)}, $3 from generate_series(0, $2 - 1) as index`

/** $1 bigint: the generation. */
export const removeParts = (S: string): string => `delete from ${S}.view_parts where generation = $1`

/** For the one who changes which parts a generation has. $1 bigint: the generation. */
export const lockGeneration = (S: string): string => `select from ${S}.views where id = $1 for no key update`

/** $1 bigint: the generation. */
export const lockParts = (S: string): string =>
  `select epoch, position from ${S}.view_parts where generation = $1 order by index for update`

/** For the one who switches, always in the same order. $1 text: the view. */
export const lockGenerations = (S: string): string =>
  `select id, version, build, serves, inline from ${S}.views where view = $1 order by id for no key update`

/** For the one who drops. $1 text: the view; $2 bigint: the version; $3 bigint or null: the build. */
export const lockDropped = (S: string): string => `${named(S)} for update`

/**
 * Moves a part to the position that it has reached: no row if it is in another
 * epoch or at another position.
 *
 * $1 text: the view; $2 bigint: the version; $3 bigint or null: the build; $4
 * int: the part; $5 bigint: the epoch; $6 bigint: where it stands; $7 bigint:
 * what it has reached; $8 jsonb: the failure; $9 and $10 float8: the speed.
 */
export const advance = (S: string): string => `
with generation as materialized (${named(S, "id, inline")} for key share)
update ${S}.view_parts as part set
  position = $7,
  failure = case when $7 = $6 then coalesce($8, failure) else $8 end,
  events_per_second = coalesce($9, events_per_second),
  positions_per_second = coalesce($10, positions_per_second)
from generation
where part.generation = generation.id and part.index = $4 and part.epoch = $5 and part.position = $6
  and not generation.inline
returning generation.id`

/** $1 text: the view; $2 bigint: the version; $3 bigint or null: the build; $4 int: the part. */
export const place = (S: string): string =>
  `
select epoch, ${S}.reached(inline, position) as position from ${S}.views join ${S}.view_parts on generation = id
where id = (${named(S)}) and index = $4`

/** Whether no part of a generation is behind the one that serves. $1 bigint: the generation; $2 bigint: the one that serves. */
export const hasCaughtUp = (S: string): string => `
select min(position) filter (where generation = $1)
  >= (case when inline then ${S}.drawn() else min(position) filter (where generation = $2) end)
  as caught_up
from (
  select generation, position from ${S}.view_parts where generation in ($1, $2) order by generation, index for update
) as part, (select inline from ${S}.views where id = $2) as serving
group by inline`

/** $1 text: the view; $2 bigint: the version that serves from now on; $3 bigint: its build. */
export const stopServing = (S: string): string => `
update ${S}.views set serves = false, replaced = replaced or version = $2 and build < $3
where view = $1 and (serves or version = $2 and build < $3)`

/** $1 bigint: the generation. */
export const serve = (S: string): string => `update ${S}.views set serves = true where id = $1`

/** Who writes one of the builds that were replaced is its owner no longer. As `stopServing`. */
export const fence = (S: string): string => `
update ${S}.view_parts set epoch = ${nextEpoch(S)}, leased_until = '-infinity'
from ${S}.views where generation = id and view = $1 and version = $2 and build < $3`

/** Removes a generation, but not one that serves: no row then. $1 bigint: the generation. */
export const remove = (S: string): string => `delete from ${S}.views where id = $1 and not serves returning id`

/** All generations, with a row for each part. */
export const status = (S: string): string => `
select view, version, build, serves, replaced, inline, epoch,
  ${S}.reached(inline, position) as position, failure, events_per_second, positions_per_second,
  case when leased_until > clock_timestamp() then owner end as owner
from ${S}.views join ${S}.view_parts on generation = id
order by view, version, build, index`
