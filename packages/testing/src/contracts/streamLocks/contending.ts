import { assert } from "@effect/vitest"
import { EventStore, Executor, StreamLocks } from "@hexfold/core"
import { Effect, Exit, Fiber, Option, Result } from "effect"
import * as SerialOrder from "../../models/SerialOrder.ts"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import {
  Account,
  decideTransfer,
  Deposit,
  InsufficientFunds,
  type Transfer,
  TransferMoney,
  Withdraw
} from "../executing/accounts.ts"
import { horizonOf, newStream, open } from "../eventStore/streams.ts"

const count = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)
const together = { concurrency: "unbounded" } as const

/** The executor of a process of its own: the commands of two of them do not queue for each other. */
const executorOn = ({ eventStore, streamLocks }: Node) => {
  const appends: Array<number> = []
  const holds: Array<ReadonlyArray<string>> = []
  const store: Node["eventStore"] = {
    ...eventStore,
    append: (append) =>
      // A store in memory is too fast for commands to meet.
      Effect.andThen(
        Effect.yieldNow,
        Effect.suspend(() => {
          appends.push(append.parts.length)
          return eventStore.append(append)
        })
      )
  }
  const locks: Node["streamLocks"] = {
    hold: (streams, ids, effect) =>
      Effect.suspend(() => {
        holds.push(streams)
        return streamLocks.hold(streams, ids, effect)
      })
  }
  const run = <A, E>(execution: Effect.Effect<A, E, EventStore.EventStore>): Effect.Effect<A, E> =>
    execution.pipe(
      Effect.provideService(EventStore.EventStore, store),
      Effect.provideService(StreamLocks.StreamLocks, locks)
    )
  return { run, appends, holds, store }
}

const deposit = (id: string, amount = 1, options: Executor.ExecuteOptions = {}) =>
  Executor.execute(Account, id, new Deposit({ amount }), options)
const versionsOf = (receipts: ReadonlyArray<{ readonly version: number }>) =>
  receipts.map(({ version }) => version).sort((a, b) => a - b)

