/**
 * The promises of the view store's port as named cases. An adapter is right if
 * it passes them all.
 */
import { layer as withLayer } from "@effect/vitest"
import type { Layer } from "effect"
import { describe } from "vitest"
import { building } from "./viewStore/builds.ts"
import { Backend, type Cases } from "./viewStore/support.ts"
import { claiming } from "./viewStore/claiming.ts"
import { committing } from "./viewStore/committing.ts"
import { dropping } from "./viewStore/dropping.ts"
import { deadLetters } from "./viewStore/deadLetters.ts"
import { dividing } from "./viewStore/parts.ts"
import { overtaking } from "./viewStore/overtaking.ts"
import { querying } from "./viewStore/querying.ts"
import { reporting } from "./viewStore/reporting.ts"

export { Backend }

const groups: Readonly<Record<string, Cases>> = {
  committing,
  overtaking,
  claiming,
  dividing,
  building,
  dropping,
  deadLetters,
  reporting,
  querying
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. The layer is
 * built once, and every case opens the instances it needs.
 *
 * @example
 * ```ts
 * import { MemoryViewStore } from "@hexfold/adapters-memory"
 * import { ViewStoreContract } from "@hexfold/testing/contracts"
 * import { Effect, Layer } from "effect"
 *
 * ViewStoreContract.suite(
 *   "memory",
 *   Layer.effect(
 *     ViewStoreContract.Backend,
 *     Effect.map(MemoryViewStore.make(), (store) => ({ open: Effect.succeed(store) }))
 *   )
 * )
 * ```
 */
export const suite = <E>(name: string, backend: Layer.Layer<Backend, E>): void => {
  describe(`ViewStoreContract: ${name}`, () => {
    withLayer(backend, { excludeTestServices: true, timeout: "2 minutes" })((it) => {
      for (const [group, cases] of Object.entries(groups)) {
        describe(group, () => {
          for (const [promise, effect] of Object.entries(cases)) it.effect(promise, () => effect, 60_000)
        })
      }
    })
  })
}
