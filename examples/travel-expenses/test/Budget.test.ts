import { DateTime } from "effect"
import { Scenario } from "@hexfold/testing"
import { describe, it } from "vitest"
import * as B from "../src/Budget.ts"

const budget = Scenario.of(B.Budget)
const granted = new B.Granted({ cents: 10_000 })
const at = DateTime.makeUnsafe("2026-01-05T09:00:00Z")
const charge = (cents: number) => new B.Charge({ declaration: "declaration-1", cents, at })
const charged = (cents: number) => new B.Charged({ declaration: "declaration-1", cents, at })

describe("a budget", () => {
  it("is granted an amount; the same again changes nothing", () =>
    budget
      .when(new B.Grant({ cents: 10_000 }))
      .then(granted)
      .when(new B.Grant({ cents: 10_000 }))
      .thenNothing()
      .when(new B.Grant({ cents: 5_000 }))
      .then(new B.Granted({ cents: 5_000 })))

  it("is charged to the last cent and not beyond", () =>
    budget
      .given(granted, charged(4_000))
      .when(charge(6_001))
      .thenRejected(new B.BudgetExceeded({ cents: 6_001, left: 6_000 }))
      .when(charge(6_000))
      .then(charged(6_000)))

  it("has nothing before it is granted", () =>
    budget.when(charge(1)).thenRejected(new B.BudgetExceeded({ cents: 1, left: 0 })))
})
