/**
 * The records of views in memory, with both their ports: one to read them, and one
 * for projections. It is the reference for other adapters, and the store of most
 * tests. Its data is gone when its scope closes.
 */
import type { ProjectionStore, ViewStore } from "@hexfold/core"
import { type Context, Effect, Layer } from "effect"
import { open } from "./internal/views/generations.ts"
import { viewStores } from "./internal/views/viewStores.ts"

/** Both ports to the records of views. */
export type Supplied = ViewStore.ViewStore | ProjectionStore.ProjectionStore

/** Makes the stores of views in memory. */
export const make = (): Effect.Effect<Context.Context<Supplied>> => Effect.sync(() => viewStores(open()))

/**
 * Supplies the stores of views in memory.
 *
 * @example
 * ```ts
 * import { MemoryViewStore } from "@hexfold/adapters-memory"
 * import { ViewStore } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, never, ViewStore.ViewStore>
 *
 * Effect.runPromise(Effect.provide(program, MemoryViewStore.layer()))
 * ```
 */
export const layer = (): Layer.Layer<Supplied> => Layer.effectContext(make())
