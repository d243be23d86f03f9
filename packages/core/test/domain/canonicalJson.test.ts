import { describe, expect, it } from "@effect/vitest"
import { Aggregate, CommandCodec, Decision } from "@hexfold/core"
import { Schema } from "effect"

const Coordinates = Schema.Record(Schema.String, Schema.Int)

class Put extends Schema.TaggedClass<Put>()("Put", { at: Coordinates }) {}

const Shelf = Aggregate.make("Shelf", {
  id: Coordinates,
  state: Schema.Int,
  initial: 0,
  commands: [Put],
  events: [],
  errors: [],
  decide: { Put: () => Decision.nothing },
  evolve: {}
})

describe("the order of keys makes no difference", () => {
  it("to a stream's id", () => {
    expect(Shelf.streamId({ a: 1, b: 2 })).toBe(Shelf.streamId({ b: 2, a: 1 }))
  })

  it("to a command's fingerprint", () => {
    const { fingerprint } = CommandCodec.of(Shelf)
    const one = fingerprint("Shelf-1", new Put({ at: { a: 1, b: 2 } }))
    expect(one).toEqual(fingerprint("Shelf-1", new Put({ at: { b: 2, a: 1 } })))
    expect(one).not.toEqual(fingerprint("Shelf-1", new Put({ at: { a: 2, b: 1 } })))
  })
})
