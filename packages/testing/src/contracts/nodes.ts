import { Context, Effect, type Scope } from "effect"
import type * as Backend from "./Backend.ts"

/** A node with all that a node can have; what the backend lacks ends the case with a message. */
export type Node = Required<Backend.Node>

/** The nodes of one case. */
export class Nodes extends Context.Service<
  Nodes,
  {
    readonly open: (options: Backend.OpenOptions) => Effect.Effect<Node, never, Scope.Scope>
    /** Whether the backend declares a capability. */
    readonly declares: (capability: Backend.Capability) => boolean
  }
>()("@hexfold/testing/contracts/Nodes") {}

/** Opens a node that knows the definitions of views. */
export const openWith = (options: Backend.OpenOptions): Effect.Effect<Node, never, Nodes | Scope.Scope> =>
  Nodes.use(({ open }) => open(options))

/** Opens a node. */
export const open: Effect.Effect<Node, never, Nodes | Scope.Scope> = openWith({})

type Capabilities = ReadonlyArray<Backend.Capability>

/** The nodes of a case with these needs, on data of a backend that declares these capabilities. */
export const nodesOn = (open: Backend.Open, needs: Capabilities, declared: Capabilities): Nodes["Service"] => {
  let opened = 0
  return {
    declares: (capability) => declared.includes(capability),
    open: (options) =>
      Effect.gen(function* () {
        if (++opened > 1 && !needs.includes("otherProcesses")) {
          return yield* Effect.die(
            new Error(`the case opens a second node without saying that it needs "otherProcesses"`)
          )
        }
        const node = yield* Effect.orDie(open({ ...options, needs }))
        for (const [capability, member] of members) {
          if (needs.includes(capability) && node[member] === undefined) return yield* lacking(capability, member)
        }
        return { ...complete, ...node }
      })
  }
}

const members = [
  ["transactions", "transaction"],
  ["foreignTransactions", "foreignTransaction"],
  ["lostCommits", "loseLast"],
  ["silentConnections", "cut"],
  ["stalls", "stall"]
] as const

const lacking = (capability: Backend.Capability, member: keyof Backend.Node) =>
  Effect.die(new Error(`the case needs "${capability}", and the node has no "${member}"`))

// A case that uses a member without saying that it needs it fails on a node that has none.
const complete = {
  transaction: () => lacking("transactions", "transaction"),
  foreignTransaction: lacking("foreignTransactions", "foreignTransaction"),
  loseLast: () => lacking("lostCommits", "loseLast"),
  cut: lacking("silentConnections", "cut"),
  stall: () => lacking("stalls", "stall")
}
