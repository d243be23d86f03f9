/**
 * The promises of views that appends maintain, as named cases, for adapters
 * whose event store and view store share their data. Every case needs the
 * capability `inlineViews`.
 */
import type { Backend, Capability } from "./Backend.ts"
import { changing } from "./inline/changing.ts"
import { declaring } from "./capabilities.ts"
import { defining } from "./inline/defining.ts"
import { demoting } from "./inline/demoting.ts"
import { foreign } from "./inline/foreign.ts"
import { holding } from "./inline/holding.ts"
import { keeping } from "./inline/keeping.ts"
import { leaving } from "./inline/leaving.ts"
import { maintaining } from "./inline/maintaining.ts"
import { switching } from "./inline/switching.ts"
import { ofTopics } from "./topics/inline.ts"
import { type Contract, plan as planOf, type Planned } from "./plan.ts"
import { suite as declare } from "./suite.ts"

const contract: Contract = {
  name: "InlineContract",
  needs: ["inlineViews"],
  ownData: true,
  groups: {
    declaring: declaring(["inlineViews", "lostCommits", "otherProcesses", "transactions"]),
    defining,
    demoting,
    maintaining,
    ofTopics,
    keeping,
    changing,
    switching,
    foreign,
    leaving,
    holding
  }
}

/**
 * Declares the suite for an adapter, in a test file of Vitest. Every case makes
 * data of its own, and opens the nodes that it needs.
 *
 * @example
 * ```ts
 * import { type Backend, InlineContract } from "@hexfold/testing/contracts"
 *
 * declare const backend: Backend.Backend
 *
 * InlineContract.suite("my stores", backend)
 * ```
 */
export const suite = (name: string, backend: Backend): void => declare(contract, name, backend)

/** The cases on a backend that declares these capabilities: those that run, and those that are only listed. */
export const plan = (capabilities: ReadonlyArray<Capability>): ReadonlyArray<Planned> => planOf(contract, capabilities)
