/**
 * The time of the last append of a process that does not know the definition of a generation which appends have
 * maintained before. As long as such appends come, its projection follows the events.
 */
export const foreignAppends = (schema: string): ReadonlyArray<string> => [
  `alter table ${schema}.views add column foreign_append_at timestamptz`
]
