// The history of a part's position, unless an earlier library has moved the position since it was said.
const knownHistory = "case when history_at = position then history end"

/**
 * The number of a part's changes. An earlier library moves the position and counts nothing. So each position since the
 * last count, which stood at \`changes_at\`, counts as a change.
 */
export const countedChanges = "changes + greatest(position - changes_at, 0)"

const nextEpoch = (schema: string): string => `pg_catalog.nextval('${schema}.view_epochs'::regclass)`

// All versions of a reactor share one generation, whichever version is named. Its name has a kind, such as `reactor/SendMail`.
const isShared = "pg_catalog.strpos(view, '/') > 0"

// A generation by its name. Without a build it is the one that serves, otherwise the first that no other has replaced.
// $1 text: the view; $2 bigint: the version; $3 bigint or null: the build.
const named = (schema: string, columns = "id"): string => `
select ${columns} from ${schema}.views
where view = $1 and (version = $2 or ${isShared}) and (build = $3 or $3 is null and (serves or not replaced))
order by serves desc, build limit 1`

/** The number of a generation. $1 text: the view; $2 bigint: the version; $3 bigint or null: the build. */
export const generation = (schema: string): string => named(schema)

/**
 * Whether the version of a generation `g` was left: a part has had no owner for longer than the limit, a part of another
 * version has had one after that, and positions were drawn that the part has not reached. A part that was never owned
 * tells nothing.
 */
const isLeft = (schema: string, seconds: string): string => `(not g.inline and exists (
  select from ${schema}.view_parts p where p.generation = g.id
    and p.leased_until < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${seconds})
    and p.leased_until > '-infinity'
    and p.position < ${schema}.drawn()
    and exists (
      select from ${schema}.views o join ${schema}.view_parts q on q.generation = o.id
      where o.view = g.view and o.version <> g.version and q.leased_until > p.leased_until)))`

/**
 * The generation that answers for a version, or the one that would. $1 text: the view; $2 bigint: the version; $3
 * float8: after how many seconds a version without an owner counts as left.
 */
export const answering = (schema: string): string => `
select g.id, g.serves, g.serves and ${isLeft(schema, "$3")} as left,
  (select pg_catalog.min(${schema}.reached(g.inline, position)) from ${schema}.view_parts where generation = g.id) as position,
  ${schema}.drawn() as drawn
from ${schema}.views g
where g.view = $1 and g.version = $2 and (g.serves or not g.replaced) order by g.serves desc, g.build limit 1`

/** Ends that a generation serves if its version was left. $1 bigint: the generation; $2 float8: the limit in seconds. */
export const unserve = (schema: string): string =>
  `update ${schema}.views g set serves = false where g.id = $1 and g.serves and ${isLeft(schema, "$2")}`

/**
 * A generation with its parts.
 *
 * $1 text: the view; $2 bigint: the version; $3 bigint or null: the build; $4 float8: after how many seconds a version
 * without an owner counts as left.
 */
export const parts = (schema: string): string => `
select id, version, build, inline, fingerprint, index, epoch, ${schema}.reached(inline, position) as position, ${knownHistory} as history, owner,
  leased_until > pg_catalog.clock_timestamp() as leased, serves and ${isLeft(schema, "$4")} as left
from ${schema}.views g join ${schema}.view_parts on generation = id
where id = (${named(schema)}) order by index`

// A renewal moves the position of a part over what its owner has passed, if the part stands where the owner believes. No
// record changes with it.
const moved = (isRenewed: string, { from, history, to }: { from: string; history: string; to: string }): string => {
  const when = `case when ${isRenewed} and part.position = ${from}`
  return `
  position = ${when} then ${to} else part.position end,
  history = ${when} then ${history} else part.history end,
  history_at = ${when} then ${to} else part.history_at end,
  changes = ${when} then ${countedChanges} else changes end,
  changes_at = ${when} then ${to} else changes_at end,
  failure = ${when} and ${to} > ${from} then null else part.failure end`
}

/**
 * Keeps the fingerprint of a generation that has none. It changes nothing if the generation has one by now.
 *
 * $1 bigint: the generation; $2 text: the fingerprint.
 */
