import { View } from "@hexfold/core"
import { ViewScenario } from "@hexfold/testing"
import { DateTime } from "effect"
import { describe, it } from "vitest"
import { Budget, Charged, Granted } from "../src/Budget.ts"
import * as D from "../src/Declaration.ts"
import { Declarations, Histories, LeadTimes, Spending } from "../src/views.ts"

const at = (text: string) => DateTime.makeUnsafe(text)
const since = at("2026-01-05T09:00:00Z")
const claim = { cents: 12_050, budget: "budget-1" }
const saved = new D.Saved({ step: 1, at: since, ...claim })
const submitted = new D.Submitted({ step: 2, at: at("2026-01-05T10:30:00Z"), ...claim, cents: 12_000 })
const rejected = new D.Rejected({ step: 3, at: at("2026-01-06T10:30:00Z"), by: "ADMINISTRATION" })
const paid = new D.PaymentHandled({ step: 4, at: at("2026-02-01T00:00:00Z"), cents: 12_000 })

describe("views", () => {
  it("hold the present state of each declaration", () => {
    const { given } = ViewScenario.of(Declarations)
    const record = { ...claim, cents: 12_000, since }
    given(...View.given(D.Declaration, "d1", saved)).then({ d1: { ...record, status: "saved", cents: 12_050 } })
    given(...View.given(D.Declaration, "d1", saved, submitted, rejected)).then({
      d1: { ...record, status: "rejected" }
    })
    given(...View.given(D.Declaration, "d1", saved, submitted), ...View.given(D.Declaration, "d2", saved, paid)).then({
      d1: { ...record, status: "submitted" },
      d2: { ...record, status: "paid", cents: 12_050 }
    })
  })

  it("hold every step with the role of its author", () => {
    const [given] = View.given(D.Declaration, "d1", rejected)
    const metadata = { correlationId: "d1", causationId: "d1", actor: "ADMINISTRATION" }
    ViewScenario.of(Histories)
      .given({ ...given!, position: 7, metadata })
      .then({
        "0000000000000007": {
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
    ViewScenario.of(Spending)
      .given(
        ...View.given(Budget, "b", new Granted({ cents: 99 }), charged(5, "2026-01-31T23:59:59Z")),
        ...View.given(Budget, "b", charged(7, "2026-02-01T00:00:00Z"), charged(8, "2026-02-02T00:00:00Z"))
      )
      .then({
        "b 2026-01": { budget: "b", month: "2026-01", cents: 5, payments: 1 },
        "b 2026-02": { budget: "b", month: "2026-02", cents: 15, payments: 2 }
      })
  })

  it("hold the time that each step took", () => {
    ViewScenario.of(LeadTimes)
      .given(...View.given(D.Declaration, "d1", saved, submitted, rejected))
      .then({ d1: { last: rejected.at, steps: [{ to: "DeclarationRejected", hours: 24 }] } })
  })
})
