/** The port to stored states of aggregates, and what adapters have to promise: see {@link SnapshotStore}. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { StreamId } from "../domain/StreamId.ts"
import type { SnapshotStoreError } from "./errors.ts"

/** Which snapshot is meant: one of a stream, made by one definition of its aggregate. */
export interface Request {
  readonly streamId: StreamId
  /** Stands for the definition of the aggregate. States of another definition have another fingerprint. */
  readonly fingerprint: string
}

/** A state of an aggregate to save. */
export interface NewSnapshot extends Request {
  /** The version of the stream after the last event that is folded into the state: 1 or more. */
  readonly version: number
  /** The history of the log in which the state was read. */
  readonly history: number
  /** The position of the last event that is folded into the state. */
  readonly position: number
  /** The state as its schema encodes it. */
  readonly state: Schema.Json
}

/** A state as the store has it. */
export interface Snapshot extends NewSnapshot {
  /** When it was saved, by the store's clock. */
  readonly savedAt: DateTime.Utc
}

/** The snapshots of one stream; those of one fingerprint if it is given. */
export interface OfStream {
  readonly streamId: StreamId
  readonly fingerprint?: string
}

/** The snapshots of all streams of an aggregate. */
export interface OfAggregate {
  /** The name of the aggregate. */
  readonly aggregate: string
  /** The fingerprints whose snapshots stay. None by default. */
  readonly except?: ReadonlyArray<string>
}

/** Which snapshots are removed. */
export type Selection = OfStream | OfAggregate

/** How many fingerprints of one stream a store keeps: those that were saved last. */
export const mostFingerprints = 3

/**
 * The port to stored states of aggregates.
 *
 * A snapshot is a cache and never the truth: who loads one folds the later events on
 * it, and may ignore it. So a store may lose snapshots at any time. It never gives one
 * back that differs from what was saved.
 *
 * 1. What was saved is loaded as it was saved, with the members of its objects in the
 *    same order, until it is replaced or removed. Snapshots of several fingerprints of
 *    a stream are kept side by side.
 * 2. A load of any number of snapshots is one request, and answers in its order.
 * 3. A later snapshot replaces an earlier one of the same stream and fingerprint. One
 *    with a lower version of the same history replaces nothing.
 * 4. A stream keeps the snapshots of at most `mostFingerprints` fingerprints. When one
 *    more is saved, those that were saved longest ago go.
 * 5. What is removed is not loaded any more, and nothing else is removed.
 * 6. What cannot be kept is `Rejected`, and nothing of the call is saved.
 * 7. No operation takes part in a transaction of the caller: it neither rolls back
 *    with it, nor does its failure end it.
 * 8. Every operation ends, with an answer or with a failure.
 */
export class SnapshotStore extends Context.Service<
  SnapshotStore,
  {
    /** Loads snapshots. The answer has one for each request, in their order, or undefined if the store has none. */
    readonly load: (
      requests: ReadonlyArray<Request>
    ) => Effect.Effect<ReadonlyArray<Snapshot | undefined>, SnapshotStoreError>

    /** Saves snapshots, all or none. A stream and a fingerprint may be named once. */
    readonly save: (snapshots: ReadonlyArray<NewSnapshot>) => Effect.Effect<void, SnapshotStoreError>

    /** Removes snapshots, and says how many. */
    readonly remove: (selection: Selection) => Effect.Effect<number, SnapshotStoreError>
  }
>()("@hexfold/core/SnapshotStore") {}
