/**
 * Migration 9: the history of the log in which a view has reached its position; null
 * if nobody has said it. The records of a view can have another backup than the log.
 * Once the log has grown again, only this tells that the view stands at a position of
 * events that the log has lost.
 */
export const viewHistories = (schema: string): ReadonlyArray<string> => [
  `alter table ${schema}.view_parts add column history bigint`
]
