import * as Schema from "effect/Schema"
import { quote, shortened } from "./texts.ts"

/**
 * A view names a key that no record can have: it is empty, has more than 1,000
 * characters, or contains NUL or half a surrogate pair.
 */
export class InvalidKey extends Schema.TaggedError<InvalidKey>()("InvalidKey", {
  view: Schema.String,
  key: Schema.String,
  stream: Schema.String,
  version: Schema.Int,
  /** The event's position among all events. */
  position: Schema.Int,
  /** What is wrong with the key, in words. */
  detail: Schema.String
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    return `${this.view}: event ${this.version} of ${this.stream}, at position ${this.position}: ${this.detail}`
  }
}

/** A query's `after` is not a valid cursor, or it is the cursor of a query with another view, filter or order. */
export class InvalidCursor extends Schema.TaggedError<InvalidCursor>()("InvalidCursor", {
  view: Schema.String,
  cursor: Schema.String,
  problem: Schema.Literals(["Malformed", "OtherQuery"])
}) {
  static {
    shortened(this)
  }

  override get message(): string {
    const problem = this.problem === "Malformed" ? "is not a valid cursor" : "belongs to another query"
    return `the cursor ${quote(this.cursor)} for the view ${this.view} ${problem}`
  }
}
