import { Aggregate, Boundary, Decision } from "@hexfold/core"
import { Laws } from "@hexfold/testing"
import { Schema } from "effect"
import { assert, describe, it } from "vitest"

const few = { runs: 100, seed: 7 }

const Added = Schema.TaggedStruct("Added", { count: Schema.Number })
const Box = Aggregate.make("Box", {
  id: Schema.NonEmptyString,
  state: Schema.Number,
  initial: 0,
  events: [Added],
  evolve: { Added: (sum, { count }) => sum + count }
})

const fill = (count: number) =>
  Boundary.make("Fill", {
    command: Schema.TaggedStruct("Fill", { id: Schema.NonEmptyString, other: Schema.NonEmptyString }),
    participants: ({ id, other }) => ({
      filled: Box.at(id),
      seen: Boundary.readOnly(Box.at(id)),
      others: Boundary.readOnly([Box.at(id), Box.at(other)])
    }),
    decide: () => Decision.all({ filled: Decision.accept({ _tag: "Added" as const, count }) })
  })

describe("what a boundary conserves", () => {
  it("is measured on the new state of a stream in each of its roles", () => {
    Laws.conserved(fill(1), "what is the same", ({ filled, seen }) => filled - seen, few)
    Laws.conserved(fill(1), "what is the same", ({ filled, others: [first] }) => filled - (first ?? 0), few)
    assert.throws(() => Laws.conserved(fill(1), "what is seen", ({ seen }) => seen, few), Laws.LawFailure)
  })

  it("may be infinite, or no number", () => {
    Laws.conserved(fill(1), "no end", () => Infinity, few)
    Laws.conserved(fill(1), "no number", () => NaN, few)
    assert.throws(() => Laws.conserved(fill(Infinity), "room", ({ filled }) => filled, few), Laws.LawFailure)
  })
})
