/**
 * A migration: a comment on every column and sequence, for people at a database client. The test "every table,
 * column, sequence, view and function has a comment" lists what a later migration has left without one.
 *
 * A comment locks its table only against other changes of the table, so appends go on. The tables of records
 * that another role has created stay as they are: only an owner may comment on a table.
 */
export const comments = (schema: string): ReadonlyArray<string> => [
  ...Object.entries(tables).map(([table, text]) => `comment on table ${schema}.${table} is '${text}'`),
  ...Object.entries(columns).flatMap(([table, texts]) =>
    Object.entries(texts).map(([column, text]) => `comment on column ${schema}.${table}.${column} is '${text}'`)
  ),
  ...Object.entries(sequences).map(([name, text]) => `comment on sequence ${schema}.${name} is '${text}'`),
  `do $$
declare
  v_view record;
begin
  for v_view in
    select c.oid::regclass as name, v.view, v.version, v.build
    from pg_class c join ${schema}.views v on c.relname = 'view_' || v.id::text
    where c.relnamespace = '${schema}'::regnamespace and c.relkind = 'r' and pg_has_role(c.relowner, 'usage')
  loop
    execute format('comment on table %s is %L', v_view.name,
      format('The records of the view %s, version %s, build %s.', v_view.view, v_view.version, v_view.build));
${Object.entries(recordColumns)
  .map(([column, text]) => `    execute format('comment on column %s.${column} is %L', v_view.name, '${text}');`)
  .join("\n")}
  end loop;
end $$`
]

const tables = {
  views:
    "A row for each generation of a view. Its records are in the table view_<id>. The view projections lists them with their parts."
}

const columns = {
  migrations: {
    migration_id: "The number of the migration, from 1 on. The highest one is the version of the schema.",
    created_at: "When the migration was done.",
    name: "What the migration is about."
  },
  revisions: {
    is_only: "Always true: the table has one row.",
    functions: "The revision of the library that the functions of the schema come from.",
    lowest: "The lowest revision of a library that may use the schema.",
    lock_namespace: "The upper 16 bits of the advisory locks that open appends hold."
  },
  streams: {
    id: "The number of the stream, by which events name it.",
    key: "The id of the stream, for example Course-1; the digest of an id that is longer than 2,000 bytes.",
    version: "The number of events that the stream has. 0: it has none.",
    recorded_at: "The time of the last event, or null if it has to be looked up there."
  },
  events: {
    position:
      "The place of the event in the log. Positions have gaps, and rise in the order in which appends drew them.",
    stream: "The number of the stream, in streams.id. The unique index begins with it.",
    stream_id:
      "The id of the stream, for example Course-1. No index has it: the function stream finds events by an id.",
    version: "The place of the event in its stream, from 1 on and without gaps.",
    event_id: "The id of the event.",
    type: "The type of the event.",
    schema_version: "The version of the schema of the data. So far it is always 1.",
    data: "The payload of the event, as JSON.",
    metadata: "The correlation id, the causation id, and what the command added.",
    recorded_at: "When the store recorded the event.",
    original_time: "The time that an imported event came with; null for any other event."
  },
  commands: {
    key: 'The id of the command after "c:", or its digest if it is longer than 2,000 bytes.',
    fingerprint: "The content of the command: another command may not have the same id.",
    streams: "The ids of the streams that the command has read or written.",
    versions: "The versions that these streams had afterwards, in the same order.",
    positions: "The positions of the events that the command has recorded.",
    recorded_at: "When the command was executed. Ids that are older than the retention are removed."
  },
  views: {
    id: "The number of the generation. Its records are in the table view_<id>.",
    view: "The name of the view.",
    version: "The version of the definition of the view.",
    build: "Which of several builds of the version, from 1 on.",
    serves: "Whether the generation answers the queries to its version.",
    replaced: "Whether a later build of the same version has replaced this one.",
    inline: "Whether appends maintain the records.",
    aggregates: "The aggregates whose events appends apply.",
    types: "The types of the events that appends apply.",
    promotion: "The number of the promotion with which appends began to maintain the records.",
    foreign_append_at:
      "When a process that does not know the definition last appended an event that is for these records."
  },
  view_parts: {
    generation: "The generation, in views.id.",
    index: "The number of the part, from 0 on. A generation has one part unless its keys are divided.",
    epoch: "A number that rises with every change of the owner. A commit of another epoch is refused.",
    position: "Every event up to this position is in the records. It does not move while appends maintain them.",
    owner: "The projection that owns the part, or owned it last.",
    leased_until: "When the lease of the owner ends. Nobody owns the part after that.",
    failure: "The event that stopped the part, and the error.",
    events_per_second: "How many events the owner applied a second, as it reported last.",
    positions_per_second: "How many positions the owner passed a second, as it reported last.",
    history: "The history of the log in which the position was reached.",
    history_at: "The position for which the history was said. If it is another one, the history is not known.",
    changes: "A number that grows with each commit of an owner that changes records.",
    changes_at: "The position at which the changes were counted. If it is another one, an earlier library has gone on."
  },
  view_letters: {
    generation: "The generation, in views.id.",
    position: "The position of the event.",
    head: "The first 64 characters of the key, for the index.",
    digest: "The SHA-256 of a key that has more than 64 characters, otherwise empty.",
    key: "The key of the record that the event is for.",
    parked: "Whether the event waits to be retried, with all later ones of its key. Otherwise it was skipped.",
    stream: "The id of the stream of the event.",
    event_version: "The place of the event in its stream.",
    type: "The type of the event.",
    mishap: "The step that failed, and the error. Null if the event only waits for an earlier one of its key.",
    at: "When the event was skipped or parked, in milliseconds since 1970."
  },
  inline_changes: { count: "How often appends have begun to maintain a view." },
  log: {
    is_only: "Always true: the table has one row.",
    id: "The identity of the log. A copy of the schema has the same one until it is adopted.",
    name: "The schema in which the log was made or adopted."
  },
  histories: {
    history: "The number of the history. It is not a count.",
    began_after: "The last position drawn before the history began. Earlier positions are valid up to there.",
    timeline: "The timeline of the server in which the history began.",
    noticed_at: "When the first append or reader has noticed it."
  },
  life: {
    history: "The number of the history that was begun in this life of the server.",
    started: "When the server was started.",
    relation: "The number that the server gives this table: a restored table has another one."
  }
}

const recordColumns = {
  head: "The first 64 characters of the key, for the index.",
  digest: "The SHA-256 of a key that has more than 64 characters, otherwise empty.",
  key: "The key of the record.",
  state: "The state of the record, as JSON."
}

const sequences = {
  events_position: "The positions of events. An append that fails leaves a gap.",
  streams_id_seq: "The numbers of streams.",
  views_id_seq: "The numbers of generations.",
  view_epochs: "The epochs of owners. None is given twice.",
  noted: "The highest position that a store has noted, in the lower 48 bits, and the end of the number of its history."
}
