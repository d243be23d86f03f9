/**
 * Migration 11: a count of the commits that change the records of a part. Who shows a query live asks it again only if
 * the count has changed.
 *
 * Only commits of a part's owner raise it, which write the same row all the same. Appends do not: appends of different
 * streams would wait for each other at the row. What they change is found in the log, see `views/inlineChanges.ts`.
 *
 * `changes_at` is the position at which the count was made. An earlier library moves the position and counts nothing.
 */
export const changes = (schema: string): ReadonlyArray<string> => [
  `alter table ${schema}.view_parts
     add column changes bigint not null default 0,
     add column changes_at bigint not null default 0`
]
