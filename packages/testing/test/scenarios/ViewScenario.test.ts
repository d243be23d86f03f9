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
})
