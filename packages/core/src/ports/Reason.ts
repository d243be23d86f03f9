/**
 * Why an operation of a store failed. An `EventStoreError` or a `ViewStoreError`
 * has one of these as its `reason`. The `cause` is the error that the store's
 * driver raised, unchanged.
 */
import * as Schema from "effect/Schema"
import { shortened } from "../domain/texts.ts"

const fields = { detail: Schema.String, cause: Schema.optionalKey(Schema.Defect()) }

/**
 * The store cannot be reached, or failed for a temporary reason. If an append
 * fails with it, nobody knows whether the append has happened. Repeat it with its
 * command id, or with an expectation that no longer holds once the append has
 * succeeded.
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", fields) {
  static {
    shortened(this)
  }
}

/** The store did not answer in time. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", fields) {
  static {
    shortened(this)
  }
}

/** What is stored breaks an invariant of the store. */
export class Corrupt extends Schema.TaggedError<Corrupt>()("Corrupt", fields) {
  static {
    shortened(this)
  }
}

/** The request can never succeed as it is; nothing was written. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", fields) {
  static {
    shortened(this)
  }
}

/**
 * An earlier error has ended the transaction that the operation is part of:
 * nothing more happens in it. The earlier error says whether it helps to repeat
 * the whole transaction.
 */
export class Aborted extends Schema.TaggedError<Aborted>()("Aborted", fields) {
  static {
    shortened(this)
  }
}

/**
 * A position was reached in another history of the log than the present one, and
 * the log has nothing to go on from there: its history ended before it, or is later
 * than the log's own. A reader that went on from it would skip events, or wait for
 * some that never come. Begin again from a position that is not beyond `endedAt`, and
 * make anew what was made from later events.
 */
export class PositionFromAnotherHistory extends Schema.TaggedError<PositionFromAnotherHistory>()(
  "PositionFromAnotherHistory",
  {
    ...fields,
    /** The history in which the position was reached. */
    history: Schema.Int,
    /** The position that was refused. */
    position: Schema.Int,
    /** The last position of that history which is still valid. Missing if that history is later than the log's. */
    endedAt: Schema.optionalKey(Schema.Int),
    /** The history that the log has now. */
    current: Schema.Int
  }
) {
  static {
    shortened(this)
  }
}

/** The store failed for any other reason. */
export class Unknown extends Schema.TaggedError<Unknown>()("Unknown", fields) {
  static {
    shortened(this)
  }
}

/** Why an operation of the store failed. */
export type Reason = Unavailable | Timeout | Corrupt | Rejected | Aborted | PositionFromAnotherHistory | Unknown

/** Whether the same request may succeed later. */
export const isRetryable = (reason: Reason): boolean => reason._tag === "Unavailable" || reason._tag === "Timeout"

/** The schema of {@link Reason}. */
export const schema = Schema.Union([
  Unavailable,
  Timeout,
  Corrupt,
  Rejected,
  Aborted,
  PositionFromAnotherHistory,
  Unknown
])
