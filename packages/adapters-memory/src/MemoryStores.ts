/** An event store and a view store in memory over one log, so that appends can maintain inline views. */
import { EventStore, type StreamLocks, type View, ViewStore } from "@hexfold/core"
import { Context, Duration, Effect, Layer } from "effect"
import { contended } from "./internal/contended.ts"
import { newLog, open as openLog } from "./internal/eventLog.ts"
import { open as openGenerations } from "./internal/generations.ts"
import * as inline from "./internal/inline.ts"
import { locks } from "./internal/locks.ts"
import { storeOf } from "./internal/viewStore.ts"
import type * as MemoryEventStore from "./MemoryEventStore.ts"

/** How the stores work. */
export interface Options extends MemoryEventStore.Options {
  /** The inline views that the appends maintain. Views that are not inline are ignored. */
  readonly views?: ReadonlyArray<View.Any>
}

/** An event store, its locks, and a view store. */
export type Stores = EventStore.EventStore | StreamLocks.StreamLocks | ViewStore.ViewStore

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
export const shared: Effect.Effect<(options: Options) => Context.Context<Stores>> = Effect.sync(() => {
  const log = newLog()
  const generations = openGenerations(() => log.events.length)
  return ({ commandRetention = "Infinity", views = [], ...contention }) => {
    const appending = inline.make(log.events, generations, views)
    const store = contended(openLog(log, Duration.toMillis(commandRetention), appending.apply), contention)
    return locks.pipe(
      Context.add(EventStore.EventStore, store),
      Context.add(ViewStore.ViewStore, storeOf(generations, appending))
    )
  }
})

/**
 * Supplies both stores and `StreamLocks`. An append changes the log and the records of inline views
 * in one synchronous step.
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
export const layer = (options: Options = {}): Layer.Layer<Stores> =>
  Layer.effectContext(Effect.map(shared, (open) => open(options)))
