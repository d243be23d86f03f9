import { Aggregate, Boundary, Decision, View } from "@hexfold/core"
import { Schema } from "effect"

export class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { amount: Schema.Int }) {}
export class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: Schema.Int }) {}
export class Deposited extends Schema.TaggedClass<Deposited>()("Deposited", { amount: Schema.Int }) {}
export class Withdrawn extends Schema.TaggedClass<Withdrawn>()("Withdrawn", { amount: Schema.Int }) {}
export class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { balance: Schema.Int }) {}

export const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Deposit, Withdraw],
  events: [Deposited, Withdrawn],
  errors: [Overdrawn],
  decide: {
    Deposit: ({ amount }) => (amount === 0 ? Decision.accept() : Decision.accept(new Deposited({ amount }))),
    Withdraw: ({ amount }, balance) =>
      balance < amount ? Decision.reject(new Overdrawn({ balance })) : Decision.accept(new Withdrawn({ amount }))
  },
  evolve: {
    Deposited: (balance, { amount }) => balance + amount,
    Withdrawn: (balance, { amount }) => balance - amount
  }
})

export const Transfer = Boundary.make("Transfer", {
  command: Schema.TaggedStruct("Transfer", { from: Schema.String, to: Schema.String, amount: Schema.Int }),
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  errors: [Overdrawn],
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
    Withdrawn: (record, { amount }) => ({ balance: (record?.balance ?? 0) - amount })
  }
})

/** It cannot apply a deposit of 13. */
export const Superstitious = View.make("Superstitious", {
  from: [Account],
  state: Schema.Int,
  evolve: {
    Deposited: (sum = 0, { amount }) => {
      if (amount === 13) throw new Error("no 13")
      return sum + amount
    }
  }
})

export const InlineBalances = View.make("InlineBalances", {
  from: [Account],
  consistency: "inline",
  state: Schema.Int,
  evolve: {
    Deposited: (balance = 0, { amount }) => balance + amount,
    Withdrawn: (balance = 0, { amount }) => balance - amount
  }
})
