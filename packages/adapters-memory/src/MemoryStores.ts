/** The event store, the stores of views and the store of snapshots in memory over one log, so that appends can maintain inline views. */
import type {
  EventStore,
  LogTransfer,
  ProjectionStore,
  SnapshotStore,
  StreamDirectory,
  StreamLocks,
  View,
  ViewStore
} from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { type Context, type Duration, Effect, Layer } from "effect"
import { sharedStores } from "./internal/sharedStores.ts"
import type * as MemoryEventStore from "./MemoryEventStore.ts"

/** How the stores work. */
export interface Options extends MemoryEventStore.Options {
  /** The inline views that the appends maintain. Views that are not inline are ignored. Two views of the same name are an error that is thrown. */
  readonly views?: ReadonlyArray<View.Any>
  /**
   * How long a version of a view may have no owner before it counts as left: if another
   * version is used after that and events have come, it does not answer until its
   * projection has caught up again. 1 minute by default.
   */
  readonly leftAfter?: Duration.Input
}

/** An event store, the locks and the list of its streams, what moves its log, both ports to the records of views, and a store of snapshots. */
export type Stores =
  | EventStore.EventStore
  | StreamLocks.StreamLocks
  | StreamDirectory.StreamDirectory
  | LogTransfer.LogTransfer
  | ViewStore.ViewStore
  | ProjectionStore.ProjectionStore
  | SnapshotStore.SnapshotStore

/**
 * Gives a function that opens stores over the same data any number of times, each
 * with options of its own. Tests use it for several processes that know different
 * views.
 *
 * @example
 * ```ts
 * import { MemoryStores } from "@hexfold/adapters-memory"
 * import { View } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const Balances: View.Any
 *
 * const program = Effect.gen(function*() {
 *   const open = yield* MemoryStores.shared
 *   return { next: open({ views: [Balances] }), former: open({}) }
 * })
 * ```
 */
export const shared: Effect.Effect<(options: Options) => Context.Context<Stores>> = Effect.map(
  sharedStores,
  ({ open }) => open
)

/** Stores over data that can lose events. */
export interface Lossy {
  /** Opens stores over the data, like the function that {@link shared} gives. */
  readonly open: (options: Options) => Context.Context<Stores>
  /**
   * Takes the last events of the log back and ends its history, as a crash that loses
   * commits does, or a restored backup. With 0 events nothing is lost, as by a clean
   * restart. The records of views and the snapshots stay, as in a database of their own.
   */
  readonly loseLast: (events: number) => Effect.Effect<void>
}

/**
 * Makes data like {@link shared} whose log can lose its last events: for tests of
 * what a program does with positions that it has kept.
 *
 * @example
 * ```ts
 * import { MemoryStores } from "@hexfold/adapters-memory"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const { loseLast, open } = yield* MemoryStores.lossy
 *   const stores = open({})
 *   yield* loseLast(2)
 *   return stores
 * })
 * ```
 */
export const lossy: Effect.Effect<Lossy> = sharedStores

/**
 * Supplies all stores and `StreamLocks`. An append changes the log and the records
 * of inline views in one synchronous step.
 *
 * @example
 * ```ts
 * import { MemoryStores } from "@hexfold/adapters-memory"
 * import { Projection, View } from "@hexfold/core"
 * import { Layer } from "effect"
 *
 * declare const Balances: View.Any
 *
 * const Stores = MemoryStores.layer({ views: [Balances] })
 * const Live = Projection.layer([Balances]).pipe(Layer.provideMerge(Stores))
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<Stores> => {
  // Throws here rather than when the layer is built.
  InlineViews.select(options.views ?? [])
  return Layer.effectContext(Effect.map(shared, (open) => open(options)))
}
