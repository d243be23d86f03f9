import { assert } from "@effect/vitest"
import { EventStore, Executor, VersionConflict } from "@hexfold/core"
import { Effect, Result, Schedule } from "effect"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { Account, Deposit, TransferMoney } from "./accounts.ts"
import { newStream, open } from "../eventStore/streams.ts"

const on = (node: Node) => Effect.provideService(EventStore.EventStore, node.eventStore)
const patient = { retry: Schedule.spaced("1 millis") }

/** What the caller of a command requires, in races. */
export const requiring: Cases = {
  "of racers that expect one version, one succeeds": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open]
    const [id, to] = [newStream(), newStream()]
    const stream = Account.streamId(id)
    const deposit = new Deposit({ amount: 10 })
    yield* Executor.execute(Account, id, deposit).pipe(on(nodes[0]!))
    const results = yield* Effect.forEach(
      Array.from({ length: 20 }, (_, i) => i),
      (i) => {
        const transfer = { _tag: "Transfer", from: id, to, amount: 1 } as const
        const execution: Effect.Effect<unknown, unknown, EventStore.EventStore> =
          i % 2 === 0
            ? Executor.execute(Account, id, deposit, { expectedVersion: 1, ...patient })
            : Executor.execute(TransferMoney, transfer, { expectedVersion: { from: 1 }, ...patient })
        return Effect.result(execution.pipe(on(nodes[(i >> 1) % 2]!)))
      },
      { concurrency: "unbounded" }
    )
    assert.strictEqual(results.filter(Result.isSuccess).length, 1)
    for (const result of results) {
      if (Result.isSuccess(result)) continue
      assert.deepStrictEqual(
        { ...(result.failure as VersionConflict) },
        { ...new VersionConflict({ stream, expected: 1, actual: 2 }) }
      )
    }
    assert.strictEqual((yield* Executor.load(Account, id).pipe(on(nodes[0]!))).version, 2)
  }),

  "a rule holds on the state that each command was decided on, whatever comes between": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open]
      const id = newStream()
      const below = ({ state }: { readonly state: number }) =>
        state < 5 ? Result.succeed(undefined) : Result.fail("full" as const)
      const results = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => i),
        (i) =>
          Effect.result(
            Executor.execute(Account, id, new Deposit({ amount: 1 }), { require: below, ...patient }).pipe(
              on(nodes[i % 2]!)
            )
          ),
        { concurrency: "unbounded" }
      )
      for (const result of results) if (Result.isFailure(result)) assert.strictEqual(result.failure, "full")
      assert.deepStrictEqual(yield* Executor.load(Account, id).pipe(on(nodes[0]!)), { state: 5, version: 5 })
    }
  )
}
