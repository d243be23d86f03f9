import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import {
  Aggregate,
  type CommandIdReused,
  type ConcurrencyConflict,
  Decision,
  type EventDecodeError,
  type UnknownEvent,
  type EventStore,
  type EventStoreError,
  Executor,
  type InvalidCommand,
  type InvalidDecision,
  type Receipt
} from "@hexfold/core"
import { type Effect, Option, Schema } from "effect"
import {
  Account,
  AccountId,
  type AccountOpened,
  type AccountState,
  type AlreadyOpen,
  type Deposit,
  type InsufficientFunds,
  type MoneyDeposited,
  type MoneyWithdrawn,
  type NotOpen,
  type OpenAccount,
  type Withdraw
} from "../support/account.ts"

// What is expected here is checked by the compiler; running the tests proves only that the modules load.

class Add extends Schema.TaggedClass<Add>()("Add", { by: Schema.Int }) {}
class Clear extends Schema.TaggedClass<Clear>()("Clear", {}) {}
class Added extends Schema.TaggedClass<Added>()("Added", { by: Schema.Int }) {}
class Cleared extends Schema.TaggedClass<Cleared>()("Cleared", {}) {}
class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}
class Unused extends Schema.TaggedError<Unused>()("Unused", {}) {}
class Undeclared extends Schema.TaggedError<Undeclared>()("Undeclared", { why: Schema.String }) {}
class Foreign extends Schema.TaggedClass<Foreign>()("Foreign", { by: Schema.Int }) {}

const counter = {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add, Clear],
  events: [Added, Cleared],
  errors: [TooLarge, Unused]
} as const
const decide = {
  Add: ({ by }: Add) => (by > 9 ? Decision.reject(new TooLarge({ limit: 9 })) : Decision.accept(new Added({ by }))),
  Clear: () => Decision.accept(new Cleared())
}
const evolve = { Added: (count: number, { by }: Added) => count + by, Cleared: () => 0 }

