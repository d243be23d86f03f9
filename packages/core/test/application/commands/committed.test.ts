import { describe, expect, it } from "@effect/vitest"
import {
  Aggregate,
  Boundary,
  type ConcurrencyConflict,
  Decision,
  EventStore,
  EventStoreError,
  Executor,
  Reason,
  StateCache
} from "@hexfold/core"
import { Effect, Schedule, Schema } from "effect"
import { lossy } from "../../support/lossy.ts"

const Deposit = Schema.TaggedStruct("Deposit", { amount: Schema.Int })
const Withdraw = Schema.TaggedStruct("Withdraw", { amount: Schema.Int })
const Deposited = Schema.TaggedStruct("Deposited", { amount: Schema.Int })
const Withdrawn = Schema.TaggedStruct("Withdrawn", { amount: Schema.Int })
class Poor extends Schema.TaggedError<Poor>()("Poor", { balance: Schema.Int }) {}

const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Deposit, Withdraw],
  events: [Deposited, Withdrawn],
  errors: [Poor],
  decide: {
    Deposit: ({ amount }) => Decision.accept({ _tag: "Deposited", amount }),
    Withdraw: ({ amount }, balance) =>
      balance < amount ? Decision.reject(new Poor({ balance })) : Decision.accept({ _tag: "Withdrawn", amount })
  },
  evolve: {
    Deposited: (balance, { amount }) => balance + amount,
    Withdrawn: (balance, { amount }) => balance - amount
  }
})

/** Pays from the account whose number is the balance of another one. */
const Pay = Schema.TaggedStruct("Pay", { index: Schema.String, amount: Schema.Int })
const Payment = Boundary.make("Payment", {
  command: Pay,
  participants: ({ index }) =>
    Boundary.discover({ index: Boundary.readOnly(Account.at(index)) }, ({ index }) => ({
      from: Account.at(`account ${index}`)
    })),
  errors: [Poor],
  decide: ({ amount }, { from }) => Decision.all({ from: Account.decide({ _tag: "Withdraw", amount }, from) })
})

const deposit = (id: string, amount: number) => Executor.execute(Account, id, { _tag: "Deposit", amount })
const withdraw = (id: string, amount: number) => Executor.execute(Account, id, { _tag: "Withdraw", amount })
const pay = (amount: number) => Executor.execute(Payment, { _tag: "Pay", index: "index", amount })
const rejected = <A, E>(execution: Effect.Effect<A, E, EventStore.EventStore>) => Effect.flip(execution)

const cached = Effect.provide(StateCache.layer({ capacity: 10 }))

/** Runs a program on a store that loses commits; after conflicts it tries again at once. */
const onLossy = <A, E>(
  program: (store: Effect.Success<typeof lossy>) => Effect.Effect<A, E, EventStore.EventStore>
): Effect.Effect<A, E> =>
  Effect.flatMap(lossy, (store) =>
    program(store).pipe(
      Effect.provideService(EventStore.EventStore, store.store),
      Effect.provideService(Executor.CurrentRetryPolicy, Schedule.recurs(4))
    )
  )

