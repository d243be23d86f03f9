/** What the rounds execute: accounts, transfers between two of them, and views that tell if an event was missed or applied twice. */
import { Aggregate, Boundary, Decision, View } from "@hexfold/core"
import { Schema } from "effect"

/** What every account begins with. */
export const beginning = 100

const fields = { amount: Schema.Int, token: Schema.String }

/** Puts money into an account. The token is unique to the command, and its events keep it. */
export class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", fields) {}
/** Takes money from an account. */
export class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", fields) {}
const Deposited = Schema.TaggedStruct("Deposited", fields)
const Withdrawn = Schema.TaggedStruct("Withdrawn", fields)
/** The account has too little for the withdrawal. */
export class Poor extends Schema.TaggedError<Poor>()("Poor", {}) {}

export const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.Int,
  initial: beginning,
  commands: [Deposit, Withdraw],
  events: [Deposited, Withdrawn],
  errors: [Poor],
  decide: {
    Deposit: ({ amount, token }) => Decision.accept({ _tag: "Deposited", amount, token }),
    Withdraw: ({ amount, token }, balance) =>
      balance < amount ? Decision.reject(new Poor()) : Decision.accept({ _tag: "Withdrawn", amount, token })
  },
  evolve: {
    Deposited: (balance, { amount }) => balance + amount,
    Withdrawn: (balance, { amount }) => balance - amount
  }
})

export const Transfer = Boundary.make("Transfer", {
  command: Schema.TaggedStruct("Transfer", { from: Schema.String, to: Schema.String, ...fields }),
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  errors: [Poor],
  decide: ({ amount, token }, { from, to }) =>
    Decision.all({
      from: Account.decide(new Withdraw({ amount, token }), from),
      to: Account.decide(new Deposit({ amount, token }), to)
    })
})

/** What a view knows of its events. The digest is another one if an event is missing, doubled or out of order. */
export interface Seen {
  readonly balance: number
  readonly count: number
  readonly digest: number
}

const none: Seen = { balance: 0, count: 0, digest: 0 }

/** Adds an event to what a view knows. */
export const see = (seen: Seen = none, amount: number, position: number): Seen => ({
  balance: seen.balance + amount,
  count: seen.count + 1,
  digest: (seen.digest * 31 + position) % 1_000_000_007
})

const state = Schema.Struct({ balance: Schema.Int, count: Schema.Int, digest: Schema.Int })

/** A record an account, kept by a projection. */
export const Balances = View.make("Balances", {
  from: [Account],
  state,
  evolve: {
    Deposited: (seen, { amount }, { position }) => see(seen, amount, position),
    Withdrawn: (seen, { amount }, { position }) => see(seen, -amount, position)
  }
})

/** One record of all events, kept by a projection. */
export const Total = View.make("Total", {
  from: [Account],
  state,
  key: () => "all",
  evolve: {
    Deposited: (seen, { amount }, { position }) => see(seen, amount, position),
    Withdrawn: (seen, { amount }, { position }) => see(seen, -amount, position)
  }
})

/** A record an account, kept by the appends. The versions of an account are dense, so its digest is one of versions. */
export const InlineBalances = View.make("InlineBalances", {
  from: [Account],
  state,
  consistency: "inline",
  evolve: {
    Deposited: (seen, { amount }, { version }) => see(seen, amount, version),
    Withdrawn: (seen, { amount }, { version }) => see(seen, -amount, version)
  }
})

export const views = [Balances, Total, InlineBalances]
