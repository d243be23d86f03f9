/** Sets and maps have no order, and neither have the streams of a role that get no event. */
import { Aggregate, Boundary, Decision, View } from "@hexfold/core"
import { Scenario } from "@hexfold/testing"
import { Result, Schema } from "effect"
import { assert, describe, it } from "vitest"

const names = Schema.ReadonlySet(Schema.String)
const ages = Schema.ReadonlyMap(Schema.String, Schema.Int)
class List extends Schema.TaggedClass<List>()("List", {}) {}
class Refuse extends Schema.TaggedClass<Refuse>()("Refuse", {}) {}
class Listed extends Schema.TaggedClass<Listed>()("Listed", { names, ages }) {}
class Refused extends Schema.TaggedError<Refused>()("Refused", { names }) {}

const content = (...all: ReadonlyArray<string>) => ({
  names: new Set(all),
  ages: new Map(all.map((name) => [name, name.length]))
})
const anna = new Listed(content("anna", "ben"))
const ben = new Listed(content("ben", "anna"))
const cleo = new Listed(content("cleo", "anna"))

const Book = Aggregate.make("Book", {
  id: Schema.NonEmptyString,
  state: Schema.Int,
  initial: 0,
  commands: [List, Refuse],
  events: [Listed],
  errors: [Refused],
  decide: {
    List: () => Decision.accept(anna),
    Refuse: () => Decision.reject(new Refused({ names: anna.names }))
  },
  evolve: { Listed: (count) => count + 1 }
})

const ListAll = Boundary.make("ListAll", {
  command: Schema.TaggedStruct("ListAll", {}),
  participants: () => ({ one: Book.at("one"), all: [Book.at("a"), Book.at("b"), Book.at("c")] }),
  errors: [Refused],
  decide: () => Result.succeed({ one: [anna], all: [[], [anna], []] })
})

describe("an order that has no meaning", () => {
  it("does not matter to events and errors", () => {
    Scenario.of(Book).when(new List()).then(ben)
    Scenario.of(Book)
      .when(new Refuse())
      .thenRejected(new Refused({ names: ben.names }))
    assert.throws(() => Scenario.of(Book).when(new List()).then(cleo), Scenario.ScenarioFailure)
    assert.throws(
      () =>
        Scenario.of(Book)
          .when(new Refuse())
          .thenRejected(new Refused({ names: cleo.names })),
      Scenario.ScenarioFailure
    )
  })

  it("does not matter to the roles of a boundary, and the last streams may be left out", () => {
    const scenario = Scenario.of(ListAll).when({ _tag: "ListAll" })
    scenario.then({ one: [ben], all: [[], [ben]] })
    scenario.then({ all: [[], [ben], []], one: [ben] })
    assert.throws(() => scenario.then({ one: [ben], all: [[ben]] }), Scenario.ScenarioFailure)
    assert.throws(() => scenario.then({ one: [cleo], all: [[], [ben]] }), Scenario.ScenarioFailure)
    assert.throws(() => scenario.then({ one: [ben], all: [[], [ben], [ben]] }), Scenario.ScenarioFailure)
  })

  it("does not matter to records", () => {
    const Lists = View.make("Lists", { from: [Book], state: names, evolve: { Listed: (_, event) => event.names } })
    const scenario = Scenario.of(Lists).given(Book.at("a"), anna).given(Book.at("b"), cleo)
    scenario.then({ b: cleo.names, a: ben.names })
    assert.throws(() => scenario.then({ a: ben.names, b: ben.names }), Scenario.ScenarioFailure)
    assert.throws(() => scenario.then({ a: ben.names }), Scenario.ScenarioFailure)
  })
})
