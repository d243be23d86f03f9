import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import {
  EventStore,
  LogTransfer,
  ProjectionStore,
  SnapshotStore,
  StreamDirectory,
  StreamLocks,
  ViewStore
} from "@hexfold/core"
import {
  type Backend,
  EventStoreContract,
  InlineContract,
  LogTransferContract,
  ProjectionContract,
  ProjectionStoreContract,
  SnapshotStoreContract,
  ViewStoreContract
} from "@hexfold/testing/contracts"
import { Cause, Context, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"

const contracts = {
  EventStoreContract,
  InlineContract,
  LogTransferContract,
  ProjectionContract,
  ProjectionStoreContract,
  SnapshotStoreContract,
  ViewStoreContract
}

const all: ReadonlyArray<Backend.Capability> = [
  "otherProcesses",
  "transactions",
  "foreignTransactions",
  "inlineViews",
  "lostCommits",
  "silentConnections",
  "stalls"
]

const nodeOf = (stores: Context.Context<MemoryStores.Stores>): Backend.Node => ({
  eventStore: Context.get(stores, EventStore.EventStore),
  streamLocks: Context.get(stores, StreamLocks.StreamLocks),
  streamDirectory: Context.get(stores, StreamDirectory.StreamDirectory),
  logTransfer: Context.get(stores, LogTransfer.LogTransfer),
  viewStore: Context.get(stores, ViewStore.ViewStore),
  projectionStore: Context.get(stores, ProjectionStore.ProjectionStore),
  snapshotStore: Context.get(stores, SnapshotStore.SnapshotStore)
})

/** Shared data in memory: the backend has other processes and inline views, and nothing else. */
const shared: Backend.Backend["data"] = Effect.map(
  MemoryStores.shared,
  (open): Backend.Open =>
    (options) =>
      Effect.succeed(nodeOf(open(options)))
)

/** Every node has data of its own, so that it sees nothing of what others write. */
const separate: Backend.Backend["data"] = Effect.succeed((options) =>
  Effect.map(MemoryStores.shared, (open) => nodeOf(open(options)))
)

/** Nodes that forget which views they were opened with. */
const forgetful: Backend.Backend["data"] = Effect.map(shared, (open) => () => open({}))

/** Runs the cases that need a capability, on a backend that declares everything. */
const failuresOf = (capability: Backend.Capability, data: Backend.Backend["data"]) =>
  Effect.forEach(
    Object.values(contracts).flatMap(({ plan }) => plan(all).filter(({ needs }) => needs.includes(capability))),
    ({ group, run, title }) =>
      Effect.map(Effect.exit(Effect.scoped(Effect.flatMap(data, run))), (exit) => ({ group, title, exit })),
    { concurrency: 8 }
  )

const messageOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "it passed"

describe("a backend that declares a capability and does not have it", () => {
  for (const [capability, member] of [
    ["transactions", "transaction"],
    ["foreignTransactions", "foreignTransaction"],
    ["lostCommits", "loseLast"],
    ["silentConnections", "cut"],
    ["stalls", "stall"]
  ] as const) {
    it.live(`fails every case that needs ${capability}, with a message that names both`, () =>
      Effect.gen(function* () {
        const cases = yield* failuresOf(capability, shared)
        assert.isAbove(cases.length, 1)
        for (const { exit } of cases) {
          assert.include(messageOf(exit), `the case needs "${capability}", and the node has no "${member}"`)
        }
      })
    )
  }

  for (const [claim, isOpen] of [
    ["no transaction is open", Effect.succeed(false)],
    ["a transaction is open for ever", Effect.succeed(true)]
  ] as const) {
    // By the test clock: the case waits two minutes before it gives up.
    it.effect(`fails the case that asks for foreignTransactions, where ${claim}`, () =>
      Effect.gen(function* () {
        const asking = EventStoreContract.plan(all).find(
          ({ title }) => title === "a declared capability is there: foreignTransactions"
        )
        const data = Effect.map(
          shared,
          (open): Backend.Open =>
            (options) =>
              Effect.map(open(options), (node) => ({ ...node, foreignTransaction: Effect.succeed(isOpen) }))
        )
        const running = yield* Effect.forkChild(Effect.exit(Effect.scoped(Effect.flatMap(data, asking!.run))))
        yield* TestClock.adjust("3 minutes")
        assert.isTrue(Exit.isFailure(yield* Fiber.join(running)))
      })
    )
  }

  it.live("fails the case that asks for stalls, where appends to a stalled stream do not wait", () =>
    Effect.gen(function* () {
      const data = Effect.map(
        shared,
        (open): Backend.Open =>
          (options) =>
            Effect.map(open(options), (node) => ({ ...node, stall: () => Effect.succeed(Effect.void) }))
      )
      const asking = EventStoreContract.plan(all).find(
        ({ title }) => title === "a declared capability is there: stalls"
      )
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.scoped(Effect.flatMap(data, asking!.run)))))
    })
  )

  for (const [capability, data] of [
    ["otherProcesses", separate],
    ["inlineViews", forgetful]
  ] as const) {
    it.live(`fails the case that asks for ${capability}, in each contract with cases that need it`, () =>
      Effect.gen(function* () {
        for (const { plan } of Object.values(contracts)) {
          const cases = plan(all)
          if (!cases.some(({ needs }) => needs.includes(capability))) continue
          const asking = cases.find(({ title }) => title === `a declared capability is there: ${capability}`)
          assert.isDefined(asking)
          assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.scoped(Effect.flatMap(data, asking!.run)))))
          assert.isTrue(Exit.isSuccess(yield* Effect.exit(Effect.scoped(Effect.flatMap(shared, asking!.run)))))
        }
      })
    )
  }
})

describe("a backend that does not declare a capability", () => {
  it("has every case that needs it listed by name, with what is missing", () => {
    for (const capability of all) {
      const declared = all.filter((each) => each !== capability)
      for (const { plan } of Object.values(contracts)) {
        const [complete, lacking] = [plan(all), plan(declared)]
        assert.deepStrictEqual(
          lacking.map(({ group, title }) => [group, title]),
          complete.map(({ group, title }) => [group, title])
        )
        for (const { needs, undeclared } of lacking) {
          assert.deepStrictEqual(undeclared, needs.includes(capability) ? [capability] : [])
        }
      }
    }
  })

  it("has the lighter load of the projections listed, if it does not declare transactions", () => {
    const listed = ProjectionContract.plan(["otherProcesses"]).filter(({ undeclared }) => undeclared.length > 0)
    assert.deepStrictEqual(
      listed.filter(({ group }) => group === "loading").map(({ undeclared }) => undeclared),
      [["transactions"]]
    )
  })

  it("runs all other cases, and each contract has a case that asks for each capability that its cases need", () => {
    for (const { plan } of Object.values(contracts)) {
      const cases = plan(all)
      assert.isTrue(cases.every(({ undeclared }) => undeclared.length === 0))
      for (const capability of new Set(cases.flatMap(({ needs }) => needs))) {
        assert.include(
          cases.map(({ title }) => title),
          `a declared capability is there: ${capability}`
        )
      }
    }
  })
})
