/**
 * The promises of reactors as named cases, which run on an adapter's stores together: each event is handled, in the
 * order of its key, and what is handled again has no second effect in the store. Every case needs the capability
 * `otherProcesses`.
 */
import type { Backend, Capability } from "./Backend.ts"
import { declaring } from "./capabilities.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { deploying } from "./reactors/deploying.ts"
import { handling } from "./reactors/handling.ts"
import { losing } from "./reactors/losing.ts"
import { poisoning } from "./reactors/poison.ts"
import { rekeying } from "./reactors/rekeying.ts"
import { repeating } from "./reactors/repeating.ts"
import { stopping } from "./reactors/stopping.ts"
import { watching } from "./reactors/watching.ts"
import { reacting } from "./topics/reacting.ts"
import { suite as declare } from "./suite.ts"

const contract: Contract = {
  name: "ReactorContract",
  needs: ["otherProcesses"],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses"]),
    handling,
    repeating,
    stopping,
    poisoning,
    losing,
    deploying,
    rekeying,
    watching,
    reacting
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. All cases share one set of data, and every case opens the
 * nodes that it needs. The cases run in real time.
 *
 * @example
 * ```ts
 * import { type Backend, ReactorContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * ReactorContract.suite("my stores", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
