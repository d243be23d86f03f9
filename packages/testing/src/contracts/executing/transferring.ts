import { assert } from "@effect/vitest"
import { type Boundary, EventStore, EventStoreError, Executor, Reason, StateCache } from "@hexfold/core"
import { Effect, Option, Result, Schedule } from "effect"
import * as SerialOrder from "../../models/SerialOrder.ts"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import {
  Deposit,
  Deposited,
  type InsufficientFunds,
  Withdrawn,
  Account,
  type Transfer,
  TransferMoney,
  DiscoveredTransfer,
  decideTransfer,
  Audit,
  AuditAccounts,
  GoOff,
  Leave
} from "./accounts.ts"
import { horizonOf, newStream, open } from "../eventStore/streams.ts"

const newId = (): string => newStream("Any")
const on = (node: Node) => Effect.provideService(EventStore.EventStore, node.eventStore)
const patient = { retry: Schedule.spaced("1 millis") }
const count = <A>(n: number, f: (i: number) => A): ReadonlyArray<A> => Array.from({ length: n }, (_, i) => f(i))

const funded = (node: Node, accounts: number, amount: number) =>
  Effect.gen(function* () {
    const ids: ReadonlyArray<string> = count(accounts, newId)
    yield* Effect.forEach(ids, (id) => Executor.execute(Account, id, new Deposit({ amount })).pipe(on(node)))
    return ids
  })

const balances = (node: Node, ids: ReadonlyArray<string>) =>
  Effect.forEach(ids, (id) => Effect.map(Executor.load(Account, id).pipe(on(node)), ({ state }) => state))

// The transfers are not random, so that a failure can be repeated. All pairs of different accounts occur.
const transfers = (ids: ReadonlyArray<string>, n: number): ReadonlyArray<Transfer> =>
  count(n, (i) => {
    const from = (i * 7) % ids.length
    const to = (from + 1 + ((i * 3) % (ids.length - 1))) % ids.length
    return { _tag: "Transfer", from: ids[from]!, to: ids[to]!, amount: 1 + ((i * 5) % 40) }
  })

type Executing = Executor.Execution<
  Boundary.Boundary<string, Transfer, never, Deposited | Withdrawn, InsufficientFunds>
>

/** Executes transfers, 64 at a time on three nodes, and compares their history with the model. */
const conserving = (execute: (command: Transfer) => Executing) =>
  Effect.gen(function* () {
    const nodes = [yield* open, yield* open, yield* open]
    const ids = yield* funded(nodes[0]!, 10, 50)
    let clock = 0
    const operations = yield* Effect.forEach(
      transfers(ids, 192),
      (command, i) =>
        Effect.gen(function* () {
          const after = yield* horizonOf(nodes[(i + 1) % 3]!.eventStore)
          const began = ++clock
          const outcome = yield* execute(command).pipe(
            on(nodes[i % 3]!),
            Effect.map(({ events }) => Result.succeed(events)),
            Effect.catchTag("InsufficientFunds", (error) => Effect.succeed(Result.fail(error)))
          )
          return { command, outcome, after, began, ended: ++clock }
        }),
      { concurrency: 64 }
    )
    const final = yield* balances(nodes[1]!, ids)
    assert.strictEqual(
      final.reduce((sum, balance) => sum + balance, 0),
      500
    )
    assert.isAtLeast(Math.min(...final), 0)
    const rejected = operations.filter(({ outcome }) => Result.isFailure(outcome))
    assert.isAbove(rejected.length, 0)
    assert.isBelow(rejected.length, operations.length)
    const order = SerialOrder.explain(operations, {
      initial: new Map(ids.map((id) => [id, 50])),
      decide: (command, state) =>
        Result.map(
          decideTransfer(command, { from: state.get(command.from)!, to: state.get(command.to)! }),
          ({ from, to }) => [...from, ...to]
        ),
      evolve: (state, { data, streamId }) => {
        const id = Option.getOrThrow(Account.idOf(streamId))
        return new Map(state).set(id, Account.evolve(state.get(id)!, data))
      }
    })
    if (Result.isFailure(order)) {
      const { _tag, placed, ...evidence } = order.failure
      assert.fail(`${_tag} after ${placed.length} operations: ${JSON.stringify(evidence)}`)
    }
  })

/** A store whose first append is done, and whose answer to it gets lost. */
const losingFirstAnswer = ({ eventStore }: Node) => {
  let lost = false
  return Effect.provideService(EventStore.EventStore, {
    ...eventStore,
    append: (append: EventStore.Append) =>
      Effect.flatMap(eventStore.append(append), (appended) => {
        if (lost) return Effect.succeed(appended)
        lost = true
        const reason = new Reason.Unavailable({ detail: "the connection broke" })
        return Effect.fail(new EventStoreError({ operation: "append", reason }))
      })
  })
}

