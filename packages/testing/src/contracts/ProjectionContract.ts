/**
 * The promises of projections as named cases, which run on an adapter's two
 * stores together: whatever happens to processes and connections, each event is
 * applied once. Two stores that pass the contracts of their ports and this one
 * are right together. Every case needs the capability `otherProcesses`.
 */
import type { Backend, Capability } from "./Backend.ts"
import { changing } from "./projections/changing.ts"
import { declaring } from "./capabilities.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { defining } from "./projections/defining.ts"
import { deploying } from "./projections/deploying.ts"
import { dividing } from "./projections/dividing.ts"
import { keeping } from "./projections/keeping.ts"
import { loading } from "./projections/loading.ts"
import { owning } from "./projections/owning.ts"
import { poisoning } from "./projections/poison.ts"
import { reading } from "./projections/reading.ts"
import { rebuilding } from "./projections/rebuilding.ts"
import { timeTravel } from "./projections/past.ts"
import { verifying } from "./projections/verifying.ts"
import { viewing } from "./topics/viewing.ts"
import { waiting } from "./projections/waiting.ts"
import { watching } from "./projections/watching.ts"
import { suite as declare } from "./suite.ts"

const contract: Contract = {
  name: "ProjectionContract",
  needs: ["otherProcesses"],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses", "transactions", "silentConnections"]),
    loading,
    keeping,
    changing,
    owning,
    defining,
    dividing,
    reading,
    poisoning,
    rebuilding,
    deploying,
    verifying,
    viewing,
    timeTravel,
    waiting,
    watching
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. All cases share
 * one set of data, and every case opens the nodes that it needs. The cases run
 * in real time.
 *
 * @example
 * ```ts
 * import { type Backend, ProjectionContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * ProjectionContract.suite("my stores", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
