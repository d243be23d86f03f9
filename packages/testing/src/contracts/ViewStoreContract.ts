/**
 * The promises of the view store's port as named cases. An adapter that passes
 * them all is right.
 */
import type { Backend, Capability } from "./Backend.ts"
import { declaring } from "./capabilities.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { suite as declare } from "./suite.ts"
import { building } from "./viewStore/builds.ts"
import { claiming } from "./viewStore/claiming.ts"
import { committing } from "./viewStore/committing.ts"
import { deadLetters } from "./viewStore/deadLetters.ts"
import { dropping } from "./viewStore/dropping.ts"
import { keeping } from "./viewStore/keeping.ts"
import { overtaking } from "./viewStore/overtaking.ts"
import { dividing } from "./viewStore/parts.ts"
import { querying } from "./viewStore/querying.ts"
import { reporting } from "./viewStore/reporting.ts"

const contract: Contract = {
  name: "ViewStoreContract",
  needs: [],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses"]),
    committing,
    keeping,
    overtaking,
    claiming,
    dividing,
    building,
    dropping,
    deadLetters,
    reporting,
    querying
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. All cases share
 * one set of data, and every case opens the nodes that it needs.
 *
 * @example
 * ```ts
 * import { type Backend, ViewStoreContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * ViewStoreContract.suite("my store", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
