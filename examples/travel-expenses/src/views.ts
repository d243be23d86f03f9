/** The views of declarations and budgets. Each is a fold of their events. */
import { View } from "@hexfold/core"
import { DateTime, Schema } from "effect"
import { Budget } from "./Budget.ts"
import { Declaration, Status } from "./Declaration.ts"

const Summary = Schema.Struct({
  status: Status,
  cents: Schema.Int,
  budget: Schema.String,
  /** The time when the declaration was first saved or submitted. */
  since: Schema.DateTimeUtcFromString
})
type Summary = typeof Summary.Type

const to =
  (status: Status) =>
  (summary: Summary | undefined): Summary | undefined =>
    summary && { ...summary, status }

const claimed =
  (status: Status) =>
  (
    summary: Summary | undefined,
    { at, budgetId, cents }: { readonly at: DateTime.Utc; readonly budgetId: string; readonly cents: number }
  ): Summary => ({ status, cents, budget: budgetId, since: summary?.since ?? at })

/** The present state of each declaration. */
export const Declarations = View.make("Declarations", {
  from: [Declaration],
  state: Summary,
  indexes: ["status", ["budget", "status"]],
  evolve: {
    DeclarationSaved: claimed("saved"),
    DeclarationSubmitted: claimed("submitted"),
    DeclarationFinallyApproved: to("approved"),
    DeclarationRejected: to("rejected"),
    DeclarationGivenUp: to("given up"),
    PaymentRequested: to("payment requested"),
    PaymentHandled: to("paid")
  }
})

const History = Schema.Struct({
  declaration: Schema.String,
  step: Schema.Int,
  what: Schema.String,
  by: Schema.NullOr(Schema.String),
  at: Schema.DateTimeUtcFromString
})

interface Step {
  readonly _tag: string
  readonly step: number
  readonly at: DateTime.Utc
}

const noted = (
  _: unknown,
  { _tag, at, step }: Step,
  { id, metadata }: View.Envelope<"Declaration", string>
): typeof History.Type => ({ declaration: id, step, what: _tag, by: metadata.actor ?? null, at })

/** The history of each declaration: one record a step. */
export const Histories = View.make("Histories", {
  from: [Declaration],
  state: History,
  key: View.perEvent,
  indexes: [["declaration", "step"]],
  evolve: {
    DeclarationSaved: noted,
    DeclarationSubmitted: noted,
    DeclarationApproved: noted,
    DeclarationFinallyApproved: noted,
    DeclarationRejected: noted,
    DeclarationGivenUp: noted,
    PaymentRequested: noted,
    PaymentHandled: noted
  }
})

/** The months in which each budget paid something. */
export const Spending = View.make("Spending", {
  from: [Budget],
  state: Schema.Struct({ budget: Schema.String, month: Schema.String, cents: Schema.Int, payments: Schema.Int }),
  key: ({ at }, { id }) => `${id} ${monthOf(at)}`,
  indexes: [["budget", "month"]],
  evolve: {
    BudgetCharged: (month, { at, cents }, { id }) => ({
      budget: id,
      month: monthOf(at),
      cents: (month?.cents ?? 0) + cents,
      payments: (month?.payments ?? 0) + 1
    })
  }
})

const monthOf = (at: DateTime.Utc): string => DateTime.formatIso(at).slice(0, 7)

const hour = 3_600_000

interface Lead {
  readonly last: DateTime.Utc
  readonly steps: ReadonlyArray<{ readonly to: string; readonly hours: number }>
}

const lead = (before: Lead | undefined, { _tag, at }: Step): Lead => {
  if (before === undefined) return { last: at, steps: [] }
  const hours = (at.epochMilliseconds - before.last.epochMilliseconds) / hour
  return { last: at, steps: [...before.steps, { to: _tag, hours }] }
}

/** The time that each declaration took from one step to the next. */
export const LeadTimes = View.make("LeadTimes", {
  from: [Declaration],
  state: Schema.Struct({
    last: Schema.DateTimeUtcFromString,
    steps: Schema.Array(Schema.Struct({ to: Schema.String, hours: Schema.Finite }))
  }),
  evolve: {
    DeclarationSubmitted: lead,
    DeclarationApproved: lead,
    DeclarationFinallyApproved: lead,
    DeclarationRejected: lead,
    PaymentRequested: lead,
    PaymentHandled: lead
  }
})
