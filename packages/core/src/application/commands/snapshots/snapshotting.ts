import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Participant from "../../../domain/Participant.ts"
import type { StreamId } from "../../../domain/StreamId.ts"
import type { Tagged } from "../../../domain/tagged.ts"
import type { EventStore, StreamEvent } from "../../../ports/EventStore.ts"

/** What a snapshot needs of an aggregate, as a constraint that every aggregate meets. */
export interface Snapshotted {
  readonly name: string
  readonly initial: unknown
  readonly revision: number
  readonly evolve: (state: never, event: never) => unknown
  readonly schemas: {
    readonly state: Schema.Codec<unknown, unknown>
    readonly events: ReadonlyMap<string, Schema.Codec<unknown, Tagged>>
    readonly stored: ReadonlyMap<string, { readonly version: number }>
  }
}

/** A stream whose snapshot is wanted. */
export interface Wanted {
  readonly streamId: StreamId
  /** The aggregate whose `evolve` folds the stream. */
  readonly source: object
}

/** A state that was loaded. Whether it is one of the stream is not known before the stream is read. */
export interface Found {
  readonly state: unknown
  readonly version: number
  readonly history: number
  readonly position: number
}

/** Why a snapshot is ignored. */
export type Reason = "undecodable" | "ahead" | "history" | "store"

/** A state of a stream that the log certainly has. */
export interface Committed {
  readonly store: EventStore["Service"]
  readonly source: Participant.Source<string, unknown, Tagged>
  readonly streamId: StreamId
  /** The history of the log in which it was read or appended. */
  readonly history: number
  /** The version of the stream after the events. */
  readonly version: number
  /** The state before the events. */
  readonly state: unknown
  /** The last events, which are still to be folded. */
  readonly events: ReadonlyArray<StreamEvent>
}

/** What the engine asks of snapshots. Nothing of it fails, and only `load` takes time. */
export interface Snapshotting {
  /** Whether the states of an aggregate are kept. */
  readonly covers: (source: object) => boolean
  /** Loads snapshots in one request. The answer has one for each stream, or undefined if the stream has none that can be used. */
  readonly load: (wanted: ReadonlyArray<Wanted>) => Effect.Effect<ReadonlyArray<Found | undefined>>
  /** A snapshot was used. One of an earlier history is replaced soon. */
  readonly use: (wanted: Wanted, found: Found, isOfEarlierHistory: boolean) => void
  /** A snapshot is no state of its stream: it is removed in the background. */
  readonly ignore: (wanted: Wanted, reason: Reason) => void
  /** Offers a state. If it is time for a snapshot of the stream, it is saved in the background. */
  readonly offer: (committed: Committed) => void
}
