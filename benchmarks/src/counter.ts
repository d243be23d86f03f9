import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

/** The command that every contender executes. */
export class Increment extends Schema.TaggedClass<Increment>()("Increment", { by: Schema.Int }) {}

const Incremented = Schema.TaggedStruct("Incremented", { by: Schema.Int })

class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}

/** The aggregate that every contender runs: one event for each command. */
export const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Increment],
  events: [Incremented],
  errors: [TooLarge],
  decide: {
    Increment: ({ by }, count) =>
      count + by > 1_000_000
        ? Decision.reject(new TooLarge({ limit: 1_000_000 }))
        : Decision.accept({ _tag: "Incremented", by })
  },
  evolve: { Incremented: (count, { by }) => count + by }
})

/** An event of the counter. */
export type CounterEvent = Aggregate.EventOf<typeof Counter>
