/**
 * The promises of process managers as named cases, which run on an adapter's stores together: a step is recorded before
 * its commands go out, and whatever happens to processes in between, nothing has a second effect. Every case needs the
 * capability `otherProcesses`.
 */
import type { Backend, Capability } from "./Backend.ts"
import { declaring } from "./capabilities.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { crashing } from "./processes/crashing.ts"
import { deploying } from "./processes/deploying.ts"
import { expiring } from "./processes/expiring.ts"
import { obeying } from "./processes/obeying.ts"
import { operating } from "./processes/operating.ts"
import { scheduling } from "./processes/scheduling.ts"
import { stranding } from "./processes/stranding.ts"
import { stepping } from "./processes/stepping.ts"
import { suite as declare } from "./suite.ts"

const contract: Contract = {
  name: "ProcessContract",
  needs: ["otherProcesses"],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses"]),
    stepping,
    crashing,
    deploying,
    expiring,
    operating,
    obeying,
    stranding,
    scheduling
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. All cases share one set of data, and every case opens the
 * nodes that it needs. The cases run in real time.
 *
 * @example
 * ```ts
 * import { type Backend, ProcessContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * ProcessContract.suite("my stores", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
