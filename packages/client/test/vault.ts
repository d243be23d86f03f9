/** What the bank of the tests does not have: an error with the members of an answer, and a state with a time. */
import { Aggregate, Decision, View } from "@hexfold/core"
import { Schema } from "effect"

export class Lock extends Schema.TaggedClass<Lock>()("Lock", { by: Schema.NonEmptyString }) {}
class Locked extends Schema.TaggedClass<Locked>()("Locked", { by: Schema.String }) {}
// It has the name of a problem of the front, and fields with the names of its members.
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {
  status: Schema.String,
  title: Schema.String
}) {}

export const Vault = Aggregate.make("Vault", {
  id: Schema.NonEmptyString,
  state: Schema.Struct({ by: Schema.String }),
  initial: { by: "" },
  commands: [Lock],
  events: [Locked],
  errors: [Forbidden],
  decide: {
    Lock: ({ by }) =>
      by === "nobody"
        ? Decision.reject(new Forbidden({ status: "red", title: "Nobody" }))
        : Decision.accept(new Locked({ by }))
  },
  evolve: { Locked: (_, { by }) => ({ by }) }
})

export const Vaults = View.make("Vaults", {
  from: [Vault],
  state: Schema.Struct({ by: Schema.String, lockedAt: Schema.DateTimeUtc }),
  evolve: { Locked: (_, { by }, { recordedAt }) => ({ by, lockedAt: recordedAt }) }
})
