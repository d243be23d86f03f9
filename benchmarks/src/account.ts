import { Aggregate, Boundary, Decision } from "@hexfold/core"
import { Schema } from "effect"

class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { amount: Schema.Int }) {}
class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: Schema.Int }) {}
const Deposited = Schema.TaggedStruct("Deposited", { amount: Schema.Int })
const Withdrawn = Schema.TaggedStruct("Withdrawn", { amount: Schema.Int })
class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { balance: Schema.Int }) {}

// The balance is large enough for a whole benchmark.
const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.Int,
  initial: 1_000_000,
  commands: [Deposit, Withdraw],
  events: [Deposited, Withdrawn],
  errors: [Overdrawn],
  decide: {
    Deposit: ({ amount }) => Decision.accept({ _tag: "Deposited", amount }),
    Withdraw: ({ amount }, balance) =>
      balance < amount ? Decision.reject(new Overdrawn({ balance })) : Decision.accept({ _tag: "Withdrawn", amount })
  },
  evolve: {
    Deposited: (balance, { amount }) => balance + amount,
    Withdrawn: (balance, { amount }) => balance - amount
  }
})

const deposit = new Deposit({ amount: 1 })
const withdraw = new Withdraw({ amount: 1 })

/** Moves one unit from an account to another. */
export const Transfer = Boundary.make("Transfer", {
  command: Schema.TaggedStruct("Transfer", { from: Schema.String, to: Schema.String }),
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  errors: [Overdrawn],
  decide: (_, { from, to }) => Decision.all({ from: Account.decide(withdraw, from), to: Account.decide(deposit, to) })
})
