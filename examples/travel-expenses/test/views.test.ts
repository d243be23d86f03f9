import { Scenario } from "@hexfold/testing"
import { DateTime } from "effect"
import { describe, it } from "vitest"
import { Budget, Charged, Granted } from "../src/Budget.ts"
import * as D from "../src/Declaration.ts"
import { Declarations, Histories, LeadTimes, Spending } from "../src/views.ts"

const at = (text: string) => DateTime.makeUnsafe(text)
const since = at("2026-01-05T09:00:00Z")
const claim = { cents: 12_050, budgetId: "budget-1" }
const saved = new D.Saved({ step: 1, at: since, ...claim })
const submitted = new D.Submitted({ step: 2, at: at("2026-01-05T10:30:00Z"), ...claim, cents: 12_000 })
const rejected = new D.Rejected({ step: 3, at: at("2026-01-06T10:30:00Z"), by: "ADMINISTRATION" })
const paid = new D.PaymentHandled({ step: 4, at: at("2026-02-01T00:00:00Z"), cents: 12_000 })

describe("views", () => {
  it("hold the present state of each declaration", () => {
    const record = { budget: claim.budgetId, cents: 12_000, since }
    Scenario.of(Declarations)
      .given(D.Declaration.at("d1"), saved)
      .then({ d1: { ...record, status: "saved", cents: 12_050 } })
      .given(D.Declaration.at("d1"), submitted)
      .given(D.Declaration.at("d2"), saved, paid)
      .then({ d1: { ...record, status: "submitted" }, d2: { ...record, status: "paid", cents: 12_050 } })
      .given(D.Declaration.at("d1"), rejected)
      .then({ d1: { ...record, status: "rejected" }, d2: { ...record, status: "paid", cents: 12_050 } })
  })

  it("hold every step with the role of its author", () => {
    Scenario.of(Histories)
      .with({ actor: "ADMINISTRATION" })
      .given(D.Declaration.at("d1"), rejected)
      .then({
        "0000000000000001": {
          declaration: "d1",
          step: 3,
          what: "DeclarationRejected",
          by: "ADMINISTRATION",
          at: rejected.at
        }
      })
  })

  it("sum what each budget pays in a month", () => {
    const charged = (cents: number, day: string) => new Charged({ declaration: "d1", cents, at: at(day) })
    Scenario.of(Spending)
      .given(Budget.at("b"), new Granted({ cents: 99 }), charged(5, "2026-01-31T23:59:59Z"))
      .given(Budget.at("b"), charged(7, "2026-02-01T00:00:00Z"), charged(8, "2026-02-02T00:00:00Z"))
      .then({
        "b 2026-01": { budget: "b", month: "2026-01", cents: 5, payments: 1 },
        "b 2026-02": { budget: "b", month: "2026-02", cents: 15, payments: 2 }
      })
  })

  it("hold the time that each step took", () => {
    Scenario.of(LeadTimes)
      .given(D.Declaration.at("d1"), saved, submitted, rejected)
      .then({ d1: { last: rejected.at, steps: [{ to: "DeclarationRejected", hours: 24 }] } })
  })
})
