/** Moves money from one account to another in one atomic step, within the bank's limit. */
import { Aggregate, Boundary, Decision } from "@hexfold/core"
import { Schema } from "effect"
import { Account, AccountId, AlreadyOpen, Cents, Deposit, InsufficientFunds, NotOpen, Withdraw } from "./Account.ts"

export class LimitSet extends Schema.TaggedClass<LimitSet>()("LimitSet", { cents: Cents }) {}
export class SetLimit extends Schema.TaggedClass<SetLimit>()("SetLimit", { cents: Cents }) {}
export class OverLimit extends Schema.TaggedError<OverLimit>()("OverLimit", { limit: Cents }) {}

export const Rules = Aggregate.make("Rules", {
  id: Schema.Literals(["transfers"]),
  state: Schema.Struct({ limit: Schema.Int }),
  initial: { limit: 100_000 },
  commands: [SetLimit],
  events: [LimitSet],
  errors: [],
  decide: { SetLimit: ({ cents }) => Decision.accept(new LimitSet({ cents })) },
  evolve: { LimitSet: (_, { cents }) => ({ limit: cents }) }
})

export const TransferMoney = Boundary.make("TransferMoney", {
  command: Schema.TaggedStruct("TransferMoney", { from: AccountId, to: AccountId, cents: Cents }),
  participants: ({ from, to }) => ({
    from: Account.at(from),
    to: Account.at(to),
    rules: Boundary.readOnly(Rules.at("transfers"))
  }),
  errors: [OverLimit, AlreadyOpen, NotOpen, InsufficientFunds],
  decide: ({ cents }, { from, rules, to }) =>
    Decision.ensure(
      cents <= rules.limit,
      () => new OverLimit({ limit: rules.limit }),
      () =>
        Decision.all({
          from: Account.decide(new Withdraw({ cents }), from),
          to: Account.decide(new Deposit({ cents }), to)
        })
    )
})
