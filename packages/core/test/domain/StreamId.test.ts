import { describe, expect, it } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Option } from "effect"
import fc from "fast-check"

const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,99}$/)

describe("make and parse", () => {
  it("a made stream id parses into its two parts, whatever the id contains", () => {
    fc.assert(
      fc.property(
        names,
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom("-", "a") })),
        (aggregate, id) => {
          expect(StreamId.parse(StreamId.make(aggregate, id))).toEqual(Option.some({ aggregate, id }))
          expect(StreamId.aggregateOf(StreamId.make(aggregate, id))).toBe(aggregate)
        }
      )
    )
  })

  it("the first - separates, so an id may contain more of them and may be empty", () => {
    expect(StreamId.parse("Account-a-b")).toEqual(Option.some({ aggregate: "Account", id: "a-b" }))
    expect(StreamId.parse("Account--")).toEqual(Option.some({ aggregate: "Account", id: "-" }))
    expect(StreamId.parse("Account-")).toEqual(Option.some({ aggregate: "Account", id: "" }))
  })

  it.each(["", "-", "Account", "-a", "1-a", "\u00c4-a", "A b-a", `${"A".repeat(101)}-a`])(
    "%j is no stream id",
    (text) => {
      expect(StreamId.parse(text)).toEqual(Option.none())
    }
  )
})

describe("isAggregateName", () => {
  it("is a letter and then letters, digits and _, at most 100 characters", () => {
    expect(["A", "a1_", "A".repeat(100)].every(StreamId.isAggregateName)).toBe(true)
    expect(["", "1", "_a", "a-b", "a b", "a\n", "\u00e4", "A".repeat(101)].some(StreamId.isAggregateName)).toBe(false)
  })
})
