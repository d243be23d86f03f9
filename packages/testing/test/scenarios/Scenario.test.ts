import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Decision } from "@hexfold/core"
import { Scenario } from "@hexfold/testing"
import { Schema } from "effect"

const Deposit = Schema.TaggedStruct("Deposit", { amount: Schema.Int })
const Withdraw = Schema.TaggedStruct("Withdraw", { amount: Schema.Int })
const Deposited = Schema.TaggedStruct("Deposited", { amount: Schema.Int, cents: Schema.BigInt })
const Withdrawn = Schema.TaggedStruct("Withdrawn", { amount: Schema.Int })
class TooMuch extends Schema.TaggedError<TooMuch>()("TooMuch", { balance: Schema.Int, requested: Schema.Int }) {}
class Frozen extends Schema.TaggedError<Frozen>()("Frozen", {}) {}

const Purse = Aggregate.make("Purse", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Deposit, Withdraw],
  events: [Deposited, Withdrawn],
  errors: [TooMuch, Frozen],
  decide: {
    Deposit: ({ amount }, balance) =>
      balance > 99
        ? Decision.reject(new Frozen())
        : amount === 0
          ? Decision.nothing
          : Decision.accept({ _tag: "Deposited", amount, cents: BigInt(amount) * 100n }),
    Withdraw: ({ amount }, balance) =>
      amount > balance
        ? Decision.reject(new TooMuch({ balance, requested: amount }))
        : Decision.accept({ _tag: "Withdrawn", amount })
  },
  evolve: {
    Deposited: (balance, { amount }) => balance + amount,
    Withdrawn: (balance, { amount }) => balance - amount
  }
})

const purse = Scenario.of(Purse)
const deposited = (amount: number) => Deposited.make({ amount, cents: BigInt(amount) * 100n })
const deposit = (amount: number) => Deposit.make({ amount })
const withdraw = (amount: number) => Withdraw.make({ amount })
const withdrawn = (amount: number) => Withdrawn.make({ amount })

const failureOf = (scenario: () => void): Scenario.ScenarioFailure => {
  try {
    scenario()
  } catch (failure) {
    if (failure instanceof Scenario.ScenarioFailure) return failure
    throw failure
  }
  return expect.fail("the scenario passed")
}

describe("then", () => {
  it("passes for exactly these events", () => {
    purse.given().when(deposit(2)).then(deposited(2))
    purse.given(deposited(5), withdrawn(1)).when(withdraw(4)).then(withdrawn(4))
  })

  it("fails for an event with another field, for one too many, one too few, and for another order", () => {
    const when = purse.given(deposited(5)).when(withdraw(2))
    for (const expected of [
      [withdrawn(3)],
      [withdrawn(2), withdrawn(2)],
      [],
      [deposited(2)],
      [deposited(2), withdrawn(2)]
    ]) {
      expect(() => when.then(...expected)).toThrow("Withdraw caused other events")
    }
  })

  it("fails for a rejected command, with the error", () => {
    const failure = failureOf(() => purse.given(deposited(5)).when(withdraw(6)).then(withdrawn(6)))
    expect(failure.message).toContain("Withdraw was rejected instead of accepted")
    expect(failure.actual).toEqual({ rejected: { _tag: "TooMuch", balance: 5, requested: 6 } })
  })

  it("shows the difference line by line", () => {
    const failure = failureOf(() => purse.given().when(deposit(3)).then(deposited(2), withdrawn(1)))
    expect(failure.message).toBe(`Deposit caused other events

  [
    {
      "Deposited": {
-       "amount": 2,
-       "cents": "200"
+       "amount": 3,
+       "cents": "300"
      }
-   },
-   {
-     "Withdrawn": {
-       "amount": 1
-     }
    }
  ]

(- expected, + actual)`)
    expect(failure.expected).toEqual([{ Deposited: { amount: 2, cents: "200" } }, { Withdrawn: { amount: 1 } }])
    expect(failure.actual).toEqual([{ Deposited: { amount: 3, cents: "300" } }])
  })
})

