/**
 * The promises of the event store's port as named cases. An adapter is right if
 * it passes them all.
 */
import { layer as withLayer } from "@effect/vitest"
import type { Layer } from "effect"
import { describe } from "vitest"
import { appending } from "./eventStore/appending.ts"
import { Backend, type Instance } from "./eventStore/backend.ts"
import type { Cases } from "./eventStore/support.ts"
import { commands } from "./eventStore/commands.ts"
import { executing } from "./eventStore/executing.ts"
import { following } from "./eventStore/following.ts"
import { limits } from "./eventStore/limits.ts"
import { reading } from "./eventStore/reading.ts"
import { transferring } from "./eventStore/transferring.ts"

export { Backend, type Instance }

const groups: Readonly<Record<string, Cases>> = {
  appending,
  reading,
  following,
  commands,
  limits,
  executing,
  transferring
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. The layer is
 * built once, and every case opens the instances it needs.
 *
 * @example
 * ```ts
 * import { MemoryEventStore } from "@hexfold/adapters-memory"
 * import { EventStoreContract } from "@hexfold/testing/contracts"
 * import { Effect, Layer } from "effect"
 *
 * EventStoreContract.suite(
 *   "memory",
 *   Layer.effect(
 *     EventStoreContract.Backend,
 *     Effect.map(MemoryEventStore.make(), (store) => ({
 *       open: Effect.succeed({ store, transaction: undefined }),
 *       unrelatedTransaction: Effect.void
 *     }))
 *   )
 * )
 * ```
 */
export const suite = <E>(name: string, backend: Layer.Layer<Backend, E>): void => {
  describe(`EventStoreContract: ${name}`, () => {
    withLayer(backend, { excludeTestServices: true, timeout: "2 minutes" })((it) => {
      for (const [group, cases] of Object.entries(groups)) {
        describe(group, () => {
          for (const [promise, effect] of Object.entries(cases)) it.effect(promise, () => effect, 60_000)
        })
      }
    })
  })
}
