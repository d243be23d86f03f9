import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { type InvalidKey, View } from "@hexfold/core"
import { type DateTime, type Result, Schema } from "effect"
import { Account, AccountId, AccountOpened, MoneyDeposited, type MoneyWithdrawn } from "../support/account.ts"
import { Budget, type BudgetDeposit, BudgetSet } from "../support/budget.ts"

// What is expected here is checked by the compiler.

const Summary = Schema.TaggedUnion({ Good: { deposits: Schema.Int }, Bad: {} })
type Summary = typeof Summary.Type

type OfAccount = View.Envelope<"Account", AccountId>
type OfBudget = View.Envelope<"Budget", number>

describe("a handler", () => {
  it("knows the state, the event and the envelope without a type annotation", () => {
    View.make("Summaries", {
      from: [Account],
      state: Summary,
      evolve: {
        MoneyDeposited: (state, event, envelope) => {
          expectTypeOf(state).toEqualTypeOf<Summary | undefined>()
          expectTypeOf(event).toEqualTypeOf<MoneyDeposited>()
          expectTypeOf(envelope).toEqualTypeOf<OfAccount>()
          expectTypeOf(envelope.aggregate).toEqualTypeOf<"Account">()
          expectTypeOf(envelope.id).toEqualTypeOf<AccountId>()
          expectTypeOf(envelope.recordedAt).toEqualTypeOf<DateTime.Utc>()
          return state
        }
      }
    })
  })

  it("of an event that several sources have gets the union of both, and the aggregate's name tells the ids apart", () => {
    View.make("Summaries", {
      from: [Account, Budget],
      state: Summary,
      evolve: {
        MoneyDeposited: (state, event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<MoneyDeposited | typeof BudgetDeposit.Type>()
          expectTypeOf(envelope).toEqualTypeOf<OfAccount | OfBudget>()
          if (envelope.aggregate === "Budget") expectTypeOf(envelope.id).toEqualTypeOf<number>()
          else expectTypeOf(envelope.id).toEqualTypeOf<AccountId>()
          return state
        },
        BudgetSet: (state, event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<BudgetSet>()
          expectTypeOf(envelope).toEqualTypeOf<OfBudget>()
          return state
        }
      }
    })
  })

  it("of an event that no source has does not compile", () => {
    const inline = () =>
      View.make("Summaries", {
        from: [Account],
        state: Schema.Int,
        evolve: {
          MoneyDeposited: (count = 0) => count + 1,
          // @ts-expect-error no source has an event with the tag BudgetSet
          BudgetSet: () => 0
        }
      })
    const surplus = { MoneyDeposited: () => 0, BudgetSet: () => 0 }
    // @ts-expect-error no source has an event with the tag BudgetSet
    const apart = () => View.make("Summaries", { from: [Account], state: Schema.Int, evolve: surplus })
    expect(inline).toThrow("BudgetSet")
    expect(apart).toThrow("BudgetSet")
  })

  it("that returns another state does not compile", () => {
    View.make("Summaries", {
      from: [Account],
      state: Schema.Int,
      evolve: {
        // @ts-expect-error a string is no state
        MoneyDeposited: () => "1",
        // @ts-expect-error the state may be undefined
        MoneyWithdrawn: (count) => count + 1
      }
    })
  })

  it("may return states of a union as plain objects, or nothing, each handler another one", () => {
    View.make("Summaries", {
      from: [Account],
      state: Summary,
      evolve: {
        AccountOpened: () => ({ _tag: "Bad" }),
        MoneyDeposited: (state) => (state?._tag === "Good" ? { ...state, deposits: 1 } : { _tag: "Bad" }),
        MoneyWithdrawn: (state) => (state?._tag === "Good" ? { _tag: "Good", deposits: 0 } : undefined)
      }
    })
    View.make("Summaries", {
      from: [Account],
      state: Summary,
      // @ts-expect-error no state has the tag Other
      evolve: { AccountOpened: () => ({ _tag: "Other" }) }
    })
  })
})

describe("a key", () => {
  it("is asked only for the events that have a handler", () => {
    View.make("Limits", {
      from: [Account, Budget],
      state: Schema.Int,
      key: (event, envelope) => {
        expectTypeOf(event).toEqualTypeOf<BudgetSet>()
        expectTypeOf(envelope).toEqualTypeOf<OfBudget>()
        return [String(event.limit), String(envelope.id)]
      },
      evolve: { BudgetSet: (_, { limit }) => limit }
    })
  })

  it("that is no text does not compile", () => {
    View.make("Limits", {
      from: [Budget],
      state: Schema.Int,
      // @ts-expect-error a number is no key
      key: ({ limit }) => limit,
      evolve: { BudgetSet: (_, { limit }) => limit }
    })
  })
})

describe("a view", () => {
  const Counts = View.make("Counts", {
    from: [Account, Budget],
    state: Schema.Int,
    key: View.perEvent,
    evolve: { MoneyDeposited: (count = 0) => count + 1 }
  })

  it("has the types of its state and of all events of its sources", () => {
    type Event = AccountOpened | MoneyDeposited | MoneyWithdrawn | BudgetSet | typeof BudgetDeposit.Type
    expectTypeOf(Counts).toEqualTypeOf<View.View<"Counts", number, Event, OfAccount | OfBudget>>()
    expectTypeOf(Counts.keysOf).returns.toEqualTypeOf<Result.Result<ReadonlyArray<string>, InvalidKey>>()
    expectTypeOf(Counts.evolve).returns.toEqualTypeOf<number | undefined>()
  })

  it("folds events of its sources alone", () => {
    const id = AccountId.make("a")
    const mixed = [...View.given(Account, id, new AccountOpened({ owner: "Anna" })), ...View.given(Budget, 1)]
    expectTypeOf(View.fold(Counts, mixed)).toEqualTypeOf<ReadonlyMap<string, number>>()
    const Limits = View.make("Limits", { from: [Budget], state: Schema.Int, evolve: {} })
    // @ts-expect-error Account is no source
    View.fold(Limits, View.given(Account, id, new MoneyDeposited({ amount: 1 })))
  })

  it("is given only the events and ids of the aggregate", () => {
    // @ts-expect-error a string is no AccountId
    View.given(Account, "a")
    // @ts-expect-error BudgetSet is no event of Account
    View.given(Account, AccountId.make("a"), new BudgetSet({ limit: 1 }))
  })
})
