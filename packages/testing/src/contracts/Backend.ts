/**
 * What the author of an adapter writes once, so that all contracts run on it:
 * how data is made, and how processes are opened that work on these data.
 */
import type {
  EventStore,
  EventStoreError,
  LogTransfer,
  ProjectionStore,
  SnapshotStore,
  StreamDirectory,
  StreamId,
  StreamLocks,
  View,
  ViewStore
} from "@hexfold/core"
import type { Duration, Effect, Scope } from "effect"

/**
 * What some backends can do and others cannot.
 *
 * - `otherProcesses`: several nodes work on the same data at the same time.
 * - `transactions`: appends join a transaction that the application has begun.
 * - `foreignTransactions`: the database has transactions that append nothing, and one of them can be held open.
 * - `inlineViews`: appends maintain the views whose definitions the node was given.
 * - `lostCommits`: the last events of the log can be taken back, as by a crash that loses commits.
 * - `silentConnections`: the connections of a node can be cut, so that its operations get no answer.
 * - `stalls`: appends to chosen streams can be made to wait, as if a stranger had locked these streams.
 */
export type Capability =
  | "otherProcesses"
  | "transactions"
  | "foreignTransactions"
  | "inlineViews"
  | "lostCommits"
  | "silentConnections"
  | "stalls"

/** A process that works on shared data: an instance of each store, and what the backend declares besides. */
export interface Node {
  /** The event store of this node. It must not poll more often than once a minute: readers have to be woken. */
  readonly eventStore: EventStore.EventStore["Service"]
  /** The locks of the event store of this node. */
  readonly streamLocks: StreamLocks.StreamLocks["Service"]
  /** What lists the streams of the event store of this node. */
  readonly streamDirectory: StreamDirectory.StreamDirectory["Service"]
  /** What moves the log of this node. */
  readonly logTransfer: LogTransfer.LogTransfer["Service"]
  /** What reads the records of views on this node. An adapter that keeps no views takes the stores in memory. */
  readonly viewStore: ViewStore.ViewStore["Service"]
  /** What writes the records of views on this node. */
  readonly projectionStore: ProjectionStore.ProjectionStore["Service"]
  /** The snapshots of this node. An adapter that keeps no snapshots takes the store in memory. */
  readonly snapshotStore: SnapshotStore.SnapshotStore["Service"]
  /**
   * Runs an effect in a transaction of the stores' database, which appends of
   * this node join; rolls back if the effect fails. Needed for `transactions`.
   */
  readonly transaction?: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E | EventStoreError>
  /**
   * Holds a transaction of the same database open, which has appended nothing,
   * until the scope closes. Returns an effect that asks the database whether the
   * transaction is still open, and that also works after the scope has closed.
   * Needed for `foreignTransactions`.
   */
  readonly foreignTransaction?: Effect.Effect<Effect.Effect<boolean, unknown>, unknown, Scope.Scope>
  /**
   * Takes the last events of the log back, those of all streams, and ends its
   * history: what a crash does that loses commits, or a backup that is restored.
   * New events get the positions again. With 0 events nothing is lost, as by a clean
   * restart. The records of views and the snapshots stay, as in a database of their own. No append is
   * under way meanwhile. The nodes stay open. Needed for `lostCommits`.
   */
  readonly loseLast?: (events: number) => Effect.Effect<void, unknown>
  /** From now on the operations of this node hang or fail. Needed for `silentConnections`. */
  readonly cut?: Effect.Effect<void>
  /**
   * From now on appends to these streams wait, from whichever node, until the
   * effect that it returns is run or the scope closes. The streams have events.
   * Needed for `stalls`.
   */
  readonly stall?: (
    streams: ReadonlyArray<StreamId.StreamId>
  ) => Effect.Effect<Effect.Effect<void>, unknown, Scope.Scope>
}

/** What a node is opened with. */
export interface OpenOptions {
  /** The views whose definitions the node knows, for appends that maintain them. */
  readonly views?: ReadonlyArray<View.Any>
  /** For how long an append of the node may wait for a stream. The adapter's own limit if it is not given. */
  readonly limit?: Duration.Input
  /** How long a version of a view may have no owner before it counts as left. The adapter's own limit if it is not given. */
  readonly leftAfter?: Duration.Input
  /** What the case uses of the node. What is dear and not in the list, for example a network that can be cut, may be left out. */
  readonly needs?: ReadonlyArray<Capability>
}

/** Opens one more node on the same data; the node ends with the scope. */
export type Open = (options: OpenOptions) => Effect.Effect<Node, unknown, Scope.Scope>

/**
 * An adapter as the contracts see it.
 *
 * A case that needs a capability which is not declared does not run: the suite
 * lists it by name. A case that needs a declared one fails if the backend does
 * not have it.
 *
 * @example
 * ```ts
 * import { MemoryStores } from "@hexfold/adapters-memory"
 * import { EventStore, LogTransfer, ProjectionStore, SnapshotStore, StreamDirectory, StreamLocks, ViewStore } from "@hexfold/core"
 * import type { Backend } from "@hexfold/testing/contracts"
 * import { Context, Effect } from "effect"
 *
 * const memory: Backend.Backend = {
 *   capabilities: ["otherProcesses", "inlineViews"],
 *   data: Effect.map(MemoryStores.shared, (open): Backend.Open => (options) => {
 *     const stores = open(options)
 *     return Effect.succeed({
 *       eventStore: Context.get(stores, EventStore.EventStore),
 *       streamLocks: Context.get(stores, StreamLocks.StreamLocks),
 *       streamDirectory: Context.get(stores, StreamDirectory.StreamDirectory),
 *       logTransfer: Context.get(stores, LogTransfer.LogTransfer),
 *       viewStore: Context.get(stores, ViewStore.ViewStore),
 *       projectionStore: Context.get(stores, ProjectionStore.ProjectionStore),
 *       snapshotStore: Context.get(stores, SnapshotStore.SnapshotStore)
 *     })
 *   })
 * }
 * ```
 */
export interface Backend {
  readonly capabilities: ReadonlyArray<Capability>
  /** Makes data without events and records, which end with the scope, and says how nodes are opened on them. */
  readonly data: Effect.Effect<Open, unknown, Scope.Scope>
}
