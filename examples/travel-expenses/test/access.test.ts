import { Policy, Query } from "@hexfold/core"
import { assert, describe, it } from "vitest"
import { budget, declaration, declarations, spending } from "../src/api.ts"
import { Approve, Declaration } from "../src/Declaration.ts"
import { Declarations, Spending } from "../src/views.ts"
import { DateTime } from "effect"

const owner = (claims: Record<string, unknown>) => Policy.caller("bob", { roles: ["BUDGET OWNER"], claims })
const bob = owner({ budget: "budget-1" })
const without = [owner({}), owner({ budget: undefined }), owner({ budget: 1 })]

const rowsOfDeclarations = (caller: Policy.Caller) =>
  Query.from(Declarations, { where: (filters) => declarations.rows!(caller, filters) }).where
const rowsOfSpending = (caller: Policy.Caller) =>
  Query.from(Spending, { where: (filters) => spending.rows!(caller, filters) }).where

describe("a budget owner", () => {
  it("sees and decides about the own budget", () => {
    const own = { _tag: "Compare", path: ["budget"], is: "eq", value: "budget-1" }
    assert.deepStrictEqual<unknown>(rowsOfDeclarations(bob), own)
    assert.deepStrictEqual<unknown>(rowsOfSpending(bob), own)
    assert.strictEqual(approves(bob, "budget-1"), "permitted")
    assert.strictEqual(approves(bob, "budget-2"), "forbidden")
  })

  it("whose token says no budget has none, not even one of that name", () => {
    for (const caller of without) {
      const none = { _tag: "Or", filters: [] }
      assert.deepStrictEqual<unknown>(rowsOfDeclarations(caller), none)
      assert.deepStrictEqual<unknown>(rowsOfSpending(caller), none)
      for (const name of ["undefined", "1", "", null]) assert.strictEqual(approves(caller, name), "forbidden")
      const read = { id: "undefined", state: undefined }
      assert.strictEqual(Policy.answer(budget.state!, caller, read), "forbidden")
    }
  })
})

const approves = (caller: Policy.Caller, of: string | null) => {
  const command = new Approve({ step: 1, at: DateTime.makeUnsafe(0), by: "BUDGET OWNER" })
  const { Approve: rule } = declaration
  if (typeof rule === "string" || !("whenState" in rule)) throw new Error("the rule is not one on the state")
  return Policy.answerOnState(rule, caller, { id: "d", command }, { ...Declaration.initial, budget: of })
}
