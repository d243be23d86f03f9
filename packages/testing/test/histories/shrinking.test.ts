/** A failing history becomes simple in few steps, however large its numbers are. */
import { Aggregate, Decision } from "@hexfold/core"
import { Laws } from "@hexfold/testing"
import { Schema } from "effect"
import { assert, describe, it } from "vitest"

const limit = 777_777

const large: Readonly<Record<string, { readonly field: Schema.Codec<unknown, unknown>; readonly code: string }>> = {
  "a number": { field: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 })), code: `it: ${limit}` },
  "a number in a list": {
    field: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))),
    code: `it: [${limit}]`
  },
  "a bigint": { field: Schema.BigInt, code: `it: ${limit}n` }
}

const highest = (value: unknown): number =>
  Array.isArray(value) ? value.reduce<number>((most, each) => Math.max(most, highest(each)), 0) : Number(value)

describe("a history is shrunk to the limit of", () => {
  for (const [name, { code, field }] of Object.entries(large)) {
    it(`${name}`, () => {
      let asked = 0
      const Thing = Aggregate.make("Thing", {
        id: Schema.NonEmptyString,
        state: Schema.Finite,
        initial: 0,
        commands: [Schema.TaggedStruct("Do", { it: field })],
        events: [Schema.TaggedStruct("Done", { most: Schema.Finite })],
        decide: { Do: ({ it }) => Decision.accept({ _tag: "Done", most: Math.min(highest(it), 2 ** 50) }) },
        evolve: { Done: (most, event) => Math.max(most, event.most) }
      })
      const check = () =>
        Laws.invariant(
          Thing,
          "small",
          (most) => {
            asked++
            return most < limit
          },
          { seed: 7, runs: 1_000 }
        )
      assert.throws(check, code)
      assert.isBelow(asked, 3_000)
    })
  }
})