describe("decide", () => {
  it("without a handler for each command does not compile", () => {
    // @ts-expect-error Property 'Clear' is missing
    Aggregate.make("Counter", { ...counter, decide: { Add: decide.Add }, evolve })
  })

  it("with a handler for no command does not compile", () => {
    Aggregate.make("Counter", {
      ...counter,
      decide: {
        ...decide,
        // @ts-expect-error no command has the tag Remove
        Remove: () => Decision.nothing
      },
      evolve
    })
    const surplus = { ...decide, Remove: () => Decision.nothing }
    // @ts-expect-error no command has the tag Remove
    Aggregate.make("Counter", { ...counter, decide: surplus, evolve })
  })

  it("with an error that is not declared does not compile", () => {
    Aggregate.make("Counter", {
      ...counter,
      decide: {
        ...decide,
        // @ts-expect-error Undeclared is not among the errors
        Clear: () => Decision.reject(new Undeclared({ why: "" }))
      },
      evolve
    })
  })

  it("with an error that is declared for another command does not compile", () => {
    const Counter = Aggregate.make("Counter", { ...counter, errors: { Add: [TooLarge], Clear: [] }, decide, evolve })
    expectTypeOf<Aggregate.ErrorOf<typeof Counter>>().toEqualTypeOf<TooLarge>()
    Aggregate.make("Counter", {
      ...counter,
      errors: { Add: [TooLarge, Undeclared] },
      decide: {
        ...decide,
        // @ts-expect-error Undeclared is an error of Add
        Clear: () => Decision.reject(new Undeclared({ why: "" }))
      },
      evolve
    })
    const Inline = Aggregate.make("Counter", {
      ...counter,
      errors: { Add: [TooLarge], Clear: [Undeclared] },
      decide: {
        Add: ({ by }, count) =>
          count + by > 9 ? Decision.reject(new TooLarge({ limit: 9 })) : Decision.accept(new Added({ by })),
        Clear: (_, count) =>
          count > 9 ? Decision.reject(new Undeclared({ why: "" })) : Decision.accept({ _tag: "Cleared" })
      },
      evolve: { Added: (count, { by }) => count + by, Cleared: () => 0 }
    })
    expectTypeOf<Aggregate.ErrorOf<typeof Inline>>().toEqualTypeOf<TooLarge | Undeclared>()
    const never = { Add: ({ by }: Add) => Decision.accept(new Added({ by })), Clear: decide.Clear }
    expect(() =>
      // @ts-expect-error there is no command Remove
      Aggregate.make("Counter", { ...counter, errors: { Remove: [TooLarge] }, decide: never, evolve })
    ).toThrow("there are errors for the command Remove, which is not declared")
  })

  it("with an event that is not declared does not compile", () => {
    Aggregate.make("Counter", {
      ...counter,
      decide: {
        ...decide,
        // @ts-expect-error there is no event Removed
        Clear: () => Decision.accept({ _tag: "Removed" })
      },
      evolve
    })
  })

  it("with an event of another aggregate does not compile, although it has the same fields", () => {
    Aggregate.make("Counter", {
      ...counter,
      decide: {
        ...decide,
        // @ts-expect-error Foreign is not among the events
        Add: ({ by }) => Decision.accept(new Foreign({ by }))
      },
      evolve
    })
  })

  it("with an event that has a field too many does not compile", () => {
    Aggregate.make("Counter", {
      ...counter,
      decide: {
        ...decide,
        // @ts-expect-error the event Added has no field to
        Add: ({ by }) => Decision.accept({ _tag: "Added", by, to: by })
      },
      evolve
    })
  })

  it("with an event that lacks a field does not compile", () => {
    Aggregate.make("Counter", {
      ...counter,
      decide: {
        ...decide,
        // @ts-expect-error Property 'by' is missing
        Clear: () => Decision.accept({ _tag: "Added" })
      },
      evolve
    })
  })

  it("knows the command and the state in each handler without a type annotation", () => {
    Aggregate.make("Counter", {
      ...counter,
      decide: {
        Add: (command, state) => {
          expectTypeOf(command).toEqualTypeOf<Add>()
          expectTypeOf(state).toEqualTypeOf<number>()
          return Decision.nothing
        },
        Clear: (command) => {
          expectTypeOf(command).toEqualTypeOf<Clear>()
          return Decision.nothing
        }
      },
      evolve
    })
  })

  it("accepts an event written as a plain object, its tag staying literal", () => {
    const Counter = Aggregate.make("Counter", {
      ...counter,
      decide: {
        Add: ({ by }) => Decision.accept({ _tag: "Added", by }),
        Clear: () => Decision.accept({ _tag: "Cleared" })
      },
      evolve
    })
    expectTypeOf<Aggregate.EventOf<typeof Counter>>().toEqualTypeOf<Added | Cleared>()
    expectTypeOf<Aggregate.ErrorOf<typeof Counter>>().toEqualTypeOf<never>()
  })

  it("has exactly the errors that its handlers return: a declared one that none returns is not among them", () => {
    const Counter = Aggregate.make("Counter", { ...counter, decide, evolve })
    expectTypeOf<Aggregate.ErrorOf<typeof Counter>>().toEqualTypeOf<TooLarge>()
    expectTypeOf(Counter.decide).returns.toEqualTypeOf<Decision.Decision<Added | Cleared, TooLarge>>()
  })

  it("has the union of the errors of several handlers, and of several branches of one", () => {
    const Counter = Aggregate.make("Counter", {
      ...counter,
      decide: {
        Add: ({ by }, count) =>
          count > 9
            ? Decision.reject(new TooLarge({ limit: 9 }))
            : by < 0
              ? Decision.reject(new Unused())
              : Decision.accept(new Added({ by })),
        Clear: (_, count) =>
          Decision.ensure(
            count > 0,
            () => new Unused(),
            () => Decision.accept(new Cleared())
          )
      },
      evolve
    })
    expectTypeOf<Aggregate.ErrorOf<typeof Counter>>().toEqualTypeOf<TooLarge | Unused>()
  })
})

