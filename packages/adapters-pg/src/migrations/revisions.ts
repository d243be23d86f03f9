/**
 * Migration 6: the revisions, and a comment on every table. Every process reads
 * `revisions` when it starts, so roles that may read `migrations` may read it.
 *
 * `revisions` has one row. `functions` is the revision of the library whose
 * functions the schema has, 0 where migrations made them; `lowest` is the
 * revision that a library needs at least to use the schema; `lock_namespace` is
 * the upper 16 bits of the advisory locks of the schema's appends, which a
 * schema of version 5 has in the comment on its function `horizon`.
 */
export const revisions = (schema: string): ReadonlyArray<string> => [
  `create table ${schema}.revisions (
     is_only boolean primary key default true check (is_only),
     functions int not null,
     lowest int not null,
     lock_namespace int
   )`,
  `insert into ${schema}.revisions (functions, lowest, lock_namespace)
   select 0, 0, (
     select substring(description from '[0-9]+$')::int from pg_description
     join pg_proc on pg_proc.oid = objoid and classoid = 'pg_proc'::regclass
     where pronamespace = '${schema}'::regnamespace and description like 'hexfold namespace %'
   )`,
  `do $$
declare
  v_grantee text;
begin
  for v_grantee in
    select distinct case when grantee = 0 then 'public' else grantee::regrole::text end
    from pg_class cross join aclexplode(relacl)
    where pg_class.oid = '${schema}.migrations'::regclass and privilege_type = 'SELECT' and grantee <> relowner
  loop
    execute 'grant select on ${schema}.revisions to ' || v_grantee;
  end loop;
end $$`,
  ...Object.entries(comments).map(([table, text]) => `comment on table ${schema}.${table} is '${text}'`)
]

const comments = {
  migrations: "The migrations that this schema has had.",
  revisions: "The revision of the functions, and the lowest revision of a library that may use this schema.",
  streams: "A row for each stream: its key, and its version, which is the number of its events.",
  events: "The log: a row for each event, in the order of position. Rows never change.",
  commands: "The command ids that are remembered, with what each command did.",
  views: "A row for each generation of a view. The records of a generation are in the table view_<id>.",
  view_parts: "A row for each part of a generation: its owner, the position it has reached, its failure.",
  view_letters: "Dead letters: events that a projection has skipped, or parked until they are retried.",
  inline_changes: "One row: how often appends have begun to maintain a view."
}
