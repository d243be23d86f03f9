/** What the processes of a round serve: tallies that count what they have got, and moves that two of them take at once. */
import { Aggregate, Api, Boundary, Decision, Policy, View } from "@hexfold/core"
import { Schema } from "effect"

/** Adds one to a tally. */
export class Add extends Schema.TaggedClass<Add>()("Add", { token: Schema.String }) {}
const Added = Schema.TaggedStruct("Added", { n: Schema.Int, token: Schema.String })

/** The events of a tally are numbered without a gap. */
export const Tally = Aggregate.make("Tally", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add],
  events: [Added],
  decide: { Add: ({ token }, n) => Decision.accept(Added.make({ n: n + 1, token })) },
  evolve: { Added: (_, { n }) => n }
})

/** There are no two tallies. */
export class SameTally extends Schema.TaggedError<SameTally>()("SameTally", { id: Schema.String }) {}

/** Adds one to two tallies, or to none. */
export const AddBoth = Boundary.make("AddBoth", {
  command: Schema.TaggedStruct("AddBoth", { one: Schema.String, other: Schema.String, token: Schema.String }),
  participants: ({ one, other }) => ({ one: Tally.at(one), other: Tally.at(other) }),
  errors: [SameTally],
  decide: ({ one: id, other: otherId, token }, { one, other }) =>
    id === otherId
      ? Decision.reject(new SameTally({ id }))
      : Decision.all({
          one: Tally.decide(new Add({ token }), one),
          other: Tally.decide(new Add({ token }), other)
        })
})

/** How far each tally is. */
export const Tallies = View.make("Tallies", {
  from: [Tally],
  state: Schema.Struct({ count: Schema.Int, last: Schema.String }),
  evolve: { Added: (_, { n, token }) => ({ count: n, last: token }) }
})

/** Writers add; the auditor reads the log. */
export const api = Api.make("tallies", {
  aggregates: [Tally],
  boundaries: [AddBoth],
  views: [Tallies],
  limits: { Tallies: { fields: "all", scan: true } },
  policies: {
    Tally: { Add: "signed in", events: Policy.role("auditor") },
    AddBoth: "signed in",
    Tallies: { read: "signed in" }
  }
})
