import * as Schema from "effect/Schema"
import type * as Expectation from "./Expectation.ts"

/**
 * A stream was not at the version that an append expected; nothing of the
 * append was written.
 */
export class ConcurrencyConflict extends Schema.TaggedError<ConcurrencyConflict>()("ConcurrencyConflict", {
  /** The stream that failed its check, the first in stream-id order if several did. */
  stream: Schema.String,
  expected: Schema.Union([
    Schema.TaggedStruct("Any", {}),
    Schema.TaggedStruct("NoStream", {}),
    Schema.TaggedStruct("StreamExists", {}),
    Schema.TaggedStruct("Exactly", { version: Schema.Int })
  ]),
  /** The stream's version at the check; 0 if it had no event. */
  actual: Schema.Int,
  /** How often the append was tried: 1 from a store, more from an executor that gave up. */
  attempts: Schema.Int
}) {
  override get message(): string {
    return `${this.stream}: expected ${describe(this.expected)}, but it is at version ${this.actual} (attempts: ${this.attempts})`
  }
}

const describe = (expected: Expectation.Expectation): string =>
  expected._tag === "Exactly" ? `version ${expected.version}` : expected._tag
