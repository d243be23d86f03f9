import { assert } from "@effect/vitest"
import { EventStore, Executor, StateCache } from "@hexfold/core"
import { type Context, Deferred, Effect, Fiber, Result, Schedule } from "effect"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { Account, Deposit, InsufficientFunds, TransferMoney, Withdraw } from "./accounts.ts"
import { newStream, open } from "../eventStore/streams.ts"

const on = (node: Node) => Effect.provideService(EventStore.EventStore, node.eventStore)
const back = Effect.fail("back" as const)

/** The commands of a node whose process remembers states. */
const remembering = (node: Node) => {
  const cache = StateCache.make({ capacity: 10 })
  const running = <A, E>(execution: Effect.Effect<A, E, EventStore.EventStore>) =>
    execution.pipe(on(node), Effect.provideService(StateCache.Current, cache))
  return {
    deposit: (id: string, amount: number) => running(Executor.execute(Account, id, new Deposit({ amount }))),
    withdraw: (id: string, amount: number) => running(Executor.execute(Account, id, new Withdraw({ amount }))),
    transfer: (from: string, to: string, amount: number) =>
      running(Executor.execute(TransferMoney, { _tag: "Transfer", from, to, amount }))
  }
}

const refuses = <A, E>(balance: number, execution: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(execution), (error) =>
    assert.deepStrictEqual({ ...(error as object) }, { ...new InsufficientFunds({ balance }) })
  )

/** What a process remembers of the log, beside transactions of the application. */
export const remembered: Cases = {
  "a store says whether an operation joins a transaction": needs("transactions")(function* () {
    const { eventStore, transaction } = yield* open
    const joined = Effect.contextWith((context: Context.Context<never>) =>
      Effect.succeed(eventStore.inTransaction?.(context) === true)
    )
    assert.deepStrictEqual([yield* joined, yield* transaction(joined), yield* joined], [false, true, false])
    assert.isTrue(yield* transaction(Effect.flatMap(Effect.forkChild(joined), Fiber.join)))
  }),

  "no command is decided on events that a transaction has taken back": needs("transactions")(function* () {
    const node = yield* open
    const { deposit, transfer, withdraw } = remembering(node)
    const [a, b] = [newStream(), newStream()]
    yield* Effect.exit(node.transaction(Effect.andThen(deposit(a, 100), back)))
    yield* refuses(0, withdraw(a, 70))
    // Another process brings the stream to the version that was taken back.
    yield* Effect.exit(node.transaction(Effect.andThen(deposit(a, 100), back)))
    yield* Executor.execute(Account, a, new Deposit({ amount: 1 })).pipe(on(node))
    yield* refuses(1, withdraw(a, 70))
    yield* deposit(a, 99)
    yield* Effect.exit(node.transaction(Effect.andThen(transfer(a, b, 100), back)))
    yield* refuses(0, withdraw(b, 1))
    yield* withdraw(a, 100)
    assert.deepStrictEqual(yield* Executor.load(Account, a).pipe(on(node)), { state: 0, version: 3 })
  }),

  "no command is decided on events that a transaction has read and not committed": needs("transactions")(function* () {
    const node = yield* open
    const { deposit, withdraw } = remembering(node)
    const id = newStream()
    const raw = Executor.execute(Account, id, new Deposit({ amount: 100 })).pipe(on(node))
    // The transaction reads what it has written without the cache, and decides without an event.
    yield* Effect.exit(node.transaction(Effect.andThen(raw, Effect.andThen(Effect.exit(withdraw(id, 1_000)), back))))
    yield* refuses(0, withdraw(id, 70))
    yield* deposit(id, 1)
    yield* refuses(1, withdraw(id, 70))
  }),

  "a command is not decided on what a transaction of a neighbour has not committed yet": needs("transactions")(
    function* () {
      const node = yield* open
      const { deposit, withdraw } = remembering(node)
      const id = newStream()
      const [written, end] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const neighbour = yield* Effect.forkChild(
        Effect.exit(
          node.transaction(
            deposit(id, 100).pipe(
              Effect.andThen(Deferred.succeed(written, undefined)),
              Effect.andThen(Deferred.await(end)),
              Effect.andThen(back)
            )
          )
        )
      )
      yield* Deferred.await(written)
      yield* refuses(0, withdraw(id, 70))
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(neighbour)
      yield* refuses(0, withdraw(id, 70))
    }
  ),

  "a savepoint that rolls back decides nothing of what follows it": needs("transactions")(function* () {
    const node = yield* open
    const { deposit, withdraw } = remembering(node)
    const id = newStream()
    yield* node.transaction(
      Effect.gen(function* () {
        yield* deposit(id, 1)
        yield* Effect.exit(node.transaction!(Effect.andThen(deposit(id, 100), back)))
        yield* refuses(1, withdraw(id, 50))
        yield* node.transaction!(deposit(id, 10))
        yield* withdraw(id, 11)
      })
    )
    yield* refuses(0, withdraw(id, 1))
    assert.strictEqual((yield* deposit(id, 1)).version, 4)
  }),

  "a command inside a transaction is tried once, and its conflict comes out with the facts": needs("transactions")(
    function* () {
      const node = yield* open
      const ids = Array.from({ length: 5 }, () => newStream())
      const patient = { retry: Schedule.recurs(20), retryStore: Schedule.recurs(20) }
      const results = yield* node.transaction(
        Effect.forEach(
          [...ids, ...Array.from({ length: 5 }, () => ids[0]!)],
          (id) => Effect.result(Executor.execute(Account, id, new Deposit({ amount: 1 }), patient).pipe(on(node))),
          { concurrency: "unbounded" }
        )
      )
      const done = results.filter(Result.isSuccess)
      for (const result of results) {
        if (Result.isSuccess(result)) continue
        assert.strictEqual(result.failure._tag, "ConcurrencyConflict")
        assert.include(result.failure, { stream: Account.streamId(ids[0]!), attempts: 1 })
      }
      const loads = yield* Effect.forEach(ids, (id) => Executor.load(Account, id).pipe(on(node)))
      for (const { version } of loads) assert.isAbove(version, 0)
      const sum = loads.reduce((sum, { state }) => sum + state, 0)
      assert.strictEqual(sum, done.length)
    }
  )
}
