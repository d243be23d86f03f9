import { Arbitraries, Histories } from "@hexfold/testing"
import * as FastCheck from "@hexfold/testing/FastCheck"
import fc from "fast-check"
import { assert, describe, it } from "vitest"
import { Account } from "../histories/bank.ts"

describe("properties of fast-check", () => {
  it("get generated values", () => {
    const { commands } = Arbitraries.of(Account)
    const seen = fc.sample(FastCheck.from(commands.Deposit), { numRuns: 200, seed: 1 })
    assert.isTrue(seen.every(({ amount }) => amount > 0))
    assert.isAbove(new Set(seen.map(({ amount }) => amount)).size, 20)
    assert.deepStrictEqual(seen, fc.sample(FastCheck.from(commands.Deposit), { numRuns: 200, seed: 1 }))
  })

  it("shrink as the values do, and repeat a run by its seed and path", () => {
    const poor = fc.property(FastCheck.from(Histories.of(Account)), ({ state }) => state.balance < 100)
    const failed = fc.check(poor, { numRuns: 5_000 })
    assert.isTrue(failed.failed)
    const [history] = failed.counterexample!
    assert.deepStrictEqual(
      history.steps.map(({ command }) => ({ ...command })),
      [{ _tag: "Deposit", amount: 100 }]
    )
    const again = fc.check(poor, { seed: failed.seed, path: failed.counterexamplePath!, endOnFailure: true })
    assert.deepStrictEqual(again.counterexample, failed.counterexample)
  })
})
