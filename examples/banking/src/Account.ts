/** A bank account: opened once, never overdrawn. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

export const AccountId = Schema.NonEmptyString.pipe(Schema.brand("AccountId"))
export const Cents = Schema.Int.check(Schema.isGreaterThan(0))

export class Open extends Schema.TaggedClass<Open>()("Open", { owner: Schema.String }) {}
export class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { cents: Cents }) {}
export class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { cents: Cents }) {}

export class AccountOpened extends Schema.TaggedClass<AccountOpened>()("AccountOpened", { owner: Schema.String }) {}
export class MoneyDeposited extends Schema.TaggedClass<MoneyDeposited>()("MoneyDeposited", { cents: Cents }) {}
export class MoneyWithdrawn extends Schema.TaggedClass<MoneyWithdrawn>()("MoneyWithdrawn", { cents: Cents }) {}

export class AlreadyOpen extends Schema.TaggedError<AlreadyOpen>()("AlreadyOpen", {}) {}
export class NotOpen extends Schema.TaggedError<NotOpen>()("NotOpen", {}) {}
export class InsufficientFunds extends Schema.TaggedError<InsufficientFunds>()("InsufficientFunds", {
  balance: Schema.Int,
  requested: Cents
}) {}

export const Account = Aggregate.make("Account", {
  id: AccountId,
  state: Schema.TaggedUnion({ Unopened: {}, Opened: { owner: Schema.String, balance: Schema.Int } }),
  initial: { _tag: "Unopened" },
  commands: [Open, Deposit, Withdraw],
  events: [AccountOpened, MoneyDeposited, MoneyWithdrawn],
  errors: [AlreadyOpen, NotOpen, InsufficientFunds],
  decide: {
    Open: ({ owner }, state) =>
      state._tag === "Opened" ? Decision.reject(new AlreadyOpen()) : Decision.accept(new AccountOpened({ owner })),
    Deposit: ({ cents }, state) =>
      state._tag === "Opened" ? Decision.accept(new MoneyDeposited({ cents })) : Decision.reject(new NotOpen()),
    Withdraw: ({ cents }, state) =>
      state._tag === "Unopened"
        ? Decision.reject(new NotOpen())
        : state.balance < cents
          ? Decision.reject(new InsufficientFunds({ balance: state.balance, requested: cents }))
          : Decision.accept(new MoneyWithdrawn({ cents }))
  },
  evolve: {
    AccountOpened: (_, { owner }) => ({ _tag: "Opened", owner, balance: 0 }),
    MoneyDeposited: (state, { cents }) =>
      state._tag === "Opened" ? { ...state, balance: state.balance + cents } : state,
    MoneyWithdrawn: (state, { cents }) =>
      state._tag === "Opened" ? { ...state, balance: state.balance - cents } : state
  }
})