export const adopt = (schema: string): string =>
  `update ${schema}.views set fingerprint = $2 where id = $1 and fingerprint is null`

/**
 * The generation that all versions of a reactor share, if it has another version than the claim. `holder` is the owner of
 * a part that has had one within the duration of the lease.
 *
 * $1 text: the name; $2 bigint: the version of the claim; $3 float8: the lease in seconds.
 */
export const former = (schema: string): string => `
select g.id, g.version, (
    select p.owner from ${schema}.view_parts p
    where p.generation = g.id and p.leased_until > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $3)
    order by p.index limit 1
  ) as holder
from ${schema}.views g where g.view = $1 and g.version <> $2 and ${isShared}`

/**
 * Gives a generation another version and its fingerprint. It changes nothing if the generation has a third version by
 * now. $1 bigint: the generation; $2 bigint: the version that was seen; $3 bigint: the next one; $4 text or null: its
 * fingerprint.
 */
export const succeed = (schema: string): string =>
  `update ${schema}.views set version = $3, fingerprint = $4 where id = $1 and version = $2`

/** Ends the lease of an owner. $1 bigint: the generation; $2 int: the part; $3 text: the owner. */
export const release = (schema: string): string => `
update ${schema}.view_parts set leased_until = least(leased_until, pg_catalog.clock_timestamp())
where generation = $1 and index = $2 and owner = $3`

/**
 * Takes or renews a part's lease, by the server's clock. It returns no row if the
 * part is in another epoch.
 *
 * $1 bigint: the generation; $2 int: the part; $3 bigint: the epoch; $4 text:
 * the owner; $5 float8: the lease in seconds; $6 bigint or null: the epoch in which the owner renews it; $7 and $8
 * bigint or null: the positions that the owner has passed; $9 bigint or null: their history.
 */
export const claim = (schema: string): string => `
update ${schema}.view_parts as part set
  epoch = case when owner = $4 and leased_until > pg_catalog.clock_timestamp() then epoch else ${nextEpoch(schema)} end,
  owner = $4,
  leased_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $5),${moved(
    `epoch = $6 and owner = $4 and leased_until > pg_catalog.clock_timestamp()
    and not (select inline from ${schema}.views where id = $1)`,
    { from: "$7", to: "$8", history: "$9" }
  )}
where generation = $1 and index = $2 and epoch = $3 and (owner = $4 or leased_until <= pg_catalog.clock_timestamp())
returning epoch, position, ${knownHistory} as history`

/**
 * Renews leases that have not ended, of any number of parts. It returns a row for each that it has renewed, with its
 * place among those that were asked for. The others have to be claimed one by one: a part that another transaction has
 * locked, such as a long commit, holds up no other lease.
 *
 * Arrays of: $1 text: the views; $2 bigint: the versions; $3 bigint or null: the builds; $4 int: the parts; $5 int: the
 * numbers of parts; $6 text: the owners; $7 bigint: the epochs; $8 float8: the leases in seconds; $9 boolean: whether
 * appends may go on maintaining the generation; $10 and $11 bigint or null: the positions that were passed; $12 bigint
 * or null: their history.
 */
export const renew = (schema: string): string => `
with asked as materialized (
  select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::int[], $5::int[], $6::text[], $7::bigint[], $8::float8[],
    $9::boolean[], $10::bigint[], $11::bigint[], $12::bigint[])
    with ordinality as asked(view, version, of_build, index, parts, owner, epoch, lease, may_inline, passed_from, passed_to, of_history, place)
), known as materialized (
  select asked.*, g.id, g.build, g.inline from asked cross join lateral (
    select id, build, inline from ${schema}.views
    where view = asked.view and version = asked.version
      and (build = asked.of_build or asked.of_build is null and (serves or not replaced))
    order by serves desc, build limit 1
  ) as g
  where asked.may_inline or not g.inline
), locked as materialized (
  select known.*, (select pg_catalog.count(*) from ${schema}.view_parts where generation = known.id) as present
  from known join ${schema}.view_parts as own on own.generation = known.id and own.index = known.index
  where own.owner = known.owner and own.epoch = known.epoch and own.leased_until > pg_catalog.clock_timestamp()
  for update of own skip locked
)
update ${schema}.view_parts as part set
  leased_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => locked.lease),${moved(
    "not locked.inline",
    { from: "locked.passed_from", to: "locked.passed_to", history: "locked.of_history" }
  )}
from locked
where part.generation = locked.id and part.index = locked.index and locked.present = locked.parts
returning locked.place, locked.build, locked.inline, part.epoch,
  case when locked.inline then (select o_horizon from ${schema}.horizon(false)) else part.position end as position,
  case when part.history_at = part.position then part.history end as history`

