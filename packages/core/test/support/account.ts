/** The domain of the tests: a bank account that is opened once and never overdrawn. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

export const AccountId = Schema.String.pipe(Schema.brand("AccountId"))
export type AccountId = typeof AccountId.Type

export const AccountState = Schema.TaggedUnion({ Unopened: {}, Open: { owner: Schema.String, balance: Schema.Int } })
export type AccountState = typeof AccountState.Type

const Amount = Schema.Int.check(Schema.isGreaterThan(0))

export class OpenAccount extends Schema.TaggedClass<OpenAccount>()("OpenAccount", { owner: Schema.String }) {}
export class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { amount: Amount }) {}
export class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: Amount }) {}

export class AccountOpened extends Schema.TaggedClass<AccountOpened>()("AccountOpened", { owner: Schema.String }) {}
export class MoneyDeposited extends Schema.TaggedClass<MoneyDeposited>()("MoneyDeposited", { amount: Amount }) {}
export class MoneyWithdrawn extends Schema.TaggedClass<MoneyWithdrawn>()("MoneyWithdrawn", { amount: Amount }) {}

export class AlreadyOpen extends Schema.TaggedError<AlreadyOpen>()("AlreadyOpen", {}) {}
export class NotOpen extends Schema.TaggedError<NotOpen>()("NotOpen", {}) {}
export class InsufficientFunds extends Schema.TaggedError<InsufficientFunds>()("InsufficientFunds", {
  balance: Schema.Int,
  requested: Schema.Int
}) {}

/** All errors of the account; a boundary that asks it can reject for each. */
export const accountErrors = [AlreadyOpen, NotOpen, InsufficientFunds] as const

export const Account = Aggregate.make("Account", {
  id: AccountId,
  state: AccountState,
  initial: { _tag: "Unopened" },
  commands: [OpenAccount, Deposit, Withdraw],
  events: [AccountOpened, MoneyDeposited, MoneyWithdrawn],
  errors: accountErrors,
  decide: {
    OpenAccount: ({ owner }, state) =>
      state._tag === "Open" ? Decision.reject(new AlreadyOpen()) : Decision.accept(new AccountOpened({ owner })),
    Deposit: ({ amount }, state) =>
      state._tag === "Open" ? Decision.accept(new MoneyDeposited({ amount })) : Decision.reject(new NotOpen()),
    Withdraw: ({ amount }, state) =>
      state._tag !== "Open"
        ? Decision.reject(new NotOpen())
        : state.balance < amount
          ? Decision.reject(new InsufficientFunds({ balance: state.balance, requested: amount }))
          : Decision.accept(new MoneyWithdrawn({ amount }))
  },
  evolve: {
    AccountOpened: (_, { owner }) => ({ _tag: "Open", owner, balance: 0 }),
    MoneyDeposited: (state, { amount }) =>
      state._tag === "Open" ? { ...state, balance: state.balance + amount } : state,
    MoneyWithdrawn: (state, { amount }) =>
      state._tag === "Open" ? { ...state, balance: state.balance - amount } : state
  }
})
