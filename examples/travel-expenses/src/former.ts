/**
 * Events as earlier programs have recorded them. They are in the log for ever, and `Declaration` reads them.
 *
 * The id of a budget was called `budget`, and an approval by the administration was an event of its own.
 */
import { Schema } from "effect"

const step = { step: Schema.Int, at: Schema.DateTimeUtcFromString }
const claim = { ...step, cents: Schema.Int, budget: Schema.String }

export const Saved = Schema.TaggedStruct("DeclarationSaved", claim)
export const Submitted = Schema.TaggedStruct("DeclarationSubmitted", claim)
export const ApprovedByAdministration = Schema.TaggedStruct("DeclarationApprovedByAdministration", step)

/** The fields of a claim, as they are called now. */
export const renamed = ({ at, budget, cents, step }: Omit<typeof Saved.Type, "_tag">) => ({
  step,
  at,
  cents,
  budgetId: budget
})
