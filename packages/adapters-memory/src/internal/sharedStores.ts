import {
  EventStore,
  LogTransfer,
  type ProjectionStore,
  SnapshotStore,
  StreamDirectory,
  type StreamLocks,
  type View,
  type ViewStore
} from "@hexfold/core"
import { Context, Duration, Effect } from "effect"
import { contended, locks } from "./contended.ts"
import { newLog, open as openLog } from "./eventLog.ts"
import { isNeeded, open as openGenerations } from "./views/generations.ts"
import { historyOf, loseLast } from "./histories.ts"
import * as inline from "./views/inline.ts"
import { logTransfer } from "./logTransfer.ts"
import { snapshotStore } from "./snapshotStore.ts"
import { streamDirectory } from "./streamDirectory.ts"
import { viewStores } from "./views/viewStores.ts"

/** How stores over shared data work. */
interface Options {
  readonly commandRetention?: Duration.Input
  readonly conflictEvery?: number
  readonly yields?: number
  readonly views?: ReadonlyArray<View.Any>
  readonly leftAfter?: Duration.Input | undefined
}

/** Data in memory, and what can be done with them. */
export interface Shared {
  /** Opens stores over the data. */
  readonly open: (
    options: Options
  ) => Context.Context<
    | EventStore.EventStore
    | StreamLocks.StreamLocks
    | StreamDirectory.StreamDirectory
    | LogTransfer.LogTransfer
    | ViewStore.ViewStore
    | ProjectionStore.ProjectionStore
    | SnapshotStore.SnapshotStore
  >
  /** Takes the last events of the log back and ends its history. The records of views and the snapshots stay. */
  readonly loseLast: (events: number) => Effect.Effect<void>
}

/** Makes data without events and records. */
export const sharedStores: Effect.Effect<Shared> = Effect.sync(() => {
  const log = newLog()
  const snapshots = snapshotStore()
  const generations = openGenerations({ last: () => log.events.length, history: () => historyOf(log) })
  return {
    open: ({ commandRetention = "Infinity", leftAfter, views = [], ...contention }) => {
      const appending = inline.make(log.events, generations, views)
      const store = contended(
        openLog(log, Duration.toMillis(commandRetention), appending.apply, (id) => isNeeded(generations, id)),
        contention
      )
      return locks.pipe(
        Context.add(EventStore.EventStore, store),
        Context.add(StreamDirectory.StreamDirectory, streamDirectory(log)),
        Context.add(LogTransfer.LogTransfer, logTransfer(log)),
        Context.add(SnapshotStore.SnapshotStore, snapshots),
        Context.merge(viewStores(generations, leftAfter, appending))
      )
    },
    loseLast: (events) => loseLast(log, events)
  }
})
