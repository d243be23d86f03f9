/** A budget is granted an amount and charged with each payment. The charges never exceed the granted amount. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

const State = Schema.Struct({ granted: Schema.Int, spent: Schema.Int })
export type State = typeof State.Type

/** Sets the whole amount of the budget, in cents. */
export class Grant extends Schema.TaggedClass<Grant>()("Grant", { cents: Schema.Int }) {}
const charge = { declaration: Schema.String, cents: Schema.Int, at: Schema.DateTimeUtcFromString }
export class Charge extends Schema.TaggedClass<Charge>()("Charge", charge) {}

export class Granted extends Schema.TaggedClass<Granted>()("BudgetGranted", { cents: Schema.Int }) {}
export class Charged extends Schema.TaggedClass<Charged>()("BudgetCharged", charge) {}

/** A payment must not exceed the rest of the budget. A budget that was never granted has nothing left. */
export class BudgetExceeded extends Schema.TaggedError<BudgetExceeded>()("BudgetExceeded", {
  cents: Schema.Int,
  left: Schema.Int
}) {}

export const Budget = Aggregate.make("Budget", {
  id: Schema.NonEmptyString,
  state: State,
  initial: { granted: 0, spent: 0 },
  commands: [Grant, Charge],
  events: [Granted, Charged],
  errors: [BudgetExceeded],
  decide: {
    // The command states the wanted amount. A second run of the program then records nothing.
    Grant: ({ cents }, { granted }) => (cents === granted ? Decision.nothing : Decision.accept(new Granted({ cents }))),
    Charge: ({ at, cents, declaration }, { granted, spent }) =>
      spent + cents > granted
        ? Decision.reject(new BudgetExceeded({ cents, left: granted - spent }))
        : Decision.accept(new Charged({ declaration, cents, at }))
  },
  evolve: {
    BudgetGranted: (state, { cents }) => ({ ...state, granted: cents }),
    BudgetCharged: (state, { cents }) => ({ ...state, spent: state.spent + cents })
  }
})
