/** A budget that declarations are paid from: granted an amount, charged with each payment, never beyond what was granted. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

const State = Schema.Struct({ granted: Schema.Int, spent: Schema.Int })
export type State = typeof State.Type

/** Sets what the budget has in all, in cents. */
export class Grant extends Schema.TaggedClass<Grant>()("Grant", { cents: Schema.Int }) {}
const charge = { declaration: Schema.String, cents: Schema.Int, at: Schema.DateTimeUtcFromString }
export class Charge extends Schema.TaggedClass<Charge>()("Charge", charge) {}

export class Granted extends Schema.TaggedClass<Granted>()("BudgetGranted", { cents: Schema.Int }) {}
export class Charged extends Schema.TaggedClass<Charged>()("BudgetCharged", charge) {}

/** A payment must not cost more than what is left; of a budget that was never granted, nothing is. */
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
    // Says what shall be, so that a second run of the program records nothing.
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
