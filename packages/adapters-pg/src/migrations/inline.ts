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