describe("evolve", () => {
  it("without a handler for each event does not compile", () => {
    // @ts-expect-error Property 'Cleared' is missing
    Aggregate.make("Counter", { ...counter, decide, evolve: { Added: evolve.Added } })
  })

  it("with a handler for no event does not compile", () => {
    Aggregate.make("Counter", {
      ...counter,
      decide,
      evolve: {
        Added: (count, { by }) => count + by,
        Cleared: () => 0,
        // @ts-expect-error there is no event Removed
        Removed: () => 0
      }
    })
  })

  it("with another state than the aggregate's does not compile", () => {
    // @ts-expect-error a text is no state
    Aggregate.make("Counter", { ...counter, decide, evolve: { ...evolve, Cleared: () => "none" } })
  })

  const door = {
    id: Schema.String,
    state: Schema.TaggedUnion({ Shut: {}, Ajar: { by: Schema.Int } }),
    commands: [Clear],
    events: [Added, Cleared],
    errors: [],
    decide: { Clear: decide.Clear }
  } as const

  it("keeps an inline tag of a state literal, with parameters and without any", () => {
    const Door = Aggregate.make("Door", {
      ...door,
      initial: { _tag: "Shut" },
      evolve: {
        Added: (state, { by }) => (state._tag === "Shut" ? { _tag: "Ajar", by } : { ...state, by: state.by + by }),
        Cleared: () => ({ _tag: "Shut" })
      }
    })
    expectTypeOf<Aggregate.StateOf<typeof Door>>().toEqualTypeOf<typeof door.state.Type>()
  })

  it("with a tag that no state has does not compile, also in a handler without parameters", () => {
    Aggregate.make("Door", {
      ...door,
      initial: { _tag: "Shut" },
      evolve: {
        Added: (_, { by }) => ({ _tag: "Ajar", by }),
        // @ts-expect-error no state has the tag Locked
        Cleared: () => ({ _tag: "Locked" })
      }
    })
  })

  it("from an initial value that is not a state does not compile", () => {
    Aggregate.make("Door", {
      ...door,
      // @ts-expect-error no state has the tag Locked
      initial: { _tag: "Locked" },
      evolve: { Added: (state) => state, Cleared: (state) => state }
    })
  })
})

