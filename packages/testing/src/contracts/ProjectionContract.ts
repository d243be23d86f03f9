/**
 * The promises of projections as named cases, which run on an adapter's pair of
 * stores: whatever happens to processes and connections, each event is applied
 * once. An event store and a view store that pass the suites of their ports and
 * this one are right together.
 */
import { layer as withLayer } from "@effect/vitest"
import type { Layer } from "effect"
import { describe } from "vitest"
import { dividing } from "./projections/dividing.ts"
import { owning } from "./projections/owning.ts"
import { poisoning } from "./projections/poison.ts"
import { Backend, type Cases, type Pair } from "./projections/node.ts"
import { rebuilding } from "./projections/rebuilding.ts"
import { reading } from "./projections/reading.ts"
import { verifying } from "./projections/verifying.ts"
import { waiting } from "./projections/waiting.ts"

export { Backend, type Pair }

const groups: Readonly<Record<string, Cases>> = {
  owning,
  dividing,
  reading,
  poisoning,
  rebuilding,
  verifying,
  waiting
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. The layer is
 * built once, and every case opens the processes it needs. Runs in real time.
 *
 * @example
 * ```ts
 * import { MemoryEventStore, MemoryViewStore } from "@hexfold/adapters-memory"
 * import { ProjectionContract } from "@hexfold/testing/contracts"
 * import { Effect, Layer } from "effect"
 *
 * ProjectionContract.suite(
 *   "memory",
 *   Layer.effect(
 *     ProjectionContract.Backend,
 *     Effect.gen(function*() {
 *       const pair = { events: yield* MemoryEventStore.make(), views: yield* MemoryViewStore.make() }
 *       return { open: Effect.succeed(pair) }
 *     })
 *   )
 * )
 * ```
 */
export const suite = <E>(name: string, backend: Layer.Layer<Backend, E>): void => {
  describe(`ProjectionContract: ${name}`, () => {
    withLayer(backend, { excludeTestServices: true, timeout: "2 minutes" })((it) => {
      for (const [group, cases] of Object.entries(groups)) {
        describe(group, () => {
          for (const [promise, effect] of Object.entries(cases)) it.effect(promise, () => effect, 60_000)
        })
      }
    })
  })
}
