import * as Schema from "effect/Schema"

/**
 * A view had not reached a position when the time to wait for it was over. The
 * command that was executed so has happened.
 */
export class WaitTimeout extends Schema.TaggedError<WaitTimeout>()("WaitTimeout", {
  view: Schema.String,
  /** The position of the receipt: what to wait for, if the waiting is to go on. */
  wanted: Schema.Int,
  /** Where the view stood when it was last seen; 0 for one that has no records yet. */
  reached: Schema.Int
}) {
  override get message(): string {
    return `${this.view} has reached position ${this.reached}, not yet ${this.wanted}`
  }
}
