import { Aggregate, Decision } from "@hexfold/core"
import { Arbitraries, Histories } from "@hexfold/testing"
import { Arbitrary, Effect, Schema } from "effect"
import { assert, it } from "vitest"

const Name = Schema.TaggedStruct("Name", { name: Schema.String })
const Move = Schema.TaggedStruct("Move", { x: Schema.Int, y: Schema.Int })

const Pawn = Aggregate.make("Pawn", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Name, Move],
  events: [Move],
  decide: { Name: () => Decision.nothing, Move: (move) => Decision.accept(move) },
  evolve: { Move: (_, { x }) => x }
})

it("each command takes generators for its own fields", () => {
  const name = Schema.Literals(["Anna", "Bert"])
  const x = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 }))
  const pawns = Arbitraries.of(Pawn, { commands: { Name: { name }, Move: { x } } })
  for (const { steps } of Effect.runSync(Arbitrary.sampleEffect(Histories.of(pawns), { count: 50 }))) {
    for (const { command } of steps) {
      if (command._tag === "Name") assert.include(["Anna", "Bert"], command.name)
      else assert.include([1, 2, 3], command.x)
    }
  }
})

it("a field of another command, and a generator of another type, do not compile", () => {
  // @ts-expect-error -- Name has no x
  void (() => Arbitraries.of(Pawn, { commands: { Name: { x: Schema.Int } } }))
  // @ts-expect-error -- x is a number
  void (() => Arbitraries.of(Pawn, { commands: { Move: { x: Schema.String } } }))
})
