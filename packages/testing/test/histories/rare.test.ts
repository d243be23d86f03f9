/** Schemas of which there are no values, or hardly any: nothing is shown of a command that no history has. */
import { Aggregate, Boundary, Decision } from "@hexfold/core"
import { Arbitraries, Histories, Laws } from "@hexfold/testing"
import { Schema } from "effect"
import { assert, describe, it } from "vitest"

const starts = Schema.makeFilter((text: string) => text.startsWith("zzzz"))

interface Endless {
  readonly next: Endless
}
const Endless: Schema.Codec<Endless> = Schema.Struct({ next: Schema.suspend((): Schema.Codec<Endless> => Endless) })

const thing = (hard: Schema.Codec<unknown, unknown>, id: Schema.Codec<string, unknown> = Schema.NonEmptyString) =>
  Aggregate.make("Thing", {
    id,
    state: Schema.Int,
    initial: 0,
    commands: [Schema.TaggedStruct("Easy", {}), Schema.TaggedStruct("Hard", { it: hard })],
    events: [Schema.TaggedStruct("Done", {})],
    decide: { Easy: () => Decision.accept({ _tag: "Done" as const }), Hard: () => assert.fail("it is wrong") },
    evolve: { Done: (count) => count + 1 }
  })

const messageOf = (check: () => unknown): string => {
  try {
    check()
  } catch (error) {
    return (error as Error).message
  }
  return "nothing was thrown"
}

describe("a command of which nearly no value can be generated", () => {
  const schemas: Readonly<Record<string, Schema.Codec<unknown, unknown>>> = {
    "a check that refuses nearly all": Schema.String.check(starts),
    "no value": Schema.Never,
    "no end": Endless,
    "a union without members": Schema.Union([])
  }
  for (const [name, schema] of Object.entries(schemas)) {
    it(`is named, with ${name}`, () => {
      const Thing = thing(schema)
      const Do = Boundary.make("Do", {
        command: Schema.TaggedStruct("Do", { it: schema }),
        participants: () => ({ one: thing(Schema.Int).at("a") }),
        decide: () => Decision.nothing
      })
      for (const use of [() => Laws.check(Thing), () => Histories.of(Thing), () => Histories.distribution([Thing])]) {
        assert.match(messageOf(use), /^the command of Thing with the tag Hard cannot be generated: /)
      }
      assert.match(
        messageOf(() => Laws.check(Do)),
        /^the command of Do cannot be generated: /
      )
    })
  }

  it("may have a generator of its own", () => {
    const Thing = Arbitraries.of(thing(Schema.String.check(starts)), {
      commands: { Hard: { it: Schema.Literal("zzzz") } }
    })
    assert.include(
      messageOf(() => Laws.check(Thing)),
      `.when({ _tag: "Hard", it: "zzzz" })`
    )
  })

  it("may have ids that cannot be generated", () => {
    for (const id of [Schema.String.check(starts), Schema.Never]) {
      assert.match(
        messageOf(() => Laws.check(thing(Schema.Int, id))),
        /^the id of Thing cannot be generated: /
      )
    }
  })
})