/**
 * The lock for creating a generation of a view, held until the transaction ends. It
 * has two numbers, so that no reader of events takes it for the lock of an append.
 *
 * $1 text: the schema; $2 text: the view.
 */
export const lockView = `select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('hexfold views ' || $1::text), pg_catalog.hashtext($2::text))::text`

/**
 * Registers a generation. It returns no row if the generation exists. It runs after `lockView`.
 *
 * $1 text: the view; $2 bigint: the version; $3 bigint or null: the build; $4 text or null: the fingerprint.
 */
export const register = (schema: string): string => `
insert into ${schema}.views (view, version, build, serves, fingerprint)
select $1, $2,
  coalesce($3, 1 + (select coalesce(pg_catalog.max(build), 0) from ${schema}.views where view = $1 and version = $2)), false, $4
where not exists (${named(schema)})
returning id, build`

/**
 * Creates parts. The changes of a new generation begin at a number of its own. So a generation that was dropped and
 * made again is not taken for the former one.
 *
 * $1 bigint: the generation; $2 int: the number of its parts; $3 bigint: their position; $4 bigint or null: its history;
 * $5 bigint or null: the changes of all former parts together; null for a new generation.
 */
export const createParts = (schema: string): string => `
insert into ${schema}.view_parts (generation, index, epoch, position, history, history_at, changes, changes_at)
select $1, index, ${nextEpoch(schema)}, $3, $4, $3, case when index = 0 then coalesce($5, ($1 % 1048576::bigint) << 32) else 0 end, $3
from pg_catalog.generate_series(0, $2 - 1) as index`

/** Removes all parts. $1 bigint: the generation. */
export const removeParts = (schema: string): string => `delete from ${schema}.view_parts where generation = $1`

/** The lock for a change of the number of parts. $1 bigint: the generation. */
export const lockGeneration = (schema: string): string => `select from ${schema}.views where id = $1 for no key update`

/** Locks all parts. $1 bigint: the generation. */
export const lockParts = (schema: string): string =>
  `select epoch, position, ${knownHistory} as history, ${countedChanges} as changes from ${schema}.view_parts where generation = $1 order by index for update`

/** The locks for a switch, always in the same order. $1 text: the view. */
export const lockGenerations = (schema: string): string =>
  `select id, version, build, serves, inline from ${schema}.views where view = $1 order by id for no key update`

/** The lock for a drop. $1 text: the view; $2 bigint: the version; $3 bigint or null: the build. */
export const lockDropped = (schema: string): string =>
  `${named(schema, "id, version, build, serves, inline")} for update`

/**
 * Moves a part to the position that it has reached. It returns no row if the part
 * is in another epoch or at another position.
 *
 * $1 text: the view; $2 bigint: the version; $3 bigint or null: the build; $4
 * int: the part; $5 bigint: the epoch; $6 bigint: the position before; $7 bigint:
 * the position after; $8 jsonb: the failure; $9 and $10 float8: the speed;
 * $11 bigint or null: the history of the log; $12 bigint: 1 if records change, otherwise 0.
 */
export const advance = (schema: string): string => `
with generation as materialized (${named(schema, "id, inline")} for key share)
update ${schema}.view_parts as part set
  position = $7,
  history = coalesce($11, history),
  history_at = case when $11 is null and history_at <> position then history_at else $7 end,
  failure = case when $7 = $6 then coalesce($8, failure) else $8 end,
  events_per_second = coalesce($9, events_per_second),
  positions_per_second = coalesce($10, positions_per_second),
  changes = ${countedChanges} + $12,
  changes_at = $7
from generation
where part.generation = generation.id and part.index = $4 and part.epoch = $5 and part.position = $6
  and not generation.inline
returning generation.id`

