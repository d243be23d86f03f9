import { Aggregate, View } from "@hexfold/core"
import { Scenario, ViewScenario } from "@hexfold/testing"
import { DateTime, Schema } from "effect"
import { assert, describe, expect, it } from "vitest"

class Deposited extends Schema.TaggedClass<Deposited>()("Deposited", { amount: Schema.Int }) {}
class Closed extends Schema.TaggedClass<Closed>()("Closed", {}) {}

const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [Deposited, Closed],
  errors: [],
  decide: {},
  evolve: { Deposited: (sum, { amount }) => sum + amount, Closed: () => 0 }
})

class Summary extends Schema.Class<Summary>("Summary")({ total: Schema.Int, lastAt: Schema.DateTimeUtc }) {}

const Summaries = View.make("Summaries", {
  from: [Account],
  state: Summary,
  evolve: {
    Deposited: (summary, { amount }, { recordedAt }) =>
      new Summary({ total: (summary?.total ?? 0) + amount, lastAt: recordedAt }),
    Closed: () => undefined
  }
})

const Totals = View.make("Totals", {
  from: [Account],
  state: Schema.Int,
  evolve: { Deposited: (sum = 0, { amount }) => sum + amount, Closed: () => undefined }
})

const totals = ViewScenario.of(Totals)

const Stranger = Aggregate.make("Stranger", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [],
  events: [Closed],
  errors: [],
  decide: {},
  evolve: { Closed: () => 0 }
})

const scenario = ViewScenario.of(Summaries)
const lastAt = DateTime.makeUnsafe(0)
const deposit = (id: string, ...amounts: ReadonlyArray<number>) =>
  View.given(Account, id, ...amounts.map((amount) => new Deposited({ amount }))).map((given) => ({
    ...given,
    recordedAt: lastAt
  }))

describe("a scenario of a view", () => {
  it("holds if the records are these, in whatever order", () => {
    scenario.given(...deposit("b", 1, 2), ...deposit("a", 5)).then({
      a: new Summary({ total: 5, lastAt }),
      b: new Summary({ total: 3, lastAt })
    })
    scenario.given(...deposit("a", 1), ...View.given(Account, "a", new Closed())).thenNothing()
    scenario.given().thenNothing()
  })

  it("fails with the difference, line by line", () => {
    const failure = (): unknown => {
      try {
        scenario.given(...deposit("a", 1)).then({ a: new Summary({ total: 2, lastAt }) })
      } catch (error) {
        return error
      }
      return undefined
    }
    const error = failure()
    assert.instanceOf(error, Scenario.ScenarioFailure)
    expect((error as Error).message).toContain("Summaries has other records")
    expect((error as Error).message).toContain('-     "total": 2')
    expect((error as Error).message).toContain('+     "total": 1')
    assert.throws(() => scenario.given(...deposit("a", 1)).thenNothing(), Scenario.ScenarioFailure)
    assert.throws(() => scenario.given().then({ a: new Summary({ total: 1, lastAt }) }), Scenario.ScenarioFailure)
  })

  it("takes events of an aggregate with an id, and of a participant, as arguments or as a list", () => {
    const one = new Deposited({ amount: 1 })
    const two = new Deposited({ amount: 2 })
    totals.given(Account, "a", one, two).given(Account.at("b"), two).then({ a: 3, b: 2 })
    totals.given(Account, "a", [one, two]).given(Account.at("b"), [two]).then({ a: 3, b: 2 })
    totals.given(Account.at("a"), one).given(Account, "a", new Closed()).thenNothing()
    totals
      .given(...View.given(Account, "a", one))
      .given(View.given(Account, "b", two))
      .then({ a: 1, b: 2 })
    assert.throws(() => totals.given(Account, "a", one).then({ a: 2 }), Scenario.ScenarioFailure)
  })

  it("gives events of a participant the id of their aggregate", () => {
    const Numbered = Aggregate.make("Numbered", {
      id: Schema.Int,
      state: Schema.Int,
      initial: 0,
      commands: [],
      events: [Closed],
      errors: [],
      decide: {},
      evolve: { Closed: () => 0 }
    })
    const Ids = View.make("Ids", { from: [Numbered], state: Schema.Int, evolve: { Closed: (_, _event, { id }) => id } })
    ViewScenario.of(Ids).given(Numbered.at(7), new Closed()).given(Numbered, 8, new Closed()).then({ 7: 7, 8: 8 })
  })

  it("with a wrong id, event or aggregate does not compile", () => {
    const wrong = () => {
      // @ts-expect-error an id of an account is a text
      totals.given(Account, 7, new Closed())
      // @ts-expect-error an account has no event Opened
      totals.given(Account, "a", { _tag: "Opened" })
      // @ts-expect-error an account has no event Opened
      totals.given(Account.at("a"), [{ _tag: "Opened" }])
      // @ts-expect-error the view does not follow this aggregate
      totals.given(Stranger, "a", new Closed())
      // @ts-expect-error the view does not follow this aggregate
      totals.given(Stranger.at("a"), new Closed())
      // @ts-expect-error a total is a number
      totals.given().then({ a: "3" })
    }
    expect(wrong).toBeTypeOf("function")
  })
})
