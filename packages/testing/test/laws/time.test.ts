/** Functions that ask for the time, or gamble on something rare. */
import { Aggregate, Decision, View } from "@hexfold/core"
import { Laws } from "@hexfold/testing"
import { DateTime, Schema } from "effect"
import { assert, describe, it } from "vitest"

const few = { runs: 100, seed: 7 }

const found = (law: string, check: () => unknown) => {
  try {
    check()
  } catch (failure) {
    assert.instanceOf(failure, Laws.LawFailure)
    assert.strictEqual(failure.law, law, failure.message)
    assert.strictEqual(failure.steps, 1, failure.message)
    return
  }
  assert.fail(`the laws have not found it: ${law}`)
}

const Stamp = Schema.TaggedStruct("Stamp", { at: Schema.Date })
const Stamped = Schema.TaggedStruct("Stamped", { by: Schema.Finite, at: Schema.Date })

const clock = ({ asked, evolved }: { readonly asked: () => number; readonly evolved: () => number }) =>
  Aggregate.make("Clock", {
    id: Schema.NonEmptyString,
    state: Schema.Finite,
    initial: 0,
    commands: [Stamp],
    events: [Stamped],
    decide: {
      Stamp: ({ at }) => {
        assert.instanceOf(at, Date)
        return Decision.accept({ _tag: "Stamped" as const, by: asked(), at: new Date(at) })
      }
    },
    evolve: { Stamped: (_, { by }) => by + evolved() }
  })

const zero = () => 0
const years = {
  "new Date()": () => new Date().getFullYear(),
  "Date.now()": () => Math.floor(Date.now() / 86_400_000),
  "DateTime.nowUnsafe()": () => DateTime.getPartUtc(DateTime.nowUnsafe(), "year"),
  "Math.random()": () => (Math.random() < 1e-9 ? 1 : 2)
}

describe("what happens on another day is another thing", () => {
  for (const [name, ask] of Object.entries(years)) {
    it(`in decide, by ${name}`, () =>
      found("decide is deterministic", () => Laws.check(clock({ asked: ask, evolved: zero }), few)))

    it(`in evolve, by ${name}`, () =>
      found("evolve is deterministic", () => Laws.check(clock({ asked: zero, evolved: ask }), few)))

    it(`in a view, by ${name}`, () => {
      const Days = View.make("Days", {
        from: [clock({ asked: zero, evolved: zero })],
        state: Schema.Finite,
        evolve: { Stamped: () => ask() }
      })
      found("evolve is deterministic", () => Laws.check(Days, few))
    })
  }

  it("and the machine has its own time afterwards", () => {
    const parts = () => [globalThis.Date, Reflect.get(Date, "now"), Reflect.get(Math, "random")]
    const before = parts()
    Laws.check(clock({ asked: zero, evolved: zero }), few)
    for (const [i, part] of parts().entries()) assert.strictEqual(part, before[i])
  })
})
