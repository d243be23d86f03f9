/**
 * Events as earlier programs have recorded them. They are in the log for ever, and `Declaration` reads them.
 *
 * Until 2018 amounts were euros, and an approval by the administration was an event of its own.
 */
import { Schema } from "effect"

const step = { step: Schema.Int, at: Schema.DateTimeUtcFromString }
const claim = { ...step, euros: Schema.Finite, budget: Schema.String }

export const SavedInEuros = Schema.TaggedStruct("DeclarationSaved", claim)
export const SubmittedInEuros = Schema.TaggedStruct("DeclarationSubmitted", claim)
export const ApprovedByAdministration = Schema.TaggedStruct("DeclarationApprovedByAdministration", step)

/** The fields of a claim in cents. */
export const inCents = ({ at, budget, euros, step }: Omit<typeof SavedInEuros.Type, "_tag">) => ({
  step,
  at,
  budget,
  cents: Math.round(euros * 100)
})
