/** How far a log of events can be read, and positions that leave the process. */
import type * as DateTime from "effect/DateTime"

/**
 * A position that may leave the process: in a receipt, a dead letter or a resume
 * token. It says in which history of the log the position was reached.
 *
 * The log begins a new history when its store notices that something may have been
 * taken back, as by a crash, a failover or a restored backup. A position up to the
 * end of its history stays valid. The store refuses one beyond that end, because
 * other events may have taken the positions before it.
 */
export interface Position {
  /** The number of the log's history in which the position was reached, from 1. */
  readonly history: number
  /** The place among all events of the log, a whole number from 0. */
  readonly position: number
}

/** How far the log can be read at one moment, and what holds readers back. */
export interface Horizon extends Position {
  /** No further event can appear at or below this position. */
  readonly position: number
  /** The last position that was drawn. It is above `position` while appends are under way. */
  readonly drawn: number
  /** The number of the log's present history, from 1. */
  readonly history: number
  /** Since when the oldest append under way holds the horizon back. */
  readonly heldSince?: DateTime.Utc
  /** The transactions that hold the horizon back, the oldest first; at most 10. */
  readonly holders: ReadonlyArray<Holder>
}

/** A transaction that has appended, has not ended, and so holds the horizon back. */
export interface Holder {
  /** The process of the database server that runs the transaction. A prepared transaction has none. */
  readonly pid?: number
  /** The name that the application gave to its connection. */
  readonly application?: string
  /** When the transaction began. */
  readonly since?: DateTime.Utc
  /** Whether it is a prepared transaction. It has no connection, and stays until somebody ends it. */
  readonly isPrepared: boolean
}