describe("after the store has lost commits", () => {
  const lost = (count: number) => (store: Effect.Success<typeof lossy>) =>
    Effect.gen(function* () {
      yield* deposit("a", 10)
      yield* deposit("a", 100)
      yield* deposit("a", 100)
      yield* store.lose(count)
      expect(yield* rejected(withdraw("a", 150))).toEqual(new Poor({ balance: count === 3 ? 0 : 10 }))
      expect(yield* withdraw("a", 0)).toMatchObject({ version: 4 - count })
    })

  it.effect("a command is not decided on a remembered state of before", () => cached(onLossy(lost(2))))
  it.effect("a command is not decided on a remembered state of a stream that is gone", () => cached(onLossy(lost(3))))

  it.effect("a command is not decided on a state that an earlier attempt has read", () =>
    onLossy((store) =>
      Effect.gen(function* () {
        yield* deposit("a", 10)
        yield* deposit("a", 100)
        yield* deposit("a", 100)
        let operations = 0
        // Between the read and the append of the first attempt.
        store.pause = Effect.suspend(() => (++operations === 2 ? store.lose(2) : Effect.void))
        expect(yield* rejected(withdraw("a", 150))).toEqual(new Poor({ balance: 10 }))
      })
    )
  )

  it.effect("a rejection is not confirmed on a state of before", () =>
    cached(
      onLossy((store) =>
        Effect.gen(function* () {
          yield* deposit("a", 100)
          yield* withdraw("a", 90)
          yield* store.lose(1)
          expect(yield* withdraw("a", 50)).toMatchObject({ version: 2 })
        })
      )
    )
  )

  it.effect("participants are discovered again, and none of them keeps its state", () =>
    cached(
      onLossy((store) =>
        Effect.gen(function* () {
          yield* deposit("account 1", 10)
          yield* deposit("index", 1)
          yield* deposit("account 2", 100)
          yield* deposit("index", 1)
          yield* pay(0)
          yield* store.lose(3)
          expect(yield* rejected(pay(50))).toEqual(new Poor({ balance: 10 }))
          expect(yield* pay(10)).toMatchObject({ streams: [{ streamId: Account.streamId("account 1") }, {}] })
        })
      )
    )
  )

  it.effect("all states are forgotten as soon as one stream is seen to have gone back", () =>
    cached(
      onLossy((store) =>
        Effect.gen(function* () {
          yield* deposit("b", 10)
          yield* deposit("a", 10)
          yield* deposit("b", 100)
          yield* store.lose(2)
          yield* Effect.exit(withdraw("a", 1))
          // Another process brings the stream to the version that was remembered.
          yield* Effect.provideService(deposit("b", 1), StateCache.Current, undefined)
          expect(yield* rejected(withdraw("b", 50))).toEqual(new Poor({ balance: 11 }))
        })
      )
    )
  )

  it.effect("a command that gives up leaves nothing behind that makes the next one conflict", () =>
    cached(
      onLossy((store) =>
        Effect.gen(function* () {
          yield* deposit("a", 10)
          yield* deposit("a", 100)
          yield* store.lose(1)
          const once = { retry: Schedule.recurs(0) }
          const withdraw = Executor.execute(Account, "a", { _tag: "Withdraw", amount: 1 }, once)
          // The loss is no conflict: what is remembered of the former history is forgotten.
          expect(yield* withdraw).toMatchObject({ version: 2 })
          yield* Effect.provideService(deposit("a", 1), StateCache.Current, undefined)
          expect(yield* rejected(withdraw)).toMatchObject({ _tag: "ConcurrencyConflict" })
          expect(yield* withdraw).toMatchObject({ version: 4 })
        })
      )
    )
  )
})

describe("inside a transaction that may still roll back", () => {
  it.effect("nothing that is written is remembered, also not for a neighbour", () =>
    cached(
      onLossy((store) =>
        Effect.gen(function* () {
          const rolledBack = store.transaction(
            Effect.gen(function* () {
              yield* deposit("a", 100)
              yield* store.transaction(withdraw("a", 100))
              expect(yield* rejected(withdraw("a", 1))).toEqual(new Poor({ balance: 0 }))
              yield* deposit("a", 100)
              return yield* Effect.fail("back")
            })
          )
          yield* Effect.exit(rolledBack)
          expect(yield* rejected(withdraw("a", 70))).toEqual(new Poor({ balance: 0 }))
          yield* deposit("a", 10)
          yield* Effect.exit(store.transaction(Effect.andThen(withdraw("a", 10), Effect.fail("back"))))
          expect(yield* withdraw("a", 10)).toMatchObject({ version: 2 })
        })
      )
    )
  )

  it.effect("a savepoint that rolls back leaves no state behind", () =>
    cached(
      onLossy((store) =>
        store.transaction(
          Effect.gen(function* () {
            yield* deposit("a", 1)
            yield* Effect.exit(store.transaction(Effect.andThen(deposit("a", 100), Effect.fail("back"))))
            expect(yield* rejected(withdraw("a", 50))).toEqual(new Poor({ balance: 1 }))
          })
        )
      )
    )
  )

  const failing = (error: ConcurrencyConflict | EventStoreError) =>
    onLossy((store) =>
      Effect.gen(function* () {
        let appends = 0
        const counting: EventStore.EventStore["Service"] = {
          ...store.store,
          append: () => Effect.suspend(() => Effect.fail((appends++, error)))
        }
        const options = { commandId: "c", retry: Schedule.recurs(3), retryStore: Schedule.recurs(3) }
        const execution = Executor.execute(Account, "a", { _tag: "Deposit", amount: 1 }, options)
        const inside = store.transaction(Effect.provideService(execution, EventStore.EventStore, counting))
        const found = yield* Effect.flip(inside)
        return { appends, found }
      })
    )

  it.effect("the first failure of the store comes out, and nothing is tried again", () =>
    Effect.gen(function* () {
      const reason = new Reason.Timeout({ detail: "a lock" })
      const { appends, found } = yield* failing(new EventStoreError({ operation: "append", reason }))
      expect(appends).toBe(1)
      expect(found).toMatchObject({ _tag: "EventStoreError", isRetryable: true, attempts: 1, streams: ["Account-a"] })
    })
  )
})
