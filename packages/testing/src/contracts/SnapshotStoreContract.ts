/**
 * The promises of the port to snapshots as named cases, and what commands do with the
 * snapshots of a store. An adapter that passes them all is right.
 */
import type { Backend, Capability } from "./Backend.ts"
import { declaring } from "./capabilities.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { law } from "./snapshotStore/law.ts"
import { refusing } from "./snapshotStore/refusing.ts"
import { storing } from "./snapshotStore/storing.ts"
import { using } from "./snapshotStore/using.ts"
import { suite as declare } from "./suite.ts"

const contract: Contract = {
  name: "SnapshotStoreContract",
  needs: [],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses", "transactions", "lostCommits", "silentConnections"]),
    storing,
    refusing,
    using,
    law
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. All cases share
 * one set of data, and every case opens the nodes that it needs.
 *
 * @example
 * ```ts
 * import { type Backend, SnapshotStoreContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * SnapshotStoreContract.suite("my store", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
