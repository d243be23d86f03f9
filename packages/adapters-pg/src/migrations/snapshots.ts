/**
 * Migration 17: the snapshots of aggregates. They are a cache: the rows may be deleted at
 * any time.
 *
 * The state is `json` and not `jsonb`, because the members of its objects stay in the
 * order in which the program has made them. Half of each page stays free, so that a
 * later snapshot of a stream mostly finds room beside the earlier one.
 *
 * Roles that may append get the rights to keep snapshots, those that may read events may
 * read them.
 */
export const snapshots = (schema: string): ReadonlyArray<string> => [
  `create table ${schema}.snapshots (
     key text collate "C" not null,
     fingerprint text collate "C" not null,
     aggregate text collate "C" not null,
     version bigint not null,
     history bigint not null,
     position bigint not null,
     state json not null,
     saved_at timestamptz not null,
     primary key (key, fingerprint)
   ) with (fillfactor = 50)`,
  `create index snapshots_by_aggregate on ${schema}.snapshots (aggregate, fingerprint)`,
  `do $$
declare
  v_right record;
begin
  for v_right in
    select distinct case when grantee = 0 then 'public' else grantee::regrole::text end as role, privilege_type = 'INSERT' as appends
    from pg_class cross join aclexplode(relacl)
    where pg_class.oid = '${schema}.events'::regclass and privilege_type in ('SELECT', 'INSERT') and grantee <> relowner
  loop
    execute 'grant select on ${schema}.snapshots to ' || v_right.role;
    if v_right.appends then
      execute 'grant insert, update, delete on ${schema}.snapshots to ' || v_right.role;
    end if;
  end loop;
end $$`,
  `comment on table ${schema}.snapshots is
     'The last snapshots of streams: states that save reading a stream from its beginning. A cache: any row may be deleted.'`,
  ...Object.entries(columns).map(([column, text]) => `comment on column ${schema}.snapshots.${column} is '${text}'`)
]

const columns = {
  key: "The id of the stream, for example Course-1; the digest of an id that is longer than 2,000 bytes.",
  fingerprint: "Stands for the definition of the aggregate that has made the state. It begins with the revision.",
  aggregate: "The name of the aggregate.",
  version: "The version of the stream after the last event that is folded into the state.",
  history: "The history of the log in which the state was read.",
  position: "The position of the last event that is folded into the state.",
  state: "The state, as JSON.",
  saved_at: "When the snapshot was saved."
}
