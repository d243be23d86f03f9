/**
 * The promises of the projection store's port as named cases. An adapter that
 * passes them all is right.
 */
import type { Backend, Capability } from "./Backend.ts"
import { declaring } from "./capabilities.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { building } from "./projectionStore/builds.ts"
import { claiming } from "./projectionStore/claiming.ts"
import { committing } from "./projectionStore/committing.ts"
import { deadLetters } from "./projectionStore/deadLetters.ts"
import { defining } from "./projectionStore/defining.ts"
import { dropping } from "./projectionStore/dropping.ts"
import { fencing } from "./projectionStore/fencing.ts"
import { keeping } from "./projectionStore/keeping.ts"
import { loading } from "./projectionStore/loading.ts"
import { overtaking } from "./projectionStore/overtaking.ts"
import { dividing } from "./projectionStore/parts.ts"
import { renewing } from "./projectionStore/renewing.ts"
import { succeeding } from "./projectionStore/succeeding.ts"
import { suite as declare } from "./suite.ts"

const contract: Contract = {
  name: "ProjectionStoreContract",
  needs: [],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses"]),
    committing,
    keeping,
    loading,
    overtaking,
    claiming,
    renewing,
    dividing,
    building,
    defining,
    dropping,
    fencing,
    succeeding,
    deadLetters
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. All cases share
 * one set of data, and every case opens the nodes that it needs.
 *
 * @example
 * ```ts
 * import { type Backend, ProjectionStoreContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * ProjectionStoreContract.suite("my store", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
