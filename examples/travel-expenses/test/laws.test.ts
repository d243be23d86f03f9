import { Arbitraries, Laws } from "@hexfold/testing"
import { Arbitrary, DateTime, Schema } from "effect"
import { describe, it } from "vitest"
import { Budget } from "../src/Budget.ts"
import { Declaration } from "../src/Declaration.ts"
import { HandlePayment } from "../src/HandlePayment.ts"
import { Reminders } from "../src/Reminders.ts"
import { Declarations, Histories, LeadTimes, Spending } from "../src/views.ts"

// Every run of the tests draws other histories.
const runs = 100

const step = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const budget = Schema.Literals(["b1", "b2"])

// With steps in any order and a budget for each declaration, next to no payment would be accepted.
const declarations = Arbitraries.of(Declaration, {
  commands: {
    Save: { budget, step: step(1, 3) },
    Submit: { budget, step: step(4, 6) },
    Approve: { step: step(7, 10) },
    ApproveFinally: { step: step(7, 10) },
    Reject: { step: step(7, 10) },
    GiveUp: { step: step(7, 10) },
    RequestPayment: { step: step(11, 15) },
    HandlePayment: { step: step(16, 20) }
  }
})
const payments = Arbitraries.ofBoundary(HandlePayment, { command: { budget, step: step(16, 20) } })

describe("the laws of the domain", () => {
  it("Declaration keeps the laws of aggregates", () => void Laws.check(Declaration, { runs }))
  it("Budget keeps the laws of aggregates", () => void Laws.check(Budget, { runs }))
  it("HandlePayment keeps the laws of boundaries", () => void Laws.check(payments, { runs, with: [declarations] }))
  it("Declarations keeps the laws of views", () => void Laws.check(Declarations, { runs }))
  it("Histories keeps the laws of views", () => void Laws.check(Histories, { runs }))
  it("LeadTimes keeps the laws of views", () => void Laws.check(LeadTimes, { runs }))
  it("Spending keeps the laws of views", () => void Laws.check(Spending, { runs, with: [payments, declarations] }))

  it("Reminders keeps the laws of processes", () => {
    // Within sixty days of the last time that there is, nothing could be reminded of.
    const at = Arbitrary.map(
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))),
      (day) => DateTime.add(DateTime.makeUnsafe("2026-01-01T09:00:00Z"), { days: day })
    )
    const tags = [
      "Save",
      "Submit",
      "Approve",
      "ApproveFinally",
      "Reject",
      "GiveUp",
      "RequestPayment",
      "HandlePayment"
    ] as const
    const commands = Object.fromEntries(tags.map((tag) => [tag, { at }]))
    Laws.check(Reminders, { runs: 60, with: [Arbitraries.of(Declaration, { commands })] })
  })

  it("the charges of a budget never exceed what was granted when they came", () =>
    void Laws.always(
      Budget,
      "a charge fits",
      (_, after, event) => event._tag !== "BudgetCharged" || event.cents <= 0 || after.spent <= after.granted,
      { runs, with: [payments, declarations] }
    ))

  it("a declaration that is paid stays paid", () =>
    void Laws.always(
      Declaration,
      "once paid, always paid",
      (before, after) => before.status !== "paid" || after.status === "paid",
      { runs }
    ))

  it("a record shows the status of its declaration", () =>
    void Laws.invariant(
      Declarations,
      "a record shows the status",
      (records, states) => [...states.of(Declaration)].every(([id, { status }]) => records.get(id)?.status === status),
      { runs }
    ))
})
