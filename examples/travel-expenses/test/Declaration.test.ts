import { Scenario } from "@hexfold/testing"
import { DateTime } from "effect"
import { describe, it } from "vitest"
import * as D from "../src/Declaration.ts"

const at = DateTime.makeUnsafe("2026-01-05T09:00:00Z")
const claim = { cents: 12_050, budget: "budget-1" }
const claimed = { cents: 12_050, budgetId: "budget-1" }
const declaration = Scenario.of(D.Declaration)

const submitted = new D.Submitted({ step: 1, at, ...claimed })
const rejected = new D.Rejected({ step: 2, at, by: "SUPERVISOR" })
const approved = new D.FinallyApproved({ step: 2, at })
const requested = new D.PaymentRequested({ step: 3, at })

describe("a declaration", () => {
  it("is saved only when it is new", () => {
    declaration
      .given()
      .when(new D.Save({ step: 1, at, ...claim }))
      .then(new D.Saved({ step: 1, at, ...claimed }))
    declaration
      .given(submitted)
      .when(new D.Save({ step: 2, at, ...claim }))
      .thenRejected(new D.NotNew({ status: "submitted" }))
  })

  it("is submitted when it is with the employee", () => {
    const submit = new D.Submit({ step: 5, at, ...claim })
    for (const history of [
      [],
      [new D.Saved({ step: 1, at, ...claimed })],
      [submitted, rejected],
      [submitted, rejected, new D.GivenUp({ step: 3, at })]
    ]) {
      declaration
        .given(...history)
        .when(submit)
        .then(new D.Submitted({ step: 5, at, ...claimed }))
    }
    declaration
      .given(submitted)
      .when(submit)
      .thenRejected(new D.NotWithEmployee({ status: "submitted" }))
  })

  it("is approved by a budget owner only after the administration, each time it is submitted", () => {
    const byOwner = new D.Approve({ step: 9, at, by: "BUDGET OWNER" })
    const byAdministration = new D.Approved({ step: 2, at, by: "ADMINISTRATION" })
    declaration
      .given(submitted)
      .when(byOwner)
      .thenRejected(new D.NotChecked({ status: "submitted" }))
    declaration
      .given(submitted, byAdministration)
      .when(byOwner)
      .then(new D.Approved({ step: 9, at, by: "BUDGET OWNER" }))
    declaration
      .given(submitted, byAdministration, rejected, new D.Submitted({ step: 4, at, ...claimed }))
      .when(byOwner)
      .thenRejected(new D.NotChecked({ status: "submitted" }))
  })

  it("can be sent back until its payment is requested", () => {
    const reject = new D.Reject({ step: 9, at, by: "MISSING" })
    declaration
      .given(submitted, approved)
      .when(reject)
      .then(new D.Rejected({ step: 9, at, by: "MISSING" }))
    declaration
      .given(submitted, approved, requested)
      .when(reject)
      .thenRejected(new D.NotInApproval({ status: "payment requested" }))
  })

  it("is given up only when it came back", () => {
    declaration
      .given(submitted, rejected)
      .when(new D.GiveUp({ step: 3, at }))
      .then(new D.GivenUp({ step: 3, at }))
    declaration
      .given(submitted)
      .when(new D.GiveUp({ step: 3, at }))
      .thenRejected(new D.NotRejected({ status: "submitted" }))
  })

  it("is paid what was claimed, once it was approved and requested", () => {
    declaration
      .given(submitted)
      .when(new D.RequestPayment({ step: 3, at }))
      .thenRejected(new D.NotApproved({ status: "submitted" }))
    declaration
      .given(submitted, approved)
      .when(new D.HandlePayment({ step: 4, at }))
      .thenRejected(new D.PaymentNotRequested({ status: "approved" }))
    declaration
      .given(submitted, approved, requested)
      .when(new D.HandlePayment({ step: 4, at }))
      .then(new D.PaymentHandled({ step: 4, at, cents: 12_050 }))
  })

  it("takes no step that is older than one it took", () => {
    declaration
      .given(submitted, approved)
      .when(new D.Reject({ step: 2, at, by: "SUPERVISOR" }))
      .thenRejected(new D.StepOutOfOrder({ step: 2, last: 2 }))
  })
})
