import { Aggregate, Boundary, Decision, type Policy, View } from "@hexfold/core"
import { Schema } from "effect"

class Open extends Schema.TaggedClass<Open>()("Open", { owner: Schema.String }) {}
export class Deposit extends Schema.TaggedClass<Deposit>()("Deposit", { cents: Schema.Int }) {}
class Opened extends Schema.TaggedClass<Opened>()("Opened", { owner: Schema.String }) {}

export const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.Struct({ owner: Schema.NullOr(Schema.String) }),
  initial: { owner: null },
  commands: [Open, Deposit],
  events: [Opened],
  decide: { Open: ({ owner }) => Decision.accept(new Opened({ owner })), Deposit: () => Decision.nothing },
  evolve: { Opened: (_, { owner }) => ({ owner }) }
})

export const Transfer = Boundary.make("Transfer", {
  command: Schema.TaggedStruct("Transfer", { from: Schema.String, to: Schema.String }),
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  decide: () => Decision.all({ from: Decision.nothing, to: Decision.nothing })
})

export const Accounts = View.make("Accounts", {
  from: [Account],
  state: Schema.Struct({ owner: Schema.String, bank: Schema.Struct({ name: Schema.String }) }),
  evolve: { Opened: (_, { owner }) => ({ owner, bank: { name: "first" } }) }
})

export const Owners = View.make("Owners", {
  from: [Account],
  state: Schema.Struct({ accounts: Schema.Int }),
  key: ({ owner }) => owner,
  evolve: { Opened: (state) => ({ accounts: (state?.accounts ?? 0) + 1 }) }
})

/** The rules of an account: only its owner may deposit. */
export const account: Policy.OfAggregate<typeof Account> = {
  Open: "signed in",
  Deposit: { whenState: (caller, { command }, state) => state.owner === caller.subject && command.cents > 0 }
}