describe("evolve in its plain form", () => {
  const stay = {
    id: Schema.String,
    state: Schema.Struct({ status: Schema.Literals(["none", "opened", "out"]), balance: Schema.Int }),
    initial: { status: "none", balance: 0 },
    events: [Added, Cleared]
  } as const

  it("compiles, whatever the order of the handlers and whether they use the event", () => {
    Aggregate.make("Stay", {
      ...stay,
      evolve: {
        Cleared: (state) => ({ ...state, status: "opened" }),
        Added: (state, { by }) => ({ ...state, balance: state.balance + by })
      }
    })
    Aggregate.make("Stay", {
      ...stay,
      evolve: {
        Added: (state, { by }) => ({ ...state, balance: state.balance + by }),
        Cleared: (state) => (state.balance > 3 ? { ...state, status: "opened" } : { status: "out", balance: 0 })
      }
    })
  })

  it("with a field that the state does not have does not compile", () => {
    Aggregate.make("Stay", {
      ...stay,
      evolve: {
        // @ts-expect-error the state has no field enroled
        Added: (state) => ({ ...state, enroled: [] }),
        // @ts-expect-error the state has no field balence
        Cleared: () => ({ status: "none", balance: 0, balence: 1 })
      }
    })
    Aggregate.make("Door", {
      ...stay,
      state: Schema.TaggedUnion({ Shut: {}, Ajar: { by: Schema.Int } }),
      initial: { _tag: "Shut" },
      evolve: {
        // @ts-expect-error Shut has no field by
        Added: (_, { by }) => ({ _tag: "Shut", by }),
        Cleared: () => ({ _tag: "Ajar", by: 1 })
      }
    })
    Aggregate.make("Seats", {
      ...stay,
      state: Schema.Struct({ seats: Schema.Array(Schema.Struct({ row: Schema.Int })) }),
      initial: { seats: [] },
      evolve: {
        // @ts-expect-error a seat has no field rwo
        Added: ({ seats }, { by }) => ({ seats: seats.map((seat) => ({ ...seat, rwo: by })) }),
        Cleared: ({ seats }) => ({ seats: [...seats, { row: 1 }] })
      }
    })
  })

  it("takes states that are classes, lists, texts, options, maps, or anything", () => {
    class Sum extends Schema.Class<Sum>("Sum")({ sum: Schema.Int }) {
      get isLarge() {
        return this.sum > 9
      }
    }
    Aggregate.make("Sum", {
      ...stay,
      state: Sum,
      initial: new Sum({ sum: 0 }),
      evolve: { Added: ({ sum }, { by }) => new Sum({ sum: sum + by }), Cleared: (state) => state }
    })
    Aggregate.make("List", {
      ...stay,
      state: Schema.Array(Schema.Int),
      initial: [],
      evolve: { Added: (state, { by }) => [...state, by], Cleared: () => [] }
    })
    Aggregate.make("Text", {
      ...stay,
      state: Schema.Literals(["on", "off"]),
      initial: "on",
      evolve: { Added: () => "off", Cleared: (state) => (state === "on" ? "off" : state) }
    })
    Aggregate.make("Nullable", {
      ...stay,
      state: Schema.NullOr(Schema.Struct({ by: Schema.Int, note: Schema.optionalKey(Schema.String) })),
      initial: null,
      evolve: { Added: (state, { by }) => (state === null ? { by } : { ...state, note: "again" }), Cleared: () => null }
    })
    Aggregate.make("Option", {
      ...stay,
      state: Schema.Option(Schema.Int),
      initial: Option.none(),
      evolve: { Added: (_, { by }) => Option.some(by), Cleared: Option.map((by) => by + 1) }
    })
    Aggregate.make("Map", {
      ...stay,
      state: Schema.ReadonlyMap(Schema.String, Schema.Int),
      initial: new Map(),
      evolve: { Added: (state, { by }) => new Map([...state, ["by", by]]), Cleared: (state) => state }
    })
    Aggregate.make("Names", {
      ...stay,
      state: Schema.Record(Schema.String, Schema.Int),
      initial: {},
      evolve: { Added: (state, { by }) => ({ ...state, any: by }), Cleared: () => ({}) }
    })
    Aggregate.make("Anything", {
      ...stay,
      state: Schema.Unknown,
      initial: 0,
      evolve: { Added: (_, { by }) => ({ by }), Cleared: (state) => state }
    })
  })

  it("compiles in a helper over any state, and over any state with a field", () => {
    const kept = <State>(state: Schema.Codec<State>, initial: State, next: (state: State) => State) =>
      Aggregate.make("Kept", {
        id: Schema.String,
        state,
        initial,
        events: [Cleared],
        evolve: { Cleared: (state) => next(state) }
      })
    const owned = <State extends { readonly owner: string }>(state: Schema.Codec<State>, initial: State) =>
      Aggregate.make("Owned", {
        id: Schema.String,
        state,
        initial,
        events: [Cleared],
        evolve: { Cleared: (state) => ({ ...state, owner: "Anna" }) }
      })
    expectTypeOf(kept(Schema.Int, 0, (state) => state + 1).initial).toEqualTypeOf<number>()
    expectTypeOf(owned(Schema.Struct({ owner: Schema.String }), { owner: "" }).initial.owner).toEqualTypeOf<string>()
  })
})

