/** The port through which messages leave the application, and what adapters have to promise: see {@link Publisher}. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { PublishError } from "./errors.ts"

/** A message for others. It is the same whenever it is published again. */
export interface Message {
  /**
   * Names the message: no other message of the same source has this id. It has 1 to 200 visible characters of ASCII and
   * no `.`, such as a UUID.
   */
  readonly id: string
  /** Where the message comes from, as a URI or a part of one: `/shop/orders`. At most 1,000 visible characters of ASCII. */
  readonly source: string
  /** The name of the publication with its version: `orders.v1`. Words of letters, digits, `_` and `-` with `.` between them. */
  readonly publication: string
  /** What the message tells: `OrderPlaced`. */
  readonly type: string
  /** Messages of a publication with the same key stay in order. */
  readonly key: string
  /** When it happened, in whole milliseconds. */
  readonly time: DateTime.Utc
  /** The version of the schema of the body: a whole number from 1 to 32,767. */
  readonly schemaVersion: number
  /** The same for everything that follows from one request or job. */
  readonly correlationId: string
  /** The id of what caused the message. */
  readonly causationId: string
  readonly body: Schema.Json
}

/** The receiver has the message. */
export interface Taken {
  readonly _tag: "Taken"
}

/** The message was not taken, as far as the publisher knows. It may have arrived all the same. */
export interface Failed {
  readonly _tag: "Failed"
  readonly error: PublishError
}

/** The message was not sent. Publish it again after the message that it waits for. */
export interface Held {
  readonly _tag: "Held"
  /**
   * The index of the message of its key that was not taken. Missing if the call had no time left before it was this
   * message's turn.
   */
  readonly behind?: number
}

/** What became of a message. */
export type Outcome = Taken | Failed | Held

/**
 * The port through which messages leave the application.
 *
 * 1. Every message of a call has one outcome, and the outcomes have the order of the
 *    messages.
 * 2. `Taken` is what the receiver has said that it keeps. At least once: a message that
 *    is not `Taken` may have arrived. It is published again, under the same id.
 * 3. Messages of a publication with the same key are sent in their order. Each is sent
 *    after the one before it was taken. After one that failed the others of its key are
 *    `Held`. This holds within a call: who publishes messages of a key in several calls
 *    makes one call after the other.
 * 4. Keys are sent side by side, as many at a time as the publisher allows. One that fails
 *    or gets no answer does not stop the others. Only a receiver that asks for a pause is
 *    sent nothing until then.
 * 5. A message arrives with all that it has, and each time with the same: a receiver
 *    knows what it has seen by source and id.
 * 6. Failures are values. A message that can never be taken as it is, because it is not
 *    valid or the receiver refuses it, is `Rejected`. What may succeed later is
 *    `Unavailable` or `Timeout`, with the time that the receiver wants to be left alone,
 *    if it has said so. What is not valid is not sent, and no other message fails for it.
 * 7. Every call ends within a limit, whatever the receiver does.
 * 8. A call that is interrupted sends nothing more. What it had begun ends within the
 *    limit.
 * 9. An error has no body of a message or an answer, no secret, and nothing of the
 *    receiver's address but its host.
 */
export class Publisher extends Context.Service<
  Publisher,
  {
    /** Sends messages to the receiver. */
    readonly publish: (messages: ReadonlyArray<Message>) => Effect.Effect<ReadonlyArray<Outcome>>
  }
>()("@hexfold/core/Publisher") {}
