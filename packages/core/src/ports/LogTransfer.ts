/** The port through which a log is moved, beside the port of events, and what adapters have to promise: see {@link LogTransfer}. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { StreamId } from "../domain/StreamId.ts"
import type { EventStoreError } from "./errors.ts"
import type { StreamVersion } from "./EventStore.ts"

/** The place of an event in its stream. */
export interface EventPlace {
  readonly streamId: StreamId
  /** The event's 1-based place in the stream. */
  readonly version: number
}

/** A command that was executed, and what its receipt says. */
export interface UsedCommand {
  /** The key of the command's id, see `StoreKey.ofCommand`: a store may keep a digest of a long id and no more. */
  readonly key: string
  readonly fingerprint: string
  /** The streams of the receipt, in its order, with their versions after the command. */
  readonly streams: ReadonlyArray<StreamVersion>
  /** The events of the receipt, in its order. */
  readonly events: ReadonlyArray<EventPlace>
  /** When the command was executed. From then on counts the time for which a store remembers it. */
  readonly usedAt: DateTime.Utc
}

/** What a log has. Both lists are in the order of the request. */
export interface Found {
  /** The ids of the events at the given places, undefined where the log has none. */
  readonly events: ReadonlyArray<string | undefined>
  /** The commands with the given keys, undefined where the log knows none. */
  readonly commands: ReadonlyArray<UsedCommand | undefined>
}

/**
 * The port through which a log is moved. The events themselves are read and appended
 * through `EventStore`.
 *
 * 1. Each log has an identity: a text that no other log has.
 * 2. `commands` gives every command that the log remembers and whose effects are all at
 *    or below a position, each once and in bounded memory.
 *    It gives no command with an event above the position. A command without events
 *    belongs to the positions of the events that it was decided on.
 * 3. `find` tells what the log has, in the order of the request.
 * 4. `record` remembers commands of another log as if they had been executed here: a
 *    command that is repeated then is answered with the events of this log, and has no
 *    second effect. All commands of a call are remembered or none. A command that is
 *    remembered already, with the same content, stays as it is. One with another
 *    content, and one whose events the log does not have, is `Rejected`.
 * 5. No operation takes part in a transaction of the caller.
 * 6. Every operation ends, with an answer or with a failure.
 */
export class LogTransfer extends Context.Service<
  LogTransfer,
  {
    /** The identity of the log. */
    readonly log: Effect.Effect<string, EventStoreError>

    /** The commands whose effects are all at or below a position, which a horizon has named. */
    readonly commands: (upTo: number) => Stream.Stream<UsedCommand, EventStoreError>

    /** Looks events up by their places, and commands by their keys. */
    readonly find: (
      events: ReadonlyArray<EventPlace>,
      commandKeys: ReadonlyArray<string>
    ) => Effect.Effect<Found, EventStoreError>

    /** Remembers commands that were executed in another log. Their events are here already. */
    readonly record: (commands: ReadonlyArray<UsedCommand>) => Effect.Effect<void, EventStoreError>
  }
>()("@hexfold/core/LogTransfer") {}
