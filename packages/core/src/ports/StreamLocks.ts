/**
 * A second port to the log of events, for stores that have locks. The executor
 * locks streams first when a command has lost several races for them.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { StreamId } from "../domain/StreamId.ts"
import type { EventStoreError } from "./errors.ts"

/** Locks of streams and of command ids. */
export class StreamLocks extends Context.Service<
  StreamLocks,
  {
    /**
     * Runs an effect in a transaction of its own that holds the streams and the
     * command ids from before the effect begins to its end. Reads and appends of
     * the event store inside join the transaction. It commits if the effect
     * succeeds, and rolls back if the effect fails or is interrupted.
     *
     * While it runs, other appends to these streams wait, as do appends with these
     * command ids; other streams go on. So the versions that the effect reads stay
     * the same until it appends, unless it appends to streams that it does not
     * hold. A command id that was new stays new for the append inside. A wait for
     * a lock has the limits of an append, and ends as `Timeout` with the stream.
     *
     * It fails with `Rejected` inside a transaction of the caller: locks that are
     * taken there later than others may end in a deadlock.
     *
     * A store without transactions, such as that in memory, runs the effect as it
     * is.
     */
    readonly hold: <A, E, R>(
      streams: ReadonlyArray<StreamId>,
      commandIds: ReadonlyArray<string>,
      effect: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | EventStoreError, R>
  }
>()("@hexfold/core/StreamLocks") {}
