import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

/** The command that every contender executes. */
export class Increment extends Schema.TaggedClass<Increment>()("Increment", { by: Schema.Int }) {}

const Incremented = Schema.TaggedStruct("Incremented", { by: Schema.Int })

class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}

const definition = {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Increment],
  events: [Incremented],
  errors: [TooLarge],
  decide: {
    Increment: ({ by }: Increment, count: number) =>
      count + by > 1_000_000
        ? Decision.reject(new TooLarge({ limit: 1_000_000 }))
        : Decision.accept({ _tag: "Incremented" as const, by })
  },
  evolve: { Incremented: (count: number, { by }: { readonly by: number }) => count + by }
} as const

/** The aggregate that every contender runs: one event for each command. */
export const Counter = Aggregate.make("Counter", definition)

/** The same, but its command begins a stream. */
export const Begun = Aggregate.make("Begun", { ...definition, begins: ["Increment"] })

/** An event of the counter. */
export type CounterEvent = Aggregate.EventOf<typeof Counter>
