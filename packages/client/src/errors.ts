/** Why a call to an API elsewhere can fail, besides the errors of the domain. */
import { Schema } from "effect"

/** The API did not do what it was asked, or nobody knows whether it did. */
export class RemoteError extends Schema.TaggedError<RemoteError>()("RemoteError", {
  /** The status of the answer; 0 if there was none. */
  status: Schema.Int,
  /** What the answer calls the problem, such as `Forbidden`. Without an answer it is `NoAnswer`. */
  title: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  /** Whether the same call may succeed later. A command without an id may have happened: name it before it is tried again. */
  get isRetryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502
  }

  override get message(): string {
    return this.status === 0 ? `no answer: ${this.detail}` : `${this.status} ${this.title}: ${this.detail}`
  }
}
