/**
 * Migration 9: the history of the log in which a view has reached its position. The
 * records of a view can have another backup than the log. Once the log has grown again,
 * only the history tells that the view stands at a position of events that the log has
 * lost.
 *
 * `history_at` is the position for which the history was said. An earlier library moves
 * the position and leaves both as they are: the history of its position is not known.
 */
export const viewHistories = (schema: string): ReadonlyArray<string> => [
  `alter table ${schema}.view_parts add column history bigint, add column history_at bigint`
]
