import * as Compatibility from "@hexfold/testing/Compatibility"
import { expect, it } from "vitest"
import { CheckOutTogether } from "../src/CheckOutTogether.ts"
import { Group } from "../src/Group.ts"
import { GroupCheckOut } from "../src/GroupCheckOut.ts"
import { Stay } from "../src/Stay.ts"

it("a change survives what is stored, and its golden files are complete", () => {
  const folder = new URL("golden/", import.meta.url)
  const reports = Compatibility.checkAll([Stay, Group, GroupCheckOut], { folder, with: [CheckOutTogether] })
  expect(reports.map(({ outcome }) => outcome)).toEqual(["complete", "complete", "complete"])
})