/** Many commands on few streams, with the default policies and without a cache. */
export const contending: Cases = {
  "64 callers of one process on one stream all succeed, with far fewer appends than commands": Effect.gen(function* () {
    const { appends, run } = executorOn(yield* open)
    const id = newStream()
    const receipts = yield* Effect.forEach(count(64), () => Effect.forEach(count(4), () => run(deposit(id))), together)
    assert.deepStrictEqual(
      versionsOf(receipts.flat()),
      count(256).map((i) => i + 1)
    )
    assert.isTrue(receipts.flat().every(({ attempts }) => attempts === 1))
    assert.isBelow(appends.length, 64)
  }),

  "callers of several processes on one stream all succeed": needs("otherProcesses")(function* () {
    const executors = [executorOn(yield* open), executorOn(yield* open), executorOn(yield* open)]
    const id = newStream()
    const receipts = yield* Effect.forEach(
      count(48),
      (i) => Effect.forEach(count(3), () => executors[i % 3]!.run(deposit(id))),
      together
    )
    assert.deepStrictEqual(
      versionsOf(receipts.flat()),
      count(144).map((i) => i + 1)
    )
    const { state } = yield* executors[0]!.run(Executor.load(Account, id))
    assert.strictEqual(state, 144)
  }),

  "transfers between 10 accounts by 20 callers all end, and a serial order explains each receipt and rejection": needs(
    "otherProcesses"
  )(function* () {
    const executors = [executorOn(yield* open), executorOn(yield* open)]
    const ids: ReadonlyArray<string> = count(10).map(() => newStream("Any"))
    for (const id of ids) yield* executors[0]!.run(deposit(id, 20))
    let clock = 0
    const operations = yield* Effect.forEach(
      count(20),
      (caller) =>
        Effect.forEach(count(6), (i) =>
          Effect.gen(function* () {
            const { run, store } = executors[caller % 2]!
            const from = (caller * 7 + i * 3) % 10
            const to = (from + 1 + ((caller + i) % 9)) % 10
            const command: Transfer = {
              _tag: "Transfer",
              from: ids[from]!,
              to: ids[to]!,
              amount: 1 + ((caller * 5 + i) % 17)
            }
            const after = yield* horizonOf(store)
            const began = ++clock
            const outcome = yield* run(Executor.execute(TransferMoney, command)).pipe(
              Effect.map(({ events }) => Result.succeed(events)),
              Effect.catchTag("InsufficientFunds", (error) => Effect.succeed(Result.fail(error)))
            )
            return { command, outcome, after, began, ended: ++clock }
          })
        ),
      together
    )
    const order = SerialOrder.explain(operations.flat(), {
      initial: new Map(ids.map((id) => [id, 20])),
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
    const states = yield* Effect.forEach(ids, (id) => executors[0]!.run(Executor.load(Account, id)))
    assert.strictEqual(
      states.reduce((sum, { state }) => sum + state, 0),
      200
    )
  }),

  "of commands that are decided together, those are rejected that would be rejected one after the other": needs(
    "otherProcesses"
  )(function* () {
    const executors = [executorOn(yield* open), executorOn(yield* open)]
    const id = newStream()
    yield* executors[0]!.run(deposit(id, 10))
    const results = yield* Effect.forEach(
      count(40),
      (i) => Effect.result(executors[i % 2]!.run(Executor.execute(Account, id, new Withdraw({ amount: 1 })))),
      together
    )
    assert.strictEqual(results.filter(Result.isSuccess).length, 10)
    for (const result of results) {
      if (Result.isFailure(result)) {
        assert.deepStrictEqual({ ...result.failure }, { ...new InsufficientFunds({ balance: 0 }) })
      }
    }
  }),

  "a command id has one effect, also among commands that are decided together": Effect.gen(function* () {
    const { run } = executorOn(yield* open)
    const id = newStream()
    const receipts = yield* Effect.forEach(
      count(30),
      (i) => run(deposit(id, i % 3, { commandId: `${id} ${i % 3}` })),
      together
    )
    assert.strictEqual(receipts.filter(({ repeated }) => !repeated).length, 3)
    for (const [i, { events }] of receipts.entries()) assert.deepStrictEqual(events, receipts[i % 3]!.events)
    assert.deepStrictEqual(yield* run(Executor.load(Account, id)), { state: 3, version: 3 })
  }),

  "commands that are interrupted have happened whole or not at all, and the others go on": Effect.gen(function* () {
    const { run } = executorOn(yield* open)
    const id = newStream()
    const fibers = yield* Effect.forEach(count(48), () =>
      Effect.forkChild(run(deposit(id)), { startImmediately: true })
    )
    for (const [i, fiber] of fibers.entries()) {
      if (i % 3 !== 0) continue
      yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* Effect.yieldNow
    }
    const exits = yield* Effect.forEach(fibers, Fiber.await)
    const receipts = exits.filter(Exit.isSuccess).map(({ value }) => value)
    assert.isAtLeast(receipts.length, 32)
    assert.strictEqual(new Set(versionsOf(receipts)).size, receipts.length)
    const last = yield* run(deposit(id))
    // An append that was under way may have happened.
    assert.isAtLeast(last.version, receipts.length + 1)
    assert.isAtMost(last.version, 49)
    for (const { events } of receipts) assert.strictEqual(events.length, 1)
  }),

  "after two lost races the streams are locked first, and the next attempt succeeds": needs("otherProcesses")(
    function* () {
      const node = yield* open
      const rival = executorOn(yield* open)
      const { holds, run, store } = executorOn(node)
      const id = newStream()
      let races = 2
      const contested: Node["eventStore"] = {
        ...store,
        append: (append) =>
          Effect.suspend(() =>
            races-- > 0
              ? Effect.andThen(Effect.orDie(rival.run(deposit(id))), store.append(append))
              : store.append(append)
          )
      }
      const receipt = yield* run(Effect.provideService(deposit(id), EventStore.EventStore, contested))
      assert.include(receipt, { version: 3, attempts: 3 })
      assert.deepStrictEqual(holds, [[Account.streamId(id)]])
    }
  )
}
