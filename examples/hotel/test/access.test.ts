import { Policy, Query } from "@hexfold/core"
import { assert, describe, it } from "vitest"
import { Stays, stays } from "../src/api.ts"

const anna = (group: unknown) => Policy.caller("anna", { claims: { group } })
const rowsFor = (caller: Policy.Caller) => Query.from(Stays, { where: (filters) => stays.rows!(caller, filters) }).where

describe("who sees which guests", () => {
  it("is the staff, and a guest for the own group", () => {
    for (const role of ["reception", "bar"]) {
      const staff = Policy.caller("ben", { roles: [role] })
      assert.strictEqual(Policy.answer(stays.read, staff), "permitted")
      assert.deepStrictEqual(rowsFor(staff), { _tag: "And", filters: [] })
    }
    assert.strictEqual(Policy.answer(stays.read, anna("painters")), "permitted")
    const own = { _tag: "Compare", path: ["group"], is: "eq", value: "painters" }
    assert.deepStrictEqual<unknown>(rowsFor(anna("painters")), own)
  })

  it("is no guest whose token says no group", () => {
    for (const caller of [Policy.caller("anna"), anna(undefined), anna(7)]) {
      assert.strictEqual(Policy.answer(stays.read, caller), "forbidden")
      assert.deepStrictEqual(rowsFor(caller), { _tag: "Or", filters: [] })
    }
  })
})