describe("thenRejected", () => {
  it("passes for exactly this error", () => {
    purse
      .given(deposited(5))
      .when(withdraw(6))
      .thenRejected(new TooMuch({ balance: 5, requested: 6 }))
  })

  it("fails for another error, and for this one with another field", () => {
    const when = purse.given(deposited(5)).when(withdraw(6))
    expect(() => when.thenRejected(new Frozen())).toThrow("Withdraw was rejected for another reason")
    const failure = failureOf(() => when.thenRejected(new TooMuch({ balance: 4, requested: 6 })))
    expect(failure.message).toBe(`Withdraw was rejected for another reason

  {
    "_tag": "TooMuch",
-   "balance": 4,
+   "balance": 5,
    "requested": 6
  }

(- expected, + actual)`)
  })

  it("fails for an accepted command, with its events", () => {
    const failure = failureOf(() =>
      purse
        .given(deposited(5))
        .when(withdraw(1))
        .thenRejected(new TooMuch({ balance: 5, requested: 1 }))
    )
    expect(failure.message).toContain("Withdraw was accepted instead of rejected")
    expect(failure.expected).toEqual({ rejected: { _tag: "TooMuch", balance: 5, requested: 1 } })
    expect(failure.actual).toEqual([{ Withdrawn: { amount: 1 } }])
  })
})

describe("thenNothing", () => {
  it("passes for a command that is accepted without an event", () => {
    purse.given(deposited(5)).when(deposit(0)).thenNothing()
  })

  it("fails for a command that causes events, and for one that is rejected", () => {
    expect(() => purse.given().when(deposit(1)).thenNothing()).toThrow("Deposit caused other events")
    expect(() => purse.given().when(withdraw(1)).thenNothing()).toThrow("Withdraw was rejected instead of accepted")
  })
})

describe("events", () => {
  it("are given and expected as arguments, as a list, or both", () => {
    purse
      .given([deposited(5), withdrawn(1)])
      .when(withdraw(4))
      .then([withdrawn(4)])
    purse
      .given([deposited(5)], withdrawn(1))
      .when(withdraw(4))
      .then(withdrawn(4))
    purse.given([]).when(deposit(0)).then([])
    expect(() =>
      purse
        .given([deposited(5)])
        .when(withdraw(4))
        .then([])
    ).toThrow("Withdraw caused other events")
  })

  it("may be given together with the aggregate, or not at all", () => {
    Scenario.given(Purse, deposited(5), withdrawn(1)).when(withdraw(4)).then(withdrawn(4))
    Scenario.given(Purse, [deposited(5)])
      .when(withdraw(4))
      .then([withdrawn(4)])
    Scenario.given(Purse).when(deposit(2)).then(deposited(2))
    purse.when(deposit(2)).then(deposited(2))
  })
})

describe("a scenario", () => {
  it("may check one decision several times, and start several from one history", () => {
    const history = purse.given(deposited(5))
    const when = history.when(withdraw(2))
    when.then(withdrawn(2))
    when.then(withdrawn(2))
    history.when(withdraw(5)).then(withdrawn(5))
  })

  it("lets an exception of the domain through", () => {
    const bug = new Error("a mistake")
    const Broken = Aggregate.make("Broken", {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      commands: [Deposit],
      events: [Deposited],
      errors: [],
      decide: {
        Deposit: () => {
          throw bug
        }
      },
      evolve: { Deposited: (balance) => balance }
    })
    expect(() => Scenario.of(Broken).given().when(deposit(1)).thenNothing()).toThrow(bug)
  })

  it("compares events by their fields: a plain object equals an instance of a class, in any order of fields", () => {
    class AWithdrawal {
      readonly amount = 2
      readonly _tag = "Withdrawn"
    }
    const when = purse.given(deposited(5)).when(withdraw(2))
    when.then(new AWithdrawal())
    when.then({ _tag: "Withdrawn", amount: 2 })
    when.then({ amount: 2, _tag: "Withdrawn" })
  })

  it("with an event, a command or an error of another aggregate does not compile", () => {
    const foreign = () => {
      // @ts-expect-error there is no event Opened
      purse.given({ _tag: "Opened" })
      // @ts-expect-error there is no event Opened
      purse.given([{ _tag: "Opened" }])
      // @ts-expect-error there is no event Opened
      Scenario.given(Purse, { _tag: "Opened" })
      const when = purse.given().when(deposit(1))
      // @ts-expect-error there is no event Opened
      when.then([{ _tag: "Opened" }])
      // @ts-expect-error there is no command Close
      purse.given().when({ _tag: "Close" })
      // @ts-expect-error there is no event Opened
      purse.given().when(deposit(1)).then({ _tag: "Opened" })
      // @ts-expect-error there is no error Gone
      purse.given().when(deposit(1)).thenRejected({ _tag: "Gone" })
    }
    expect(foreign).toBeTypeOf("function")
  })
})
