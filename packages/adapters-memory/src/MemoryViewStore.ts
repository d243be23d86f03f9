/**
 * A view store in memory. It is the reference for other adapters, and the store of
 * most tests. Its data is gone when its scope closes.
 */
import { ViewStore } from "@hexfold/core"
import { Effect, Layer } from "effect"
import { open } from "./internal/generations.ts"
import { storeOf } from "./internal/viewStore.ts"

/** Makes a view store in memory. */
export const make = (): Effect.Effect<ViewStore.ViewStore["Service"]> => Effect.sync(() => storeOf(open()))

/**
 * Supplies a view store in memory.
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
export const layer = (): Layer.Layer<ViewStore.ViewStore> => Layer.effect(ViewStore.ViewStore, make())
