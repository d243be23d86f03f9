/** The declarations of the log, and views of each kind. Their records tell if an event is missing, doubled or out of order. */
import { Aggregate, Decision, View } from "@hexfold/core"
import { Schema } from "effect"

const fields = {
  step: Schema.Int,
  activity: Schema.String,
  role: Schema.String,
  cents: Schema.Int,
  at: Schema.String
}
type Fields = Schema.Struct<typeof fields>["Type"]

/** Records a row of the log. */
export class Take extends Schema.TaggedClass<Take>()("Take", fields) {}
const Claimed = Schema.TaggedStruct("Claimed", fields)
const Judged = Schema.TaggedStruct("Judged", fields)
const Paid = Schema.TaggedStruct("Paid", fields)
/** A later step was taken before. */
class OutOfOrder extends Schema.TaggedError<OutOfOrder>()("OutOfOrder", { step: Schema.Int }) {}

/** The kind of the event of an activity. */
const kindOf = (activity: string) =>
  activity.includes("Payment") ? "Paid" : /SAVED|SUBMITTED/.test(activity) ? "Claimed" : "Judged"

export const Declaration = Aggregate.make("Declaration", {
  id: Schema.NonEmptyString,
  state: Schema.Int,
  initial: 0,
  commands: [Take],
  events: [Claimed, Judged, Paid],
  errors: [OutOfOrder],
  decide: {
    Take: ({ activity, at, cents, role, step }, last) =>
      step <= last
        ? Decision.reject(new OutOfOrder({ step }))
        : Decision.accept({ _tag: kindOf(activity), activity, at, cents, role, step })
  },
  evolve: {
    Claimed: (_, { step }) => step,
    Judged: (_, { step }) => step,
    Paid: (_, { step }) => step
  }
})

const Seen = Schema.Struct({
  count: Schema.Int,
  cents: Schema.Int,
  digest: Schema.Int,
  last: Schema.Int,
  activity: Schema.String
})
/** What a record knows of its events. */
export type Seen = typeof Seen.Type

const see = (
  seen: Seen | undefined,
  { activity, cents }: Fields,
  { position }: { readonly position: number }
): Seen => ({
  count: (seen?.count ?? 0) + 1,
  cents: (seen?.cents ?? 0) + cents,
  digest: ((seen?.digest ?? 0) * 31 + position) % 1_000_000_007,
  last: position,
  activity
})

const all = { from: [Declaration], state: Seen, evolve: { Claimed: see, Judged: see, Paid: see } } as const
const monthOf = ({ at }: Fields): string => at.slice(0, 7)

/** Few records that many declarations touch, kept by one projection. */
const Months = View.make("Months", { ...all, key: (event) => [monthOf(event), event.role] })

/** The same of payments alone: other events do not touch it. */
const Payments = View.make("Payments", {
  from: [Declaration],
  state: Seen,
  key: monthOf,
  evolve: { Paid: see }
})

/** Many records, kept in parts. An event touches records of several parts. */
export const Steps = View.make("Steps", { ...all, key: ({ activity }, { id }) => [id, `${id} ${activity}`] })

/** Kept by the appends: a record is made of one declaration. */
const Histories = View.make("Histories", { ...all, consistency: "inline" })

/** Kept by the appends: a record is made of many declarations. */
const Roles = View.make("Roles", { ...all, key: ({ role }) => role, consistency: "inline" })

/** The views that one projection keeps each. */
export const asyncViews = [Months, Payments]
/** The views that appends maintain where they can, and else one projection each. */
export const inlineViews = [Histories, Roles]
/** All views. */
export const views: ReadonlyArray<View.Any> = [...asyncViews, Steps, ...inlineViews]

type Given = View.Given<"Declaration", string, Fields & { readonly _tag: "Claimed" | "Judged" | "Paid" }>

/** The records that a pure fold of events makes, by view and key. */
export const foldsOf = (events: ReadonlyArray<Given>): ReadonlyMap<string, ReadonlyMap<string, Seen>> => {
  const folds = [Months, Steps, Histories, Roles].map((view) => [view.name, View.fold(view, events)] as const)
  const paid = events.flatMap(({ event, ...envelope }) =>
    event._tag === "Paid" ? [{ ...envelope, event: { ...event, _tag: event._tag } }] : []
  )
  return new Map<string, ReadonlyMap<string, Seen>>([...folds, [Payments.name, View.fold(Payments, paid)]])
}