/** The epoch and position of a part. $1 text: the view; $2 bigint: the version; $3 bigint or null: the build; $4 int: the part. */
export const place = (schema: string): string =>
  `
select epoch, ${schema}.reached(inline, position) as position from ${schema}.views join ${schema}.view_parts on generation = id
where id = (${named(schema)}) and index = $4`

/** Whether all parts of a generation have reached a position. $1 bigint: the generation; $2 bigint: the position. */
export const hasReached = (schema: string): string => `
select coalesce(pg_catalog.bool_and(position >= $2), false) as caught_up
from (select position from ${schema}.view_parts where generation = $1 order by index for update) as part`

/** Whether all parts of a generation have reached the position of the one that serves. $1 bigint: the generation; $2 bigint: the one that serves. */
export const hasCaughtUp = (schema: string): string => `
select pg_catalog.min(position) filter (where generation = $1)
  >= (case when inline then ${schema}.drawn() else pg_catalog.min(position) filter (where generation = $2) end)
  as caught_up
from (
  select generation, position from ${schema}.view_parts where generation in ($1, $2) order by generation, index for update
) as part, (select inline from ${schema}.views where id = $2) as serving
group by inline`

/** Ends the serving of other builds. $1 text: the view; $2 bigint: the version; $3 bigint: the build that serves from now on. */
export const stopServing = (schema: string): string => `
update ${schema}.views set serves = false, replaced = replaced or build < $3
where view = $1 and version = $2 and (serves or build < $3)`

/** Lets a generation serve. $1 bigint: the generation. */
export const serve = (schema: string): string => `update ${schema}.views set serves = true where id = $1`

/** Takes the builds that were replaced from their owners. It has the parameters of `stopServing`. */
export const fence = (schema: string): string => `
update ${schema}.view_parts set epoch = ${nextEpoch(schema)}, leased_until = '-infinity'
from ${schema}.views where generation = id and view = $1 and version = $2 and build < $3`

/** Removes a generation. $1 bigint: the generation. */
export const remove = (schema: string): string => `delete from ${schema}.views where id = $1`

/**
 * All generations, with a row for each part. For a generation that appends maintain, the position is the horizon, which
 * comes with the history in which it holds. $1 float8: after how many seconds a version without an owner counts as left.
 */
export const status = (schema: string): string => `
with log as materialized (
  select log.o_history, log.o_horizon
  from (select where exists (select from ${schema}.views where inline)) as needed
  cross join lateral ${schema}.horizon_2(false, false, false) as log
)
select id, view, version, build, serves and not ${isLeft(schema, "$1")} as serves, replaced, inline, fingerprint, epoch,
  case when inline then o_horizon else position end as position,
  case when inline then o_history else ${knownHistory} end as history,
  failure, events_per_second, positions_per_second, ${countedChanges} as changes,
  case when leased_until > pg_catalog.clock_timestamp() then owner end as owner,
  case when leased_until <= pg_catalog.clock_timestamp() and leased_until > '-infinity'
    then pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - leased_until) end as unowned_for,
  case when not inline then pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - foreign_append_at) end as since_foreign
from ${schema}.views g join ${schema}.view_parts on generation = id left join log on true
order by view, version, build, index`

/**
 * The last events that generations follow, of those after one position and up to another. It runs after the statement
 * that has given the horizon, because what stands below a horizon is visible to a later statement.
 *
 * $1 bigint[]: the generations; $2 bigint[]: after these positions; $3 bigint[]: up to these.
 */
export const lastFollowed = (schema: string): string => `
select known.id, (
  select pg_catalog.max(position) from ${schema}.events
  where position > known.after and position <= known.up_to
    and type = any (views.types) and pg_catalog.split_part(stream_id, '-'::text, 1) = any (views.aggregates)
) as last
from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as known(id, after, up_to) join ${schema}.views on views.id = known.id`
