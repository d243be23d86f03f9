/** A payment: the declaration is paid and its budget is charged, or neither. */
import { Boundary, Decision } from "@hexfold/core"
import { Schema } from "effect"
import { Budget, Charge } from "./Budget.ts"
import * as D from "./Declaration.ts"

/** A declaration is paid from the budget that it was claimed on. */
export class OtherBudget extends Schema.TaggedError<OtherBudget>()("OtherBudget", {
  claimed: Schema.NullOr(Schema.String)
}) {}

export const HandlePayment = Boundary.make("HandlePayment", {
  command: Schema.TaggedStruct("HandlePayment", {
    ...D.HandlePayment.fields,
    declaration: Schema.NonEmptyString,
    // The declaration's state knows it too, but what the command names is known before anything is read: a cache lets
    // payments from one budget queue for it.
    budget: Schema.NonEmptyString
  }),
  participants: ({ budget, declaration }) => ({
    declaration: D.Declaration.at(declaration),
    budget: Budget.at(budget)
  }),
  // The first rejection counts: what is wrong with the declaration comes before what is wrong with the budget.
  decide: (command, { budget, declaration }) =>
    Decision.all({
      declaration: D.Declaration.decide(new D.HandlePayment(command), declaration),
      budget:
        command.budget === declaration.budget
          ? Budget.decide(
              new Charge({ declaration: command.declaration, cents: declaration.cents, at: command.at }),
              budget
            )
          : Decision.reject(new OtherBudget({ claimed: declaration.budget }))
    })
})
