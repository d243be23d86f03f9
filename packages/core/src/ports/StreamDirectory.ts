/** The port that lists streams, beside the port of events, and what adapters have to promise: see {@link StreamDirectory}. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { StreamId } from "../domain/StreamId.ts"
import type { EventStoreError } from "./errors.ts"
import type { StreamVersion } from "./EventStore.ts"

/** Which streams to list. */
export interface ListOptions {
  /** The name of the aggregate, or of the topic. */
  readonly aggregate: string
  /** Lists only streams after this one, which belongs to the aggregate. It need not exist. */
  readonly after?: StreamId
  /** The most streams: a whole number from 1 to 10,000; 100 by default. */
  readonly limit?: number
}

/**
 * The port that lists the streams of an aggregate.
 *
 * 1. `list` gives each stream of the aggregate that has events, once and with its version, and no stream of another
 *    aggregate, whatever their names begin with.
 * 2. The streams are in the order of their ids by code point, so a listing that goes on after the last stream of a page
 *    misses none that was there from its beginning to its end, and gives none twice. A page that is not full is the last.
 * 3. An append that has returned is seen by the next call, on every node. A page is of one moment.
 * 4. A name that no aggregate can have, a stream of another aggregate and a limit out of range are `Rejected`.
 * 5. Every operation ends, with an answer or with a failure.
 */
export class StreamDirectory extends Context.Service<
  StreamDirectory,
  {
    /** Lists streams of one aggregate, with their versions. */
    readonly list: (options: ListOptions) => Effect.Effect<ReadonlyArray<StreamVersion>, EventStoreError>
  }
>()("@hexfold/core/StreamDirectory") {}
