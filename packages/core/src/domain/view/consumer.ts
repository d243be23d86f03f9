/** What follows the log under a name, as data. */
import type * as Result from "effect/Result"
import type { InvalidKey } from "../errors.ts"
import type { Follows } from "./follows.ts"
import type { Source } from "./definition.ts"

/** What every consumer has: a view, or what reacts to events. */
export interface Consumer {
  /** The name under which stores know the consumer. */
  readonly name: string
  /** The version of its definition. */
  readonly version: number
  /** Identifies its definition, as far as it can be told from data. */
  readonly fingerprint: string
  /** What it is given events of. */
  readonly sources: ReadonlyArray<Source>
  /** The recorded events that it is given, by the types under which they are stored. */
  readonly follows: Follows
  /** True if all events with the same key are of one stream. */
  readonly perStream: boolean
  /**
   * What makes the keys of a consumer whose versions follow each other: under another value the same event may have
   * another key. A view has none, because each of its versions has records of its own.
   */
  readonly keyedBy?: string
  /** The keys that an event touches, each once. An event that the consumer does not handle touches none. */
  readonly keysOf: (event: never, envelope: never) => Result.Result<ReadonlyArray<string>, InvalidKey>
}
