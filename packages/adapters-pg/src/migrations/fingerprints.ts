/**
 * The fingerprint of the definition that makes the records of a generation. It is null
 * until a claim says it: no earlier library does.
 */
export const fingerprints = (schema: string): ReadonlyArray<string> => [
  `alter table ${schema}.views add column fingerprint text`,
  `comment on column ${schema}.views.fingerprint is
     'Identifies the definition that makes the records: its events, its state, its keys, its indexes.'`
]
