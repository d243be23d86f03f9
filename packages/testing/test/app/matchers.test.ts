import "@hexfold/testing/vitest"
import { describe, expect, it } from "@effect/vitest"
import { Decision, Executor } from "@hexfold/core"
import { TestApp } from "@hexfold/testing"
import { Effect } from "effect"
import { Account, Deposit, Deposited, Overdrawn, Transfer, Withdraw, Withdrawn } from "./bank.ts"

const deposited = Account.decide(new Deposit({ amount: 5 }), 0)
const overdrawn = Account.decide(new Withdraw({ amount: 5 }), 3)
const moved = Transfer.decide({ _tag: "Transfer", from: "anna", to: "ben", amount: 5 }, { from: 9, to: 0 })

describe("the matchers of Vitest", () => {
  it("toAccept and toRejectWith take decisions", () => {
    expect(deposited).toAccept(new Deposited({ amount: 5 }))
    expect(deposited).not.toAccept(new Deposited({ amount: 6 }))
    expect(Account.decide(new Deposit({ amount: 0 }), 0)).toAccept()
    expect(moved).toAccept({ from: [new Withdrawn({ amount: 5 })], to: [new Deposited({ amount: 5 })] })
    expect(Decision.all({ to: deposited })).toAccept({ to: [new Deposited({ amount: 5 })] })
    expect(overdrawn).toRejectWith(new Overdrawn({ balance: 3 }))
    expect(overdrawn).not.toRejectWith(new Overdrawn({ balance: 4 }))
    expect(overdrawn).not.toAccept()
  })

  it("a failure shows the difference of Expect", () => {
    expect(() => expect(deposited).toAccept(new Deposited({ amount: 6 }))).toThrow(
      `the command caused other events\n\n  [\n    {\n      "Deposited": {\n-       "amount": 6\n+       "amount": 5`
    )
    expect(() => expect(overdrawn).toRejectWith(new Overdrawn({ balance: 4 }))).toThrow("for another reason")
    expect(() => expect(deposited).not.toAccept(new Deposited({ amount: 5 }))).toThrow(
      "the command was accepted with exactly these events"
    )
    expect(() => expect(overdrawn).not.toRejectWith(new Overdrawn({ balance: 3 }))).toThrow("with exactly this error")
  })

  it.effect("toHaveRecorded takes receipts", () =>
    Effect.gen(function* () {
      const receipt = yield* Executor.execute(Account, "anna", new Deposit({ amount: 5 }))
      expect(receipt).toHaveRecorded(new Deposited({ amount: 5 }))
      expect(receipt).not.toHaveRecorded()
      expect(() => expect(receipt).toHaveRecorded()).toThrow("the command has recorded other events")
      expect(() => expect(receipt).not.toHaveRecorded(new Deposited({ amount: 5 }))).toThrow("exactly these events")
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it("a value of another kind is refused, by the compiler and when it runs", () => {
    // @ts-expect-error a string is not a decision
    expect(() => expect("text").toAccept(new Deposited({ amount: 5 }))).toThrow("is not a decision")
    // @ts-expect-error a decision is not a receipt
    expect(() => expect(deposited).toHaveRecorded(new Deposited({ amount: 5 }))).toThrow("is not a receipt")
    // @ts-expect-error the account has no such event
    expect(deposited).not.toAccept({ _tag: "Closed" })
    // @ts-expect-error the account has no such error
    expect(overdrawn).not.toRejectWith({ _tag: "Closed" })
    // @ts-expect-error the boundary has no such role
    expect(Decision.all({ to: deposited })).not.toAccept({ other: [new Deposited({ amount: 5 })] })
  })
})
