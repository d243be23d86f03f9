import * as Compatibility from "@hexfold/testing/Compatibility"
import { expect, it } from "vitest"
import { Account } from "../src/Account.ts"
import { Rules, TransferMoney } from "../src/TransferMoney.ts"

it("a change survives what is stored, and its golden files are complete", () => {
  const folder = new URL("golden/", import.meta.url)
  const reports = Compatibility.checkAll([Account, Rules], { folder, with: [TransferMoney] })
  expect(reports.map(({ outcome }) => outcome)).toEqual(["complete", "complete"])
})
