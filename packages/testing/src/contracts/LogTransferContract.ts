/**
 * The promises of the port that moves a log as named cases, and those of exports and
 * imports on a store. An adapter that passes them all is right.
 */
import type { Backend, Capability } from "./Backend.ts"
import { declaring } from "./capabilities.ts"
import { beside } from "./logTransfer/beside.ts"
import { moving } from "./logTransfer/moving.ts"
import { receipts } from "./logTransfer/receipts.ts"
import { refusing } from "./logTransfer/refusing.ts"
import { resuming } from "./logTransfer/resuming.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { suite as declare } from "./suite.ts"

const contract: Contract = {
  name: "LogTransferContract",
  needs: [],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses", "transactions", "lostCommits", "silentConnections"]),
    moving,
    receipts,
    refusing,
    resuming,
    beside
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. All cases share
 * one set of data, and every case opens the nodes that it needs.
 *
 * @example
 * ```ts
 * import { type Backend, LogTransferContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * LogTransferContract.suite("my store", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
