import { DateTime, Result } from "effect"
import { assert, describe, it } from "vitest"
import { BudgetExceeded, Charged } from "../src/Budget.ts"
import * as D from "../src/Declaration.ts"
import { HandlePayment, OtherBudget } from "../src/HandlePayment.ts"

const at = DateTime.makeUnsafe("2026-01-05T09:00:00Z")
const payment = { _tag: "HandlePayment", step: 4, at, declaration: "declaration-1", budget: "budget-1" } as const
const requested: D.State = { status: "payment requested", cents: 12_050, budget: "budget-1", checked: true, step: 3 }

describe("a payment", () => {
  it("pays the declaration and charges its budget", () => {
    assert.deepStrictEqual(
      HandlePayment.decide(payment, { declaration: requested, budget: { granted: 20_000, spent: 0 } }),
      Result.succeed({
        declaration: [new D.PaymentHandled({ step: 4, at, cents: 12_050 })],
        budget: [new Charged({ declaration: "declaration-1", cents: 12_050, at })]
      })
    )
  })

  it("is rejected when the budget would be exceeded", () => {
    assert.deepStrictEqual(
      HandlePayment.decide(payment, { declaration: requested, budget: { granted: 20_000, spent: 10_000 } }),
      Result.fail(new BudgetExceeded({ cents: 12_050, left: 10_000 }))
    )
  })

  it("is rejected when it was not requested, whatever is left in the budget", () => {
    assert.deepStrictEqual(
      HandlePayment.decide(payment, {
        declaration: { ...requested, status: "approved" },
        budget: { granted: 0, spent: 0 }
      }),
      Result.fail(new D.PaymentNotRequested({ status: "approved" }))
    )
  })

  it("is rejected when the declaration was claimed on another budget", () => {
    assert.deepStrictEqual(
      HandlePayment.decide(payment, {
        declaration: { ...requested, budget: "budget-2" },
        budget: { granted: 20_000, spent: 0 }
      }),
      Result.fail(new OtherBudget({ claimed: "budget-2" }))
    )
  })
})
