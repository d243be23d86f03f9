/** A second aggregate for the tests of views. Its ids are numbers, and `Account` has an event with the tag of one of its events. */
import { Aggregate } from "@hexfold/core"
import { Schema } from "effect"

export class BudgetSet extends Schema.TaggedClass<BudgetSet>()("BudgetSet", { limit: Schema.Int }) {}
export const BudgetDeposit = Schema.TaggedStruct("MoneyDeposited", { amount: Schema.Int, note: Schema.String })

export const Budget = Aggregate.make("Budget", {
  id: Schema.Int,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [BudgetSet, BudgetDeposit],
  errors: [],
  decide: {},
  evolve: { BudgetSet: (_, { limit }) => limit, MoneyDeposited: (limit) => limit }
})
