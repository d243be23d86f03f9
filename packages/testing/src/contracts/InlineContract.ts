/**
 * What the port promises of views that appends maintain, as named cases: for
 * adapters whose event store and view store share their data.
 */
import { layer as withLayer } from "@effect/vitest"
import type { Layer } from "effect"
import { describe } from "vitest"
import { Backend, type Cases, type Instance, type Open } from "./inline/support.ts"
import { maintaining } from "./inline/maintaining.ts"
import { switching } from "./inline/switching.ts"

export { Backend, type Instance, type Open }

const groups: Readonly<Record<string, Cases>> = { maintaining, switching }

/**
 * Declares the suite for an adapter, in a test file of Vitest. The layer is
 * built once; every case makes data of its own, and opens the instances it needs.
 *
 * @example
 * ```ts
 * import { MemoryStores } from "@hexfold/adapters-memory"
 * import { EventStore, ViewStore } from "@hexfold/core"
 * import { InlineContract } from "@hexfold/testing/contracts"
 * import { Context, Effect, Layer } from "effect"
 *
 * InlineContract.suite(
 *   "memory",
 *   Layer.succeed(InlineContract.Backend, {
 *     data: Effect.map(MemoryStores.shared, (open): InlineContract.Open => (views) => {
 *       const stores = open({ views })
 *       const events = Context.get(stores, EventStore.EventStore)
 *       return Effect.succeed({ events, records: Context.get(stores, ViewStore.ViewStore), transaction: undefined })
 *     })
 *   })
 * )
 * ```
 */
export const suite = <E>(name: string, backend: Layer.Layer<Backend, E>): void => {
  describe(`InlineContract: ${name}`, () => {
    withLayer(backend, { excludeTestServices: true, timeout: "2 minutes" })((it) => {
      for (const [group, cases] of Object.entries(groups)) {
        describe(group, () => {
          for (const [promise, effect] of Object.entries(cases)) it.effect(promise, () => effect, 60_000)
        })
      }
    })
  })
}
