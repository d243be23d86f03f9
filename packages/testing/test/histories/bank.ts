/** A bank for tests of generated histories. */
import { Aggregate, Boundary, Decision, View } from "@hexfold/core"
import { Schema } from "effect"

const AccountId = Schema.NonEmptyString.pipe(Schema.brand("AccountId"))
const Amount = Schema.Int.check(Schema.isGreaterThan(0))

class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { amount: Amount }) {}
class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: Amount }) {}
class Close extends Schema.TaggedClass<Close>()("Close", {}) {}
export class Deposited extends Schema.TaggedClass<Deposited>()("Deposited", { amount: Amount }) {}
export class Withdrawn extends Schema.TaggedClass<Withdrawn>()("Withdrawn", { amount: Amount }) {}
class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}
class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { balance: Schema.Int }) {}
class NotEmpty extends Schema.TaggedError<NotEmpty>()("NotEmpty", {}) {}
class IsClosed extends Schema.TaggedError<IsClosed>()("IsClosed", {}) {}

export const Account = Aggregate.make("Account", {
  id: AccountId,
  state: Schema.Struct({ balance: Schema.Int, isClosed: Schema.Boolean }),
  initial: { balance: 0, isClosed: false },
  commands: [Deposit, Withdraw, Close],
  events: [Deposited, Withdrawn, Closed],
  errors: [Overdrawn, NotEmpty, IsClosed],
  decide: {
    Deposit: ({ amount }, { isClosed }) =>
      isClosed ? Decision.reject(new IsClosed()) : Decision.accept(new Deposited({ amount })),
    Withdraw: ({ amount }, { balance, isClosed }) =>
      isClosed
        ? Decision.reject(new IsClosed())
        : balance < amount
          ? Decision.reject(new Overdrawn({ balance }))
          : Decision.accept(new Withdrawn({ amount })),
    Close: (_, { balance, isClosed }) =>
      isClosed ? Decision.nothing : balance > 0 ? Decision.reject(new NotEmpty()) : Decision.accept(new Closed())
  },
  evolve: {
    Deposited: (state, { amount }) => ({ ...state, balance: state.balance + amount }),
    Withdrawn: (state, { amount }) => ({ ...state, balance: state.balance - amount }),
    Closed: (state) => ({ ...state, isClosed: true })
  }
})

export const Transfer = Boundary.make("Transfer", {
  command: Schema.TaggedStruct("Transfer", { from: AccountId, to: AccountId, amount: Amount }),
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  errors: [Overdrawn, NotEmpty, IsClosed],
  decide: ({ amount }, { from, to }) =>
    Decision.all({
      from: Account.decide(new Withdraw({ amount }), from),
      to: Account.decide(new Deposit({ amount }), to)
    })
})

export const Balances = View.make("Balances", {
  from: [Account],
  state: Schema.Struct({ balance: Schema.Int }),
  evolve: {
    Deposited: (record, { amount }) => ({ balance: (record?.balance ?? 0) + amount }),
    Withdrawn: (record, { amount }) => ({ balance: (record?.balance ?? 0) - amount }),
    Closed: () => undefined
  }
})
