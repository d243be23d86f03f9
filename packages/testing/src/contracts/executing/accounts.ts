/** The accounts, transfers and doctors of the cases with several streams. */
import { Aggregate, Boundary, Decision } from "@hexfold/core"
import { Schema } from "effect"

export class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { amount: Schema.Int }) {}
export class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { amount: Schema.Int }) {}
export class Deposited extends Schema.TaggedClass<Deposited>()("Deposited", { amount: Schema.Int }) {}
export class Withdrawn extends Schema.TaggedClass<Withdrawn>()("Withdrawn", { amount: Schema.Int }) {}
export class InsufficientFunds extends Schema.TaggedError<InsufficientFunds>()("InsufficientFunds", {
  balance: Schema.Int
}) {}

export const Account = Aggregate.make("ContractAccount", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Deposit, Withdraw],
  events: [Deposited, Withdrawn],
  errors: [InsufficientFunds],
  decide: {
    Deposit: ({ amount }) => Decision.accept(new Deposited({ amount })),
    Withdraw: ({ amount }, balance) =>
      balance < amount
        ? Decision.reject(new InsufficientFunds({ balance }))
        : Decision.accept(new Withdrawn({ amount }))
  },
  evolve: {
    Deposited: (balance, { amount }) => balance + amount,
    Withdrawn: (balance, { amount }) => balance - amount
  }
})

export const Transfer = Schema.TaggedStruct("Transfer", { from: Schema.String, to: Schema.String, amount: Schema.Int })
export type Transfer = typeof Transfer.Type

export const decideTransfer = ({ amount }: Transfer, { from, to }: { readonly from: number; readonly to: number }) =>
  Decision.all({
    from: Account.decide(new Withdraw({ amount }), from),
    to: Account.decide(new Deposit({ amount }), to)
  })

export const TransferMoney = Boundary.make("ContractTransfer", {
  command: Transfer,
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  errors: [InsufficientFunds],
  decide: (command, states) => decideTransfer(command, states)
})

// Like `TransferMoney`, but the second account is found only after the first one was read.
export const DiscoveredTransfer = Boundary.make("ContractDiscoveredTransfer", {
  command: Transfer,
  participants: ({ from, to }) => Boundary.discover({ from: Account.at(from) }, () => ({ to: Account.at(to) })),
  errors: [InsufficientFunds],
  decide: decideTransfer
})

/** Rejects if the sum of two accounts is not the given one; reads one account after the other. */
export class Audit extends Schema.TaggedClass<Audit>()("Audit", {
  a: Schema.String,
  b: Schema.String,
  sum: Schema.Int
}) {}
class Wrong extends Schema.TaggedError<Wrong>()("Wrong", { found: Schema.Int }) {}
export const AuditAccounts = Boundary.make("ContractAudit", {
  command: Audit,
  participants: ({ a, b }) =>
    Boundary.discover({ a: Boundary.readOnly(Account.at(a)) }, () => ({ b: Boundary.readOnly(Account.at(b)) })),
  errors: [Wrong],
  decide: ({ sum }, { a, b }) => (a + b === sum ? Decision.nothing : Decision.reject(new Wrong({ found: a + b })))
})

/** One of two doctors goes off duty, if the other one stays. */
export class GoOff extends Schema.TaggedClass<GoOff>()("GoOff", { who: Schema.String, other: Schema.String }) {}
class WentOff extends Schema.TaggedClass<WentOff>()("WentOff", {}) {}
class NobodyLeft extends Schema.TaggedError<NobodyLeft>()("NobodyLeft", {}) {}
const Doctor = Aggregate.make("ContractDoctor", {
  id: Schema.String,
  state: Schema.Literals(["on", "off"]),
  initial: "on",
  commands: [],
  events: [WentOff],
  errors: [],
  decide: {},
  evolve: { WentOff: () => "off" }
})
export const Leave = Boundary.make("ContractLeave", {
  command: GoOff,
  participants: ({ other, who }) => ({ who: Doctor.at(who), other: Boundary.readOnly(Doctor.at(other)) }),
  errors: [NobodyLeft],
  decide: (_, { other }) =>
    other === "off" ? Decision.reject(new NobodyLeft()) : Decision.all({ who: Decision.accept(new WentOff()) })
})
