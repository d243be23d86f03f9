/**
 * A store of snapshots in memory. It is the reference for other adapters, and the store
 * of most tests. Its data is gone when its scope closes.
 */
import { SnapshotStore } from "@hexfold/core"
import { Effect, Layer } from "effect"
import { snapshotStore } from "./internal/snapshotStore.ts"

/** Makes a store of snapshots in memory. */
export const make = (): Effect.Effect<SnapshotStore.SnapshotStore["Service"]> => Effect.sync(snapshotStore)

/**
 * Supplies a store of snapshots in memory.
 *
 * @example
 * ```ts
 * import { MemorySnapshotStore } from "@hexfold/adapters-memory"
 * import { SnapshotStore } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, never, SnapshotStore.SnapshotStore>
 *
 * Effect.runPromise(Effect.provide(program, MemorySnapshotStore.layer()))
 * ```
 */
export const layer = (): Layer.Layer<SnapshotStore.SnapshotStore> => Layer.effect(SnapshotStore.SnapshotStore, make())
