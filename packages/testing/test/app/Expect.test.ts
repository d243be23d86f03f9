import { assert, describe, it } from "@effect/vitest"
import { Decision, Executor } from "@hexfold/core"
import { Expect, TestApp } from "@hexfold/testing"
import { Cause, Effect, Exit, Option, Redacted, Result, Schema } from "effect"
import { Account, Balances, Deposit, Deposited, Overdrawn, Transfer, Withdraw, Withdrawn } from "./bank.ts"

const failureOf = (check: () => void): string => {
  try {
    check()
  } catch (error) {
    assert.instanceOf(error, Expect.ScenarioFailure)
    return error.message
  }
  throw new Error("nothing was thrown")
}

const deposited = Account.decide(new Deposit({ amount: 5 }), 0)
const overdrawn = Account.decide(new Withdraw({ amount: 5 }), 3)
const transfer = { _tag: "Transfer", from: "anna", to: "ben", amount: 5 } as const
const moved = Decision.all({ from: Account.decide(new Withdraw({ amount: 5 }), 9), to: deposited })

describe("Expect", () => {
  it("accepted takes events as arguments, as a list, as plain objects, and none", () => {
    Expect.accepted(deposited, new Deposited({ amount: 5 }))
    Expect.accepted(deposited, [new Deposited({ amount: 5 })])
    Expect.accepted(deposited, { amount: 5, _tag: "Deposited" })
    Expect.accepted(Account.decide(new Deposit({ amount: 0 }), 0))
    assert.strictEqual(
      failureOf(() => Expect.accepted(deposited, new Deposited({ amount: 6 }))),
      `the command caused other events

  [
    {
      "Deposited": {
-       "amount": 6
+       "amount": 5
      }
    }
  ]

(- expected, + actual)`
    )
    assert.include(
      failureOf(() => Expect.accepted(deposited)),
      "the command caused other events"
    )
  })

  it("accepted shows why a command was rejected", () => {
    assert.strictEqual(
      failureOf(() => Expect.accepted(overdrawn, new Withdrawn({ amount: 5 }))),
      `the command was rejected instead of accepted

- [
-   {
-     "Withdrawn": {
-       "amount": 5
-     }
+ {
+   "rejected": {
+     "_tag": "Overdrawn",
+     "balance": 3
    }
- ]
+ }

(- expected, + actual)`
    )
  })

  it("accepted takes the events of a boundary by role", () => {
    Expect.accepted(moved, { from: [new Withdrawn({ amount: 5 })], to: [new Deposited({ amount: 5 })] })
    const decided = Transfer.decide(transfer, { from: 9, to: 0 })
    Expect.accepted(decided, { to: [new Deposited({ amount: 5 })], from: [new Withdrawn({ amount: 5 })] })
    const message = failureOf(() => Expect.accepted(moved, { from: [new Withdrawn({ amount: 5 })] }))
    assert.include(message, `+   "to": [`)
    const none = Decision.all({ from: Decision.nothing, to: deposited })
    Expect.accepted(none, { to: [{ _tag: "Deposited", amount: 5 }] })
  })

  it("rejected compares the error", () => {
    Expect.rejected(overdrawn, new Overdrawn({ balance: 3 }))
    const other = failureOf(() => Expect.rejected(overdrawn, new Overdrawn({ balance: 2 })))
    assert.include(other, "the command was rejected for another reason")
    assert.include(other, `-   "balance": 2\n+   "balance": 3`)
    assert.include(
      failureOf(() => Expect.rejected(deposited, new Overdrawn({ balance: 2 }))),
      "the command was accepted instead of rejected"
    )
  })

  it("values that JSON does not show differ all the same", () => {
    const decision = Decision.accept({ _tag: "Seen", by: new Set(["anna"]), at: new Map([["anna", 1]]) })
    Expect.accepted(decision, { _tag: "Seen", at: new Map([["anna", 1]]), by: new Set(["anna"]) })
    failureOf(() => Expect.accepted(decision, { _tag: "Seen", at: new Map([["anna", 1]]), by: new Set(["ben"]) }))
    failureOf(() => Expect.accepted(decision, { _tag: "Seen", at: new Map([["anna", 2]]), by: new Set(["anna"]) }))
  })

  it("numbers, times and texts that have the same JSON differ", () => {
    class Kept extends Schema.Class<Kept>("Kept")({ in: Schema.ReadonlySet(Schema.Unknown) }) {}
    const values: ReadonlyArray<() => unknown> = [
      () => 1n,
      () => 2n,
      () => "1",
      () => null,
      () => NaN,
      () => Infinity,
      () => -Infinity,
      () => new Date(0),
      () => new Date(NaN),
      () => "1970-01-01T00:00:00.000Z",
      () => /a/,
      () => /b/,
      () => Symbol.for("a"),
      () => Symbol.for("b"),
      () => new Error("a"),
      () => new Error("b"),
      () => Redacted.make("a"),
      () => Redacted.make("b"),
      () => Option.some(1n),
      () => Option.some(NaN),
      () => Option.some(null),
      () =>
        new Map<unknown, unknown>([
          ["a", 1],
          ["b", NaN]
        ]),
      () =>
        new Map<unknown, unknown>([
          ["a", 1],
          ["b", null]
        ]),
      () => new Kept({ in: new Set([1n]) }),
      () => new Kept({ in: new Set([2n]) })
    ]
    for (const [i, one] of values.entries()) {
      for (const [j, other] of values.entries()) {
        const events = () =>
          Expect.accepted(Decision.accept({ _tag: "Seen", it: one() }), { _tag: "Seen", it: other() })
        const errors = () =>
          Expect.rejected(Decision.reject({ _tag: "Wrong", it: one() }), { _tag: "Wrong", it: other() })
        if (i === j) [events, errors].forEach((check) => check())
        else [events, errors].forEach(failureOf)
      }
    }
  })

  it("sets and maps have no order, and streams without events may be left out", () => {
    class Seen extends Schema.TaggedClass<Seen>()("Seen", { by: Schema.ReadonlySet(Schema.String) }) {}
    const [one, other] = [new Set(["anna", "ben"]), new Set(["ben", "anna"])]
    Expect.accepted(Decision.accept(new Seen({ by: one })), new Seen({ by: other }))
    Expect.accepted(Decision.accept(new Seen({ by: one })), { _tag: "Seen", by: other } as Seen)
    const keyed = (set: ReadonlySet<string>) => ({ _tag: "Keyed", by: new Map(Array.from(set, (name) => [name, set])) })
    Expect.accepted(Decision.accept(keyed(one)), keyed(other))
    const seats = (...events: ReadonlyArray<ReadonlyArray<Seen>>) => Result.succeed({ seats: events })
    const event = new Seen({ by: one })
    Expect.accepted(seats([event], [], []), { seats: [[event]] })
    Expect.accepted(seats([event]), { seats: [[event], []] })
    failureOf(() => Expect.accepted(seats([event], []), { seats: [[], [event]] }))
  })

  it.effect("recorded looks at the events of a receipt", () =>
    Effect.gen(function* () {
      const receipt = yield* Executor.execute(Account, "anna", new Deposit({ amount: 5 }))
      Expect.recorded(receipt, new Deposited({ amount: 5 }))
      const both = yield* Executor.execute(Transfer, transfer)
      Expect.recorded(both, new Withdrawn({ amount: 5 }), new Deposited({ amount: 5 }))
      const message = failureOf(() => Expect.recorded(receipt, new Deposited({ amount: 6 })))
      assert.include(message, "the command has recorded other events")
      assert.include(message, `-       "amount": 6\n+       "amount": 5`)
      failureOf(() => Expect.recorded(both, new Withdrawn({ amount: 5 })))
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("records looks at all records of a view", () =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 250 }, (_, i) => `account ${i}`)
      yield* Effect.forEach(ids, (id) => Executor.execute(Account, id, new Deposit({ amount: 1 })), { discard: true })
      yield* TestApp.settled
      const all = Object.fromEntries(ids.map((id) => [id, { balance: 1 }]))
      yield* Expect.records(Balances, all)
      const exit = yield* Effect.exit(Expect.records(Balances, { ...all, "account 249": { balance: 2 } }))
      assert.isTrue(Exit.isFailure(exit))
      const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(failure, Expect.ScenarioFailure)
      assert.include(failure.message, "Balances has other records")
      assert.include(failure.message, `-     "balance": 2\n+     "balance": 1`)
    }).pipe(Effect.provide(TestApp.layer({ views: [Balances] })))
  )
})
