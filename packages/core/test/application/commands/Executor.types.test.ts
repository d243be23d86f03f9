import { describe, expectTypeOf, it } from "@effect/vitest"
import {
  Boundary,
  type InvalidCommand,
  Decision,
  type EventStore,
  Executor,
  type Receipt,
  type ViewStore,
  type ViewStoreError,
  type WaitTimeout
} from "@hexfold/core"
import { type Effect, Schema } from "effect"
import {
  Account,
  AccountId,
  type AccountOpened,
  Deposit,
  type MoneyDeposited,
  type MoneyWithdrawn
} from "../../support/account.ts"
import { Activity } from "../../support/projected.ts"

// What is expected here is checked by the compiler; running the tests proves only that the modules load.

type Errors<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never
type Needs<T> = T extends Effect.Effect<unknown, unknown, infer R> ? R : never
type Gives<T> = T extends Effect.Effect<infer A, unknown, unknown> ? A : never

const id = AccountId.make("a")
const deposit = new Deposit({ amount: 1 })
const waitFor = [Activity]

const Give = Boundary.make("Give", {
  command: Schema.TaggedStruct("Give", { to: AccountId }),
  participants: ({ to }) => ({ to: Account.at(to) }),
  decide: (_give, { to }) => Decision.all({ to: Account.decide(new Deposit({ amount: 1 }), to) })
})
const give = { _tag: "Give", to: id } as const

describe("execute with waitFor", () => {
  it("needs the view store, and can fail for it", () => {
    const plain = Executor.execute(Account, id, deposit, { commandId: "c" })
    const waiting = Executor.execute(Account, id, deposit, { commandId: "c", waitFor, waitTimeout: "1 second" })
    expectTypeOf<Gives<typeof waiting>>().toEqualTypeOf<Gives<typeof plain>>()
    expectTypeOf<Needs<typeof waiting>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
    expectTypeOf<Errors<typeof waiting>>().toEqualTypeOf<Errors<typeof plain> | WaitTimeout | ViewStoreError>()
    expectTypeOf<Needs<typeof plain>>().toEqualTypeOf<EventStore.EventStore>()
  })

  it("over a boundary too", () => {
    const plain = Executor.execute(Give, give)
    const waiting = Executor.execute(Give, give, { waitFor })
    expectTypeOf<Gives<typeof waiting>>().toEqualTypeOf<
      Receipt.BoundaryReceipt<AccountOpened | MoneyDeposited | MoneyWithdrawn>
    >()
    expectTypeOf<Needs<typeof waiting>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
    expectTypeOf<Errors<typeof waiting>>().toEqualTypeOf<Errors<typeof plain> | WaitTimeout | ViewStoreError>()
  })

  it("of a command from outside too", () => {
    const waiting = Executor.executeUnknown(Account, "a", {}, { waitFor })
    expectTypeOf<Needs<typeof waiting>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
    type Plain = ReturnType<typeof plain>
    const plain = () => Executor.execute(Account, id, deposit)
    expectTypeOf<Errors<typeof waiting>>().toEqualTypeOf<
      Errors<Plain> | InvalidCommand | WaitTimeout | ViewStoreError
    >()
    const over = Executor.executeUnknown(Give, {}, { waitFor })
    expectTypeOf<Needs<typeof over>>().toEqualTypeOf<EventStore.EventStore | ViewStore.ViewStore>()
  })

  it("is not taken for an execution that does not wait", () => {
    const options = (waits: boolean) => ({ commandId: "c", ...(waits ? { waitFor } : {}) })
    // @ts-expect-error it may wait, which the type would not say
    Executor.execute(Account, id, deposit, options(true))
    // @ts-expect-error nothing to wait for
    Executor.execute(Account, id, deposit, { waitTimeout: "1 second" })
  })
})
