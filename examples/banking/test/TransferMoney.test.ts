import { expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Executor } from "@hexfold/core"
import { Scenario } from "@hexfold/testing"
import { Effect } from "effect"
import { describe } from "vitest"
import {
  Account,
  AccountId,
  AccountOpened,
  AlreadyOpen,
  Deposit,
  InsufficientFunds,
  MoneyDeposited,
  MoneyWithdrawn,
  NotOpen,
  Open,
  Withdraw
} from "../src/Account.ts"
import { LimitSet, OverLimit, Rules, SetLimit, TransferMoney } from "../src/TransferMoney.ts"

const [anna, ben] = [AccountId.make("anna"), AccountId.make("ben")]
const command = { _tag: "TransferMoney", from: anna, to: ben, cents: 70 } as const
const opened = (owner: string, balance: number) => ({ _tag: "Opened", owner, balance }) as const

it("an account is opened once", () => {
  Scenario.of(Account)
    .given(new AccountOpened({ owner: "Anna" }))
    .when(new Open({ owner: "Ben" }))
    .thenRejected(new AlreadyOpen())
})

it("an account is never overdrawn", () => {
  Scenario.of(Account)
    .given(new AccountOpened({ owner: "Anna" }), new MoneyDeposited({ cents: 10 }))
    .when(new Withdraw({ cents: 11 }))
    .thenRejected(new InsufficientFunds({ balance: 10, requested: 11 }))
})

it("the bank's limit can be set again", () => {
  Scenario.of(Rules)
    .given(new LimitSet({ cents: 5 }))
    .when(new SetLimit({ cents: 7 }))
    .then(new LimitSet({ cents: 7 }))
})

describe("a transfer", () => {
  const accounts = Scenario.of(TransferMoney)
    .given(Account.at(anna), new AccountOpened({ owner: "Anna" }), new MoneyDeposited({ cents: 100 }))
    .given(Account.at(ben), new AccountOpened({ owner: "Ben" }))

  it("takes from one account and gives to the other, as long as there is enough", () => {
    accounts
      .when(command)
      .then({ from: [new MoneyWithdrawn({ cents: 70 })], to: [new MoneyDeposited({ cents: 70 })] })
      .when(command)
      .thenRejected(new InsufficientFunds({ balance: 30, requested: 70 }))
  })

  it("is rejected for an account that is not open, and above the limit", () => {
    accounts.when({ ...command, to: AccountId.make("carl") }).thenRejected(new NotOpen())
    accounts
      .given(Rules.at("transfers"), new LimitSet({ cents: 69 }))
      .when(command)
      .thenRejected(new OverLimit({ limit: 69 }))
  })

  it.effect("writes to both streams or to none", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Account, anna, new Open({ owner: "Anna" }))
      yield* Executor.execute(Account, anna, new Deposit({ cents: 100 }))
      yield* Executor.execute(Rules, "transfers", new SetLimit({ cents: 80 }))
      expect(yield* Effect.flip(Executor.execute(TransferMoney, command))).toEqual(new NotOpen())
      yield* Executor.execute(Account, ben, new Open({ owner: "Ben" }))
      const { events, streams } = yield* Executor.execute(TransferMoney, command)
      expect(events.map(({ data, version }) => [version, data])).toEqual([
        [3, new MoneyWithdrawn({ cents: 70 })],
        [2, new MoneyDeposited({ cents: 70 })]
      ])
      expect(streams.map(({ version }) => version)).toEqual([3, 2, 1])
      expect((yield* Executor.load(Account, anna)).state).toEqual(opened("Anna", 30))
      expect((yield* Executor.load(Account, ben)).state).toEqual(opened("Ben", 70))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})
