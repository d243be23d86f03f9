/** What a customer has paid, entry by entry. Nothing here looks for doubles: an entry that came twice would be there twice. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

const entry = { order: Schema.NonEmptyString, cents: Schema.Int }

export class Enter extends Schema.TaggedClass<Enter>()("Enter", entry) {}
export class Entered extends Schema.TaggedClass<Entered>()("Entered", entry) {}

export const Books = Aggregate.make("Books", {
  id: Schema.NonEmptyString,
  state: Schema.Int,
  initial: 0,
  commands: [Enter],
  events: [Entered],
  decide: { Enter: ({ cents, order }) => Decision.accept(new Entered({ order, cents })) },
  evolve: { Entered: (sum, { cents }) => sum + cents }
})
