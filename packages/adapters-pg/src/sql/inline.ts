import { countedChanges } from "./generations.ts"
import { ownPath } from "./security.ts"

/**
 * The functions for views that appends maintain, see `migrations/inline.ts`.
 *
 * Every append holds the lock of the flags shared, from before it reads them to
 * its end; a transaction that changes a flag holds the lock alone. When a flag
 * changes, no append is under way: all positions up to the last one are decided,
 * and each append has either seen the flag or ended before.
 */
export const inlineFunctions = (schema: string): ReadonlyArray<string> => [
  // A transaction that waits for this lock holds up every append that comes later: the wait is short.
  `create or replace function ${schema}.lock_inline(out o_last bigint) language plpgsql ${ownPath} set lock_timeout = '500ms' as $$
begin
  perform pg_advisory_xact_lock(${lockClass(schema)}, 0);
  o_last := ${schema}.drawn();
end $$`,
  `create or replace function ${schema}.demote(p_generations bigint[]) returns void language plpgsql ${ownPath} as $$
declare
  v_last bigint := ${schema}.lock_inline();
begin
  perform from ${schema}.views where id = any (p_generations) order by id for no key update;
  with demoted as (
    update ${schema}.views set inline = false where id = any (p_generations) and inline returning id
  )
  update ${schema}.view_parts set position = v_last, history = ${schema}.history(), history_at = v_last,
    changes = ${countedChanges} + 1, changes_at = v_last
  from demoted where generation = demoted.id;
end $$`,
  `create or replace function ${schema}.reached(p_inline boolean, p_position bigint) returns bigint language sql ${ownPath} as $$
    select case when p_inline then (select o_horizon from ${schema}.horizon(false)) else p_position end $$`
]

/**
 * The first number of the locks of the flags and the generations. An advisory lock of two numbers, so that no reader of
 * events takes it for the lock of an append. The second number is 0 for the flags, and the number of a generation
 * otherwise. A schema's name is plain, so it needs no escaping.
 */
export const lockClass = (schema: string): string => `hashtext('hexfold inline ${schema}')`

const touchedViews = (schema: string): string => `${schema}.views v
  where v.inline and (v.types && p_types or not p_types <@ v.known_types)
    and exists (select from unnest(coalesce(p_ids, p_keys)) as t(id) where split_part(t.id, '-', 1) = any (v.aggregates))`

/**
 * Part of the append function: takes the lock of the flags. A caller older than
 * inline views cannot maintain them. If its events touch such a generation, the
 * function takes the lock alone first, and ends that appends maintain it.
 */
export const lockInline = (schema: string): string => `
  if p_inline is null then
    if exists (select from ${touchedViews(schema)}) then
      perform ${schema}.demote(array(select v.id from ${touchedViews(schema)}));
    end if;
  end if;
  v_done := ${shareFlags(schema)}::text;`

/** Takes the lock of the flags shared, as an expression. */
export const shareFlags = (schema: string): string => `pg_advisory_xact_lock_shared(${lockClass(schema)}, 0)`

/** Whether appends maintain a generation at all, as a value of a statement that runs under the lock of the flags. */
export const hasInline = (schema: string): string => `exists (select from ${schema}.views v where v.inline)`

/** Part of the append function, under the lock of the flags: finds the generations that the call's events touch. */
export const findInline = (schema: string): string => `
  o_inline := '{}';
  if v_has_inline then
    select coalesce(array_agg(v.id), '{}'), coalesce(array_agg(v.promotion), '{}') into o_inline, v_promotions
    from ${touchedViews(schema)};
  end if;
  if p_joined and current_setting('transaction_isolation') <> 'read committed' then
    perform from ${schema}.inline_changes for share;
    if cardinality(o_inline) > 0 then
      raise exception 'maintaining a view inside a transaction needs READ COMMITTED, this one is %',
        current_setting('transaction_isolation') using errcode = 'HX001';
    end if;
  end if;
  if v_has_inline and not v_promotions <@ coalesce(p_inline, '{}') then
    raise exception 'appends maintain a view that this process does not'
      using errcode = case when p_inline is null then '40001' else '${unmaintained}' end,
        detail = array_to_string(o_inline, ',');
  end if;`

/** Part of the append function: locks the generations whose records several streams may touch, in ascending order. */
export const lockOrdered = (schema: string): string => `
  foreach v_view in array p_ordered loop
    if v_view = any (o_inline) then
      perform pg_advisory_xact_lock(${lockClass(schema)}, v_view::int);
    end if;
  end loop;`

/** The error code of an append that touches a generation which its caller does not maintain. The detail names all that it touches. */
export const unmaintained = "HX003"

/** Takes the lock of the flags alone, and returns the last position that was drawn. */
export const lockFlags = (schema: string): string => `select o_last from ${schema}.lock_inline()`

/** Whether all positions are decided up to one. $1 bigint: the position. */
export const isDecided = (schema: string): string => `select $1 <= o_horizon as decided from ${schema}.horizon(false)`

/** Ends that appends maintain generations. $1 bigint[]: the generations. */
export const demote = (schema: string): string => `select ${schema}.demote($1)::text`

/** The generations that appends maintain. $1 bigint[]: only those among these; null for all. */
export const maintained = (schema: string): string =>
  `select id, promotion, view, version, fingerprint, aggregates, types, known_types from ${schema}.views where inline and ($1::bigint[] is null or id = any ($1))`

/** Notes an append of a process that does not know the definitions of generations. $1 bigint[]: the generations. */
export const noteForeign = (schema: string): string =>
  `update ${schema}.views set foreign_append_at = pg_catalog.clock_timestamp() where id = any ($1)`

/** Whether appends can begin to maintain a generation: it has one part, and no key is parked; and its fingerprint. $1 bigint: the generation. */
export const isWhole = (schema: string): string => `
select (select pg_catalog.count(*) from ${schema}.view_parts where generation = $1) = 1
  and not exists (select from ${schema}.view_letters where generation = $1 and parked) as whole,
  (select fingerprint from ${schema}.views where id = $1) as fingerprint`

/**
 * Lets appends maintain a generation from a position on. The number of the
 * promotion is partly random. A database that has lost its last commits counts
 * again, and a process that remembers a lost promotion must not meet its number.
 *
 * $1 bigint: the generation; $2 bigint: the position; $3 text[]: the aggregates; $4 text[]: the types; $5 text[]: all
 * types that the definition knows. An append of another one is of a program that knows more.
 */
export const promote = (schema: string): string => `
with counted as (
  update ${schema}.inline_changes set count = count + 1 returning count
), promoted as (
  update ${schema}.views set
    inline = true, promotion = (count << 31) | pg_catalog.floor(pg_catalog.random() * 2147483648::float8)::bigint,
    aggregates = $3, types = $4, known_types = $5
  from counted where id = $1
  returning id
)
update ${schema}.view_parts set position = $2, changes = ${countedChanges}, changes_at = $2
from promoted where generation = promoted.id`
