/**
 * The promises of the port that reads the records of views as named cases. An
 * adapter that passes them all is right.
 */
import type { Backend, Capability } from "./Backend.ts"
import { declaring } from "./capabilities.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { suite as declare } from "./suite.ts"
import { querying } from "./viewStore/querying.ts"
import { reading } from "./viewStore/reading.ts"
import { reporting } from "./viewStore/reporting.ts"

const contract: Contract = {
  name: "ViewStoreContract",
  needs: [],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses"]),
    reading,
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
