import { beforeAll, describe, expect, it } from "@effect/vitest"
import { messagesOf, messagesOfAll } from "../support/compiler.ts"

// What the compiler prints about the commonest mistakes with versions: one message that names the mistake.

const head = `
import { Aggregate, Boundary, Decision, Executor, Metadata, Versions } from "@hexfold/core"
import { Schema } from "effect"

const V1 = Schema.TaggedStruct("Pay", { euros: Schema.Finite })
const V2 = Schema.TaggedStruct("Pay", { cents: Schema.Int, currency: Schema.String })
class Other extends Schema.TaggedClass<Other>()("Other", {}) {}
class Done extends Schema.TaggedClass<Done>()("Done", {}) {}
const chain = Versions.first(V1).next(V2, ({ euros }) => V2.make({ cents: euros * 100, currency: "EUR" }))
const definition = { id: Schema.String, state: Schema.Int, initial: 0, events: [Done], evolve: { Done: () => 0 } } as const
const Till = Aggregate.make("Till", { ...definition, commands: [chain], decide: { Pay: () => Decision.nothing } })
`

const programs = {
  "a missing step": "Versions.first(V1).next(V2)",
  "a step without a field": 'Versions.first(V1).next(V2, ({ euros }) => ({ _tag: "Pay", cents: euros }))',
  "a step with a field of another type":
    'Versions.first(V1).next(V2, ({ euros }) => ({ _tag: "Pay", cents: String(euros), currency: "EUR" }))',
  "a step from a field that was not there":
    'Versions.first(V1).next(V2, ({ cents }) => V2.make({ cents, currency: "" }))',
  "a step that gives two": "Versions.first(V1).next(V2, (pay) => [V2.make({ cents: 1, currency: '' })])",
  "a step that gives none": "Versions.first(V1).next(V2, () => undefined)",
  "another name": "Versions.first(V1).next(Other, () => new Other())",
  "a retired command":
    'Aggregate.make("Till", { ...definition, commands: [Versions.retired(V1, () => [])], decide: { Pay: () => Decision.nothing } })',
  "a former command in decide":
    'Aggregate.make("Till", { ...definition, commands: [chain], decide: { Pay: ({ euros }) => Decision.nothing } })',
  "a former command that is executed": 'Executor.execute(Till, "a", V1.make({ euros: 1 }))',
  "a wrong step of a field": 'Metadata.field("device", Versions.first(Schema.String).next(Schema.Int, (text) => text))'
} as const

const expected: Readonly<Record<keyof typeof programs, string>> = {
  "a missing step": "Expected 2 arguments, but got 1.",
  "a step without a field": "Property 'currency' is missing in type",
  "a step with a field of another type": "Type 'string' is not assignable to type 'number'.",
  "a step from a field that was not there": "Property 'cents' does not exist on type",
  "a step that gives two": "Type 'readonly [{",
  "a step that gives none": "Type 'undefined' is not assignable to type",
  "another name": "all versions have the tag Pay; an event with another name needs Versions.retired",
  "a retired command": "Type 'Retired<never>' is not assignable to type 'Declaration'.",
  "a former command in decide": "Property 'euros' does not exist on type",
  "a former command that is executed": "is missing the following properties from type",
  "a wrong step of a field": "Type 'string' is not assignable to type 'number'."
}

let messages: Readonly<Record<keyof typeof programs, ReadonlyArray<string>>>

beforeAll(async () => {
  messages = await messagesOfAll(programs, head)
}, 60_000)

describe("the compiler", () => {
  it("accepts what is right", async () => {
    expect(await messagesOf(head)).toEqual([])
  }, 60_000)

  for (const name of Object.keys(expected) as Array<keyof typeof expected>) {
    it(`names ${name}`, () => {
      expect(messages[name]).toHaveLength(1)
      expect(messages[name][0]!.split("\n")[0]).toContain(expected[name])
    })
  }
})
