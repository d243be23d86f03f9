/** A payment pays the declaration and charges its budget, or does neither. */
import { Boundary, Decision } from "@hexfold/core"
import { Schema } from "effect"
import { Budget, BudgetExceeded, Charge } from "./Budget.ts"
import * as D from "./Declaration.ts"

/** A declaration is paid from the budget that it was claimed on. */
export class OtherBudget extends Schema.TaggedError<OtherBudget>()("OtherBudget", {
  claimed: Schema.NullOr(Schema.String)
}) {}

export const HandlePayment = Boundary.make("HandlePayment", {
  command: Schema.TaggedStruct("HandlePayment", {
    ...D.HandlePayment.fields,
    declaration: Schema.NonEmptyString,
    // The declaration's state names the budget too. But the budget that the command names is known before anything is
    // read, so the payments from one budget queue in memory and do not conflict.
    budget: Schema.NonEmptyString
  }),
  participants: ({ budget, declaration }) => ({
    declaration: D.Declaration.at(declaration),
    budget: Budget.at(budget)
  }),
  // The first rejection counts, so the declaration's errors come before the budget's.
  errors: [OtherBudget, BudgetExceeded, ...D.DeclarationErrors],
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
