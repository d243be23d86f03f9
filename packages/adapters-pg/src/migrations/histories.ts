/**
 * Migration 8: what a log knows of itself.
 *
 * `log` has one row: the identity of the log, which is made once, and the schema in
 * which it was made. A copy of the schema has the same identity until it is adopted.
 *
 * `histories` has a row for each history of the log. `began_after` is the last position
 * drawn before it began; the positions of earlier histories are valid up to there.
 * Appends that begin a history at the same moment add a row each, and the lowest
 * `began_after` counts.
 *
 * `life` says in which life of the server the present history was begun. The table is
 * unlogged, so a crash empties it, and a standby that is promoted has it empty. A server
 * that was stopped has another time of its start. A restored dump makes another table.
 *
 * `noted` is a sequence so that it can be raised in place: the lower 48 bits are the
 * highest position drawn that a store has noted, the upper ones the end of the number of
 * its history.
 *
 * The roles that may append get the same right here.
 */
export const histories = (schema: string): ReadonlyArray<string> => [
  `create table ${schema}.log (is_only boolean primary key default true check (is_only), id uuid not null, name text not null)`,
  `create table ${schema}.histories (
     history bigint not null,
     began_after bigint not null,
     timeline int,
     noticed_at timestamptz not null
   )`,
  `create unlogged table ${schema}.life (history bigint not null, started timestamptz not null, relation oid not null)`,
  `create sequence ${schema}.noted minvalue 0 start 0`,
  `insert into ${schema}.log (id, name) values (gen_random_uuid(), replace('${schema}', '"', ''))`,
  `insert into ${schema}.histories (history, began_after, noticed_at) values (1, 0, clock_timestamp())`,
  `insert into ${schema}.life (history, started, relation) values (1, pg_postmaster_start_time(), '${schema}.life'::regclass)`,
  `do $$
declare
  v_right record;
begin
  for v_right in
    select distinct case when grantee = 0 then 'public' else grantee::regrole::text end as role, privilege_type = 'INSERT' as appends
    from pg_class cross join aclexplode(relacl)
    where pg_class.oid = '${schema}.events'::regclass and privilege_type in ('SELECT', 'INSERT') and grantee <> relowner
  loop
    execute 'grant select on ${schema}.log, ${schema}.histories, ${schema}.life, ${schema}.noted to ' || v_right.role;
    if v_right.appends then
      execute 'grant insert on ${schema}.histories, ${schema}.life to ' || v_right.role;
      execute 'grant update on ${schema}.noted to ' || v_right.role;
    end if;
  end loop;
end $$`,
  ...Object.entries(comments).map(([table, text]) => `comment on table ${schema}.${table} is '${text}'`)
]

const comments = {
  log: "One row: the identity of the log, and the schema in which it was made.",
  histories: "A row for each history of the log: the last position drawn before it began.",
  life: "The life of the server in which the present history was begun. A crash empties this table."
}
