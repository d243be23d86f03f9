/**
 * The promises of the event store's port as named cases. An adapter that passes
 * them all is right.
 */
import type { Backend, Capability } from "./Backend.ts"
import { declaring } from "./capabilities.ts"
import { appending } from "./eventStore/appending.ts"
import { commands } from "./eventStore/commands.ts"
import { conversations } from "./eventStore/conversations.ts"
import { contending } from "./streamLocks/contending.ts"
import { executing } from "./executing/executing.ts"
import { following } from "./eventStore/following.ts"
import { importing } from "./eventStore/importing.ts"
import { losses } from "./histories/losses.ts"
import { publishable } from "./topics/refusing.ts"
import { publishing } from "./topics/publishing.ts"
import { positions } from "./histories/positions.ts"
import { listing } from "./streamDirectory/listing.ts"
import { limits } from "./eventStore/limits.ts"
import { parts } from "./streamLocks/parts.ts"
import { payloads } from "./eventStore/payloads.ts"
import { reading } from "./eventStore/reading.ts"
import { remembered } from "./executing/remembering.ts"
import { requiring } from "./executing/requiring.ts"
import { sharing } from "./subscriptions/sharing.ts"
import { sizes } from "./eventStore/sizes.ts"
import { stalling } from "./streamLocks/stalling.ts"
import { times } from "./eventStore/times.ts"
import { changing } from "./executing/changing.ts"
import { timeTravel } from "./executing/past.ts"
import { versions } from "./eventStore/versions.ts"
import { transferring } from "./executing/transferring.ts"
import { holdingAlone, locking } from "./streamLocks/holding.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { suite as declare } from "./suite.ts"

const contract: Contract = {
  name: "EventStoreContract",
  needs: [],
  ownData: false,
  groups: {
    declaring: declaring(["otherProcesses", "transactions", "foreignTransactions", "lostCommits", "stalls"]),
    appending,
    reading,
    conversations,
    listing,
    following,
    sharing,
    positions,
    losses,
    stalling,
    commands,
    parts,
    locking: { ...locking, ...holdingAlone },
    limits,
    payloads,
    sizes,
    times,
    importing,
    versions,
    executing,
    publishing,
    publishable,
    changing,
    timeTravel,
    transferring,
    remembered,
    requiring,
    contending
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. All cases share
 * one set of data, and every case opens the nodes that it needs.
 *
 * @example
 * ```ts
 * import { EventStoreContract, type Backend } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * EventStoreContract.suite("my store", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
