/** A tally: it counts what is added, by any schema of the state. */
import { Aggregate, Decision } from "@hexfold/core"
import { Schema } from "effect"

const Add = Schema.TaggedStruct("Add", { by: Schema.Int })
const Begin = Schema.TaggedStruct("Begin", { at: Schema.Int })
const Added = Schema.TaggedStruct("Added", { by: Schema.Int })

export const makeTally = (name = "Tally", revision = 1) =>
  Aggregate.make(name, {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    revision,
    commands: [Add, Begin],
    begins: ["Begin"],
    events: [Added],
    decide: {
      Add: ({ by }) => (by === 0 ? Decision.nothing : Decision.accept(Added.make({ by }))),
      Begin: ({ at }) => Decision.accept(Added.make({ by: at }))
    },
    evolve: { Added: (sum, { by }) => sum + by * revision }
  })

export const Tally = makeTally()
export const add = (by: number) => Add.make({ by })
export const begin = (at: number) => Begin.make({ at })
