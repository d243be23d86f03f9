/**
 * Migration 5: appends maintain generations.
 *
 * A generation of `views` is `inline` while appends apply its events.
 *
 * `inline_changes` grows with every promotion, so that an append in a stricter
 * transaction finds out that the flags it sees are old. It numbers the
 * promotions too: a process that knows a generation by its number knows which
 * events its appends apply, because another definition is another promotion.
 *
 * A schema of version 4 has a function `append` with fewer arguments. It does
 * not take the lock of the flags, so it must not stay beside its successor.
 */
export const inline = (schema: string): ReadonlyArray<string> => [
  `create table ${schema}.inline_changes (count bigint not null)`,
  `insert into ${schema}.inline_changes values (0)`,
  `alter table ${schema}.views add column promotion bigint not null default 0`,
  `drop function if exists ${schema}.append`
]

/**
 * Migration 16: the types that the definition of an inline generation knows. An append of any other type of its
 * aggregates touches it: the program that appends knows more than the definition. A generation of an earlier library has
 * none, and only its types touch it.
 */
export const knownTypes = (schema: string): ReadonlyArray<string> => [
  `alter table ${schema}.views add column known_types text[]`,
  `comment on column ${schema}.views.known_types is 'All types of events that the definition knows, if appends maintain the generation.'`,
  `comment on column ${schema}.events.schema_version is 'The version of the schema of the data, from 1 on.'`
]