describe("an aggregate without commands", () => {
  it("needs no commands, no errors and no decide", () => {
    const Log = Aggregate.make("Log", {
      id: Schema.String,
      state: Schema.Int,
      initial: 0,
      events: [Added],
      evolve: { Added: (count, { by }) => count + by }
    })
    expectTypeOf(Log).toEqualTypeOf<Aggregate.Aggregate<"Log", string, number, never, Added, never>>()
    expect(Log.schemas.commands.size).toBe(0)
    expect(Log.schemas.errors.size).toBe(0)
  })

  it("has none by mistake: commands without decide do not compile", () => {
    // @ts-expect-error Property 'decide' is missing
    Aggregate.make("Counter", { ...counter, evolve })
  })

  it("may leave out errors alone", () => {
    const { errors: _, ...rest } = counter
    const Counter = Aggregate.make("Counter", {
      ...rest,
      decide: { Add: ({ by }) => Decision.accept(new Added({ by })), Clear: () => Decision.accept() },
      evolve
    })
    expectTypeOf<Aggregate.ErrorOf<typeof Counter>>().toEqualTypeOf<never>()
  })
})

describe("the types of an aggregate", () => {
  it("are those of its schemas", () => {
    expectTypeOf<Aggregate.IdOf<typeof Account>>().toEqualTypeOf<AccountId>()
    expectTypeOf<Aggregate.StateOf<typeof Account>>().toEqualTypeOf<AccountState>()
    expectTypeOf<Aggregate.CommandOf<typeof Account>>().toEqualTypeOf<OpenAccount | Deposit | Withdraw>()
    expectTypeOf<Aggregate.EventOf<typeof Account>>().toEqualTypeOf<AccountOpened | MoneyDeposited | MoneyWithdrawn>()
    expectTypeOf<Aggregate.ErrorOf<typeof Account>>().toEqualTypeOf<AlreadyOpen | NotOpen | InsufficientFunds>()
    expectTypeOf(Account.name).toEqualTypeOf<"Account">()
  })

  it("do not let an unbranded text pass for an id", () => {
    // @ts-expect-error a string is no AccountId
    Account.streamId("a")
  })

  it("fold takes only the aggregate's own events", () => {
    // @ts-expect-error Added is no event of Account
    expectTypeOf(() => Aggregate.fold(Account, [new Added({ by: 1 })])).returns.toEqualTypeOf<AccountState>()
  })
})

describe("execute", () => {
  const id = AccountId.make("a")
  const deposit: Deposit = { _tag: "Deposit", amount: 1 }

  it("fails with the errors of the domain and of the machinery, and needs an event store", () => {
    expectTypeOf(Executor.execute(Account, id, deposit)).toEqualTypeOf<
      Effect.Effect<
        Receipt.Receipt<AccountOpened | MoneyDeposited | MoneyWithdrawn>,
        | AlreadyOpen
        | NotOpen
        | InsufficientFunds
        | ConcurrencyConflict
        | CommandIdReused
        | EventStoreError
        | EventDecodeError
        | UnknownEvent
        | InvalidCommand
        | InvalidDecision,
        EventStore.EventStore
      >
    >()
  })

  it("of an aggregate that rejects nothing has no error of a domain", () => {
    const Free = Aggregate.make("Free", {
      ...counter,
      decide: { Add: () => Decision.nothing, Clear: () => Decision.nothing },
      evolve
    })
    expectTypeOf(Executor.execute(Free, "a", new Clear())).toEqualTypeOf<
      Effect.Effect<Receipt.Receipt<Added | Cleared>, Executor.ExecuteError, EventStore.EventStore>
    >()
  })

  it("with a command of another aggregate does not compile", () => {
    // @ts-expect-error Add is no command of Account
    Executor.execute(Account, id, new Add({ by: 1 }))
  })

  it("with the id of another aggregate does not compile", () => {
    // @ts-expect-error a string is no AccountId
    Executor.execute(Account, "a", deposit)
  })
})
