import * as Compatibility from "@hexfold/testing/Compatibility"
import { expect, it } from "vitest"
import { Budget } from "../src/Budget.ts"
import { Declaration } from "../src/Declaration.ts"
import { HandlePayment } from "../src/HandlePayment.ts"
import { Reminders } from "../src/Reminders.ts"
import { Declarations, Histories, LeadTimes, Spending } from "../src/views.ts"

it("a change survives what is stored, and its golden files are complete", () => {
  const folder = new URL("golden/", import.meta.url)
  const all = [Declaration, Budget, Declarations, Histories, LeadTimes, Spending, Reminders]
  const reports = Compatibility.checkAll(all, { folder, with: [HandlePayment] })
  expect(reports.map(({ outcome }) => outcome)).toEqual(all.map(() => "complete"))
})
