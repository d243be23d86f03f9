import * as Schema from "effect/Schema"
import { Corrupt, Rejected, Timeout, Unavailable, Unknown } from "./EventStoreError.ts"

/** An operation of the view store failed for `reason`, which is one of those of an event store. */
export class ViewStoreError extends Schema.TaggedError<ViewStoreError>()("ViewStoreError", {
  operation: Schema.Literals(["open", "claim", "commit", "load", "query", "letters", "status"]),
  view: Schema.optionalKey(Schema.String),
  reason: Schema.Union([Unavailable, Timeout, Corrupt, Rejected, Unknown])
}) {
  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return this.reason._tag === "Unavailable" || this.reason._tag === "Timeout"
  }

  override get message(): string {
    return `${this.operation}${this.view === undefined ? "" : ` of ${this.view}`}: ${this.reason.detail}`
  }
}
