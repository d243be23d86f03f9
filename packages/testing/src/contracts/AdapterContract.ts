/** All contracts at once: what an adapter with all stores is held to. */
import type { Backend } from "./Backend.ts"
import * as EventStoreContract from "./EventStoreContract.ts"
import * as InlineContract from "./InlineContract.ts"
import * as LogTransferContract from "./LogTransferContract.ts"
import * as ProcessContract from "./ProcessContract.ts"
import * as ProjectionContract from "./ProjectionContract.ts"
import * as ProjectionStoreContract from "./ProjectionStoreContract.ts"
import * as ReactorContract from "./ReactorContract.ts"
import * as SnapshotStoreContract from "./SnapshotStoreContract.ts"
import * as ViewStoreContract from "./ViewStoreContract.ts"

/**
 * Declares the suites of all contracts for an adapter, in a test file of
 * Vitest. Each contract makes data of its own.
 *
 * @example
 * ```ts
 * import { MemoryStores } from "@hexfold/adapters-memory"
 * import { EventStore, LogTransfer, ProjectionStore, SnapshotStore, StreamDirectory, StreamLocks, ViewStore } from "@hexfold/core"
 * import { AdapterContract, type Backend } from "@hexfold/testing/contracts"
 * import { Context, Effect } from "effect"
 *
 * AdapterContract.suite("my stores", {
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
 * })
 * ```
 */
export const suite = (name: string, backend: Backend): void => {
  for (const contract of [
    EventStoreContract,
    ProjectionStoreContract,
    ViewStoreContract,
    SnapshotStoreContract,
    LogTransferContract,
    InlineContract,
    ProjectionContract,
    ReactorContract,
    ProcessContract
  ]) {
    contract.suite(name, backend)
  }
}
