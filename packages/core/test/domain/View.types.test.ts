import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { type Aggregate, type InvalidKey, View } from "@hexfold/core"
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

describe("events of several sources", () => {
  it("of the same tag are told apart by the name of the source", () => {
    View.make("Summaries", {
      from: [Account, Budget],
      state: Schema.Int,
      key: {
        "Budget/MoneyDeposited": ({ note }) => note,
        "Account/MoneyDeposited": (_, { id }) => id
      },
      evolve: {
        "Budget/MoneyDeposited": (_, event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<typeof BudgetDeposit.Type>()
          expectTypeOf(envelope).toEqualTypeOf<OfBudget>()
          return event.amount
        },
        "Account/MoneyDeposited": (_, event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<MoneyDeposited>()
          expectTypeOf(envelope).toEqualTypeOf<OfAccount>()
          return event.amount
        }
      }
    })
  })

  it("may have one handler for all of them", () => {
    View.make("Histories", {
      from: [Account, Budget],
      state: Schema.Array(Schema.String),
      key: View.perEvent,
      evolve: {
        "*": (tags = [], event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<
            AccountOpened | MoneyDeposited | MoneyWithdrawn | BudgetSet | typeof BudgetDeposit.Type
          >()
          expectTypeOf(envelope).toEqualTypeOf<OfAccount | OfBudget>()
          return [...tags, event._tag]
        }
      }
    })
  })

  it("compile in helpers over any aggregate", () => {
    const Entry = Schema.Struct({ tag: Schema.String, stream: Schema.String })
    const historyOf = <S extends View.Source>(source: S) =>
      View.make("History", {
        from: [source],
        state: Entry,
        key: View.perEvent,
        evolve: { "*": (_, event, { streamId }) => ({ tag: event._tag, stream: streamId }) }
      })
    const countOf = <Name extends string, Id, State, C extends Aggregate.Tagged, E extends Aggregate.Tagged, Error>(
      source: Aggregate.Aggregate<Name, Id, State, C, E, Error>
    ) => View.make("Count", { from: [source], state: Schema.Int, evolve: { "*": (count = 0) => count + 1 } })
    expectTypeOf(View.fold(historyOf(Account), [])).toEqualTypeOf<ReadonlyMap<string, typeof Entry.Type>>()
    expectTypeOf(View.fold(countOf(Budget), View.given(Budget, 1))).toEqualTypeOf<ReadonlyMap<string, number>>()
  })
})

it("a handler that returns a field which the state does not have does not compile", () => {
  View.make("Summaries", {
    from: [Account],
    state: Schema.Struct({ count: Schema.Int }),
    evolve: {
      // @ts-expect-error the state has no field cuont
      MoneyDeposited: (state) => ({ count: 0, ...state, cuont: 1 }),
      // @ts-expect-error the state has no field cuont
      MoneyWithdrawn: (state) => state && { ...state, cuont: 1 }
    }
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

  it("may be one function for each handler", () => {
    View.make("Limits", {
      from: [Account, Budget],
      state: Schema.Int,
      key: {
        BudgetSet: (event, envelope) => {
          expectTypeOf(event).toEqualTypeOf<BudgetSet>()
          expectTypeOf(envelope).toEqualTypeOf<OfBudget>()
          return String(event.limit)
        },
        AccountOpened: ({ owner }) => [owner]
      },
      evolve: { BudgetSet: (_, { limit }) => limit, AccountOpened: () => 0 }
    })
  })

  it("has a function for each handler and no other: anything else does not compile", () => {
    const evolve = { BudgetSet: () => 0, MoneyDeposited: () => 1 }
    const missing = () =>
      // @ts-expect-error Property 'MoneyDeposited' is missing
      View.make("Limits", { from: [Budget], state: Schema.Int, key: { BudgetSet: () => "a" }, evolve })
    const surplus = () =>
      View.make("Limits", {
        from: [Budget],
        state: Schema.Int,
        // @ts-expect-error 'MoneyDeposited' does not exist
        key: { BudgetSet: () => "a", MoneyDeposited: () => "b" },
        evolve: { BudgetSet: () => 0 }
      })
    expect(missing).toThrow('Limits: its key lacks "MoneyDeposited", for which evolve has a handler')
    expect(surplus).toThrow('Limits: its key has "MoneyDeposited", for which evolve has no handler')
  })

  it("that is not a text does not compile", () => {
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
