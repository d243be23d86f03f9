/**
 * Migration 2: an index that finds the oldest command ids without a scan of the table.
 *
 * It is a btree: appends add at its right edge, and no update touches the time,
 * so updates of a command stay HOT. Measured, it costs appends with a command id
 * 0 to 10 %. A brin index would decay: new ids are written into the space of
 * swept ones, and the ranges of the index only ever get wider.
 */
export const retention = (schema: string): ReadonlyArray<string> => [
  `create index commands_recorded_at on ${schema}.commands (recorded_at)`
]
