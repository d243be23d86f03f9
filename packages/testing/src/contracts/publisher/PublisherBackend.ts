/** What the author of a publisher writes once, so that its contract runs on it: a publisher, and a receiver to look into. */
import type { Publisher } from "@hexfold/core"
import type { Duration, Effect, Scope } from "effect"

/**
 * What some receivers can do and others cannot.
 *
 * - `refusals`: the receiver can refuse messages for ever.
 * - `outages`: the receiver can be unable to take messages for a time, and say so.
 * - `silence`: the receiver can leave messages without an answer.
 * - `lostAnswers`: the receiver can keep a message, and its answer is lost.
 * - `pauses`: the receiver can say how long it wants to be left alone.
 */
export type Capability = "refusals" | "outages" | "silence" | "lostAnswers" | "pauses"

/**
 * How the receiver treats messages.
 *
 * - `keep`: it keeps them and says so.
 * - `refuse`: it answers that it will never take them.
 * - `postpone`: it answers that it cannot take them now.
 * - `pause`: it answers that it cannot take them now, and wants to be left alone for 7 seconds.
 * - `ignore`: it does not answer. Whether it keeps them is not said.
 * - `lose`: it keeps them, and does not answer or cuts the connection.
 */
export type Treatment = "keep" | "refuse" | "postpone" | "pause" | "ignore" | "lose"

/** A publisher and its receiver. */
export interface Opened {
  readonly publisher: Publisher.Publisher["Service"]
  /**
   * From now on the receiver treats the messages of a key so. A case says it of each key before it publishes messages of
   * the key, and no message of the key is under way meanwhile.
   */
  readonly treat: (publication: string, key: string, treatment: Treatment) => Effect.Effect<void, unknown>
  /**
   * The messages that the receiver keeps, those of each key in the order in which they came. A copy of a message may be
   * there or not.
   */
  readonly kept: Effect.Effect<ReadonlyArray<Publisher.Message>, unknown>
  /** Texts that no error may have, such as the secrets of the publisher. */
  readonly secrets: ReadonlyArray<string>
}

/** What a publisher is opened with. */
export interface OpenOptions {
  /** How long a call may take. The publisher's own limit if it is not given. */
  readonly limit?: Duration.Input
}

/**
 * A publisher as its contract sees it. A case that needs a capability which is not declared does not run: the suite lists
 * it by name.
 */
export interface PublisherBackend {
  readonly capabilities: ReadonlyArray<Capability>
  /** Opens a publisher and a receiver that has no messages of the case. Both end with the scope. */
  readonly open: (options: OpenOptions) => Effect.Effect<Opened, unknown, Scope.Scope>
}