/** The promises of commands over several streams, on this store. */
export const transferring: Cases = {
  "64 concurrent transfers between 10 accounts conserve the money, and a serial order explains each receipt and rejection":
    needs("otherProcesses")(function* () {
      yield* conserving((command) => Executor.execute(TransferMoney, command, patient))
    }),

  "64 concurrent transfers with a cache of states do the same": needs("otherProcesses")(function* () {
    const cache = StateCache.make({ capacity: 8 })
    yield* conserving((command) =>
      Effect.provideService(Executor.execute(TransferMoney, command, patient), StateCache.Current, cache)
    )
  }),

  "64 concurrent transfers that discover their participants do the same": needs("otherProcesses")(function* () {
    yield* conserving((command) => Executor.execute(DiscoveredTransfer, command, patient))
  }),

  "a rejection is always due: streams that were read one after the other, or remembered, are confirmed at one moment":
    needs("otherProcesses")(function* () {
      const nodes = [yield* open, yield* open]
      const [a, b] = yield* funded(nodes[0]!, 2, 50)
      const cache = StateCache.make({ capacity: 8 })
      let left = 120
      const transfer = (i: number) =>
        Executor.execute(
          TransferMoney,
          { _tag: "Transfer", from: i % 2 === 0 ? a! : b!, to: i % 2 === 0 ? b! : a!, amount: 1 },
          patient
        ).pipe(on(nodes[i % 2]!), Effect.ensuring(Effect.sync(() => left--)))
      const audit = Effect.gen(function* () {
        do {
          const command = new Audit({ a: a!, b: b!, sum: 100 })
          const auditing = Executor.execute(AuditAccounts, command, patient).pipe(on(nodes[0]!))
          yield* auditing
          yield* Effect.provideService(auditing, StateCache.Current, cache)
        } while (left > 0)
      })
      yield* Effect.all(
        [
          Effect.forEach(
            count(120, (i) => i),
            transfer,
            { concurrency: 2 }
          ),
          audit,
          audit
        ],
        {
          concurrency: "unbounded"
        }
      )
    }),

  "transfers in opposite orders all succeed": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open]
    const [a, b] = yield* funded(nodes[0]!, 2, 1_000)
    yield* Effect.forEach(
      count(40, (i) => i),
      (i) => {
        const [from, to] = i % 2 === 0 ? [a!, b!] : [b!, a!]
        const command = { _tag: "Transfer", from, to, amount: 1 } as const
        return Executor.execute(TransferMoney, command, patient).pipe(on(nodes[(i >> 1) % 2]!))
      },
      { concurrency: "unbounded" }
    )
    assert.deepStrictEqual(yield* balances(nodes[0]!, [a!, b!]), [1_000, 1_000])
  }),

  "of two commands that each only read what the other writes, one is decided again: no write skew": needs(
    "otherProcesses"
  )(function* () {
    const nodes = [yield* open, yield* open]
    for (let round = 0; round < 10; round++) {
      const [a, b] = [newId(), newId()]
      const leave = (who: string, other: string, i: number) =>
        Effect.result(Executor.execute(Leave, new GoOff({ who, other }), patient).pipe(on(nodes[i]!)))
      const results = yield* Effect.all([leave(a, b, 0), leave(b, a, 1)], { concurrency: 2 })
      assert.deepStrictEqual(results.map((result) => result._tag).sort(), ["Failure", "Success"])
    }
  }),

  "64 commands that share a stream which they only read do not conflict": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open]
    const other = newId()
    const receipts = yield* Effect.forEach(
      count(64, (i) => i),
      (i) => Executor.execute(Leave, new GoOff({ who: newId(), other })).pipe(on(nodes[i % 2]!)),
      { concurrency: "unbounded" }
    )
    for (const { attempts, streams } of receipts) {
      assert.strictEqual(attempts, 1)
      assert.deepStrictEqual(
        streams.map(({ version }) => version),
        [1, 0]
      )
    }
  }),

  "a step whose answer got lost has no second effect when it is repeated with its command id": Effect.gen(function* () {
    const node = yield* open
    const [from, to] = yield* funded(node, 2, 10)
    const command = { _tag: "Transfer", from: from!, to: to!, amount: 7 } as const
    const commandId = `transfer-${from}`
    const broken = losingFirstAnswer(node)
    const error = yield* Effect.flip(Executor.execute(TransferMoney, command, { commandId }).pipe(broken))
    assert.strictEqual(error._tag, "EventStoreError")
    const receipt = yield* Executor.execute(TransferMoney, command, { commandId }).pipe(broken)
    assert.isTrue(receipt.repeated)
    assert.deepStrictEqual(
      receipt.events.map(({ data }) => data),
      [new Withdrawn({ amount: 7 }), new Deposited({ amount: 7 })]
    )
    assert.deepStrictEqual(yield* balances(node, [from!, to!]), [3, 17])

    const again = yield* Executor.execute(
      TransferMoney,
      { ...command, amount: 3 },
      {
        commandId: `${commandId}-again`,
        retryStore: Schedule.recurs(1)
      }
    ).pipe(losingFirstAnswer(node))
    assert.isTrue(again.repeated)
    assert.deepStrictEqual(yield* balances(node, [from!, to!]), [0, 20])
  }),

  "a step with a command id happens once, however many execute it at the same moment": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open]
      const [to, from] = yield* funded(nodes[0]!, 2, 10)
      const command = { _tag: "Transfer", from: from!, to: to!, amount: 10 } as const
      const options = { commandId: `transfer-${from}`, ...patient }
      const receipts = yield* Effect.forEach(
        count(20, (i) => i),
        (i) => Executor.execute(TransferMoney, command, options).pipe(on(nodes[i % 2]!)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(receipts.filter(({ repeated }) => !repeated).length, 1)
      for (const { events, position, streams } of receipts) {
        assert.deepStrictEqual(events, receipts[0]!.events)
        assert.deepStrictEqual(
          streams.map(({ streamId }) => streamId),
          [Account.streamId(from!), Account.streamId(to!)]
        )
        assert.strictEqual(position, receipts[0]!.position)
      }
      const reused = yield* Effect.flip(
        Executor.execute(TransferMoney, { ...command, amount: 1 }, options).pipe(on(nodes[0]!))
      )
      assert.strictEqual(reused._tag, "CommandIdReused")
      assert.deepStrictEqual(yield* balances(nodes[0]!, [from!, to!]), [0, 20])
    }
  )
}
