import { describe, expectTypeOf, it } from "@effect/vitest"
import { Aggregate, Boundary, Decision, type Participant } from "@hexfold/core"
import { type Result, Schema } from "effect"
import {
  Account,
  AccountId,
  type AccountOpened,
  type AccountState,
  AlreadyOpen,
  Deposit,
  type InsufficientFunds,
  MoneyDeposited,
  type MoneyWithdrawn,
  type NotOpen,
  Withdraw,
  accountErrors
} from "../support/account.ts"

// What is expected here is checked by the compiler; running the tests proves only that the modules load.

class RulesChanged extends Schema.TaggedClass<RulesChanged>()("RulesChanged", { limit: Schema.Int }) {}
class OverLimit extends Schema.TaggedError<OverLimit>()("OverLimit", { limit: Schema.Int }) {}
class Late extends Schema.TaggedError<Late>()("Late", {}) {}
const Rules = Aggregate.make("Rules", {
  id: Schema.String,
  state: Schema.Struct({ limit: Schema.Int }),
  initial: { limit: 1_000 },
  commands: [],
  events: [RulesChanged],
  errors: [],
  decide: {},
  evolve: { RulesChanged: (_, { limit }) => ({ limit }) }
})

const Transfer = Schema.TaggedStruct("Transfer", { from: AccountId, to: AccountId, amount: Schema.Int })
const participants = ({ from, to }: typeof Transfer.Type) => ({
  from: Account.at(from),
  to: Account.at(to),
  rules: Boundary.readOnly(Rules.at("transfers"))
})

type AccountEvent = AccountOpened | MoneyDeposited | MoneyWithdrawn

describe("a boundary", () => {
  it("infers the states by role, the events and the errors", () => {
    const TransferMoney = Boundary.make("TransferMoney", {
      command: Transfer,
      participants: ({ from, to }) => ({
        from: Account.at(from),
        to: Account.at(to),
        rules: Boundary.readOnly(Rules.at("transfers"))
      }),
      errors: [OverLimit, ...accountErrors],
      decide: ({ amount }, { from, rules, to }) => {
        expectTypeOf(from).toEqualTypeOf<AccountState>()
        expectTypeOf(rules.limit).toEqualTypeOf<number>()
        return amount > rules.limit
          ? Decision.reject(new OverLimit({ limit: rules.limit }))
          : Decision.all({
              from: Account.decide(new Withdraw({ amount }), from),
              to: Account.decide(new Deposit({ amount }), to)
            })
      }
    })
    type Decided = ReturnType<typeof TransferMoney.decide>
    expectTypeOf<Parameters<typeof TransferMoney.decide>[0]>().toEqualTypeOf<typeof Transfer.Type>()
    expectTypeOf<Decision.ErrorOf<Decided>>().toEqualTypeOf<
      OverLimit | InsufficientFunds | NotOpen | Aggregate.ErrorOf<typeof Account>
    >()
    expectTypeOf<
      Decided extends Result.Result<Boundary.Emission<infer Event>, unknown> ? Event : never
    >().toEqualTypeOf<AccountEvent>()
  })

  it("takes a role of several streams", () => {
    Boundary.make("Payday", {
      command: Schema.TaggedStruct("Payday", { accounts: Schema.Array(AccountId) }),
      participants: ({ accounts }) => ({ accounts: accounts.map(Account.at) }),
      errors: accountErrors,
      decide: (_, { accounts }) => {
        expectTypeOf(accounts).toEqualTypeOf<ReadonlyArray<AccountState>>()
        return Decision.all({
          accounts: accounts.map((account) => Account.decide(new Deposit({ amount: 1 }), account))
        })
      }
    })
  })

  it("accepts inline events and commands that record nothing", () => {
    Boundary.make("Gift", {
      command: Transfer,
      participants,
      decide: ({ amount }) =>
        amount === 0 ? Decision.nothing : Decision.all({ to: Decision.accept({ _tag: "MoneyDeposited", amount }) })
    })
  })

  it("does not compile with events for a role that does not take part", () => {
    Boundary.make("Wrong", {
      command: Transfer,
      participants,
      // @ts-expect-error the boundary has no role audit
      decide: ({ amount }) => Decision.all({ audit: Decision.accept(new MoneyDeposited({ amount })) })
    })
    Boundary.make("Wrong", {
      command: Transfer,
      participants,
      decide: ({ amount }) =>
        // @ts-expect-error the boundary has no role audit, in one of the branches
        amount > 1
          ? Decision.all({ audit: Decision.accept(new MoneyDeposited({ amount })) })
          : Decision.all({ to: Decision.accept(new MoneyDeposited({ amount })) })
    })
  })

  it("does not compile with events for a role that is only read", () => {
    Boundary.make("Wrong", {
      command: Transfer,
      participants,
      // @ts-expect-error the role rules is read-only
      decide: () => Decision.all({ rules: Decision.accept(new RulesChanged({ limit: 3 })) })
    })
    Boundary.make("Wrong", {
      command: Transfer,
      participants: ({ from }) => ({ rules: Boundary.readOnly([from].map(Rules.at)) }),
      // @ts-expect-error the role rules is read-only
      decide: () => Decision.all({ rules: [Decision.accept(new RulesChanged({ limit: 3 }))] })
    })
  })

  it("does not compile with events of another aggregate", () => {
    Boundary.make("Wrong", {
      command: Transfer,
      participants,
      // @ts-expect-error the role to takes only events of Account
      decide: () => Decision.all({ to: Decision.accept(new RulesChanged({ limit: 3 })) })
    })
    Boundary.make("Wrong", {
      command: Transfer,
      participants: ({ to }) => ({ all: [to].map(Account.at) }),
      // @ts-expect-error the role all takes only events of Account
      decide: () => Decision.all({ all: [Decision.accept(new RulesChanged({ limit: 3 }))] })
    })
    Boundary.make("Wrong", {
      command: Transfer,
      participants,
      // @ts-expect-error events without a role
      decide: ({ amount }) => Decision.accept(new MoneyDeposited({ amount }))
    })
  })
})

describe("the errors of a boundary", () => {
  const decide = (_: typeof Transfer.Type, { rules }: { readonly rules: { readonly limit: number } }) =>
    rules.limit === 0 ? Decision.reject(new OverLimit({ limit: 0 })) : Decision.nothing

  it("may be left out where it rejects nothing", () => {
    const Nothing = Boundary.make("Nothing", { command: Transfer, participants, decide: () => Decision.nothing })
    expectTypeOf<Decision.ErrorOf<ReturnType<typeof Nothing.decide>>>().toEqualTypeOf<never>()
  })

  it("are kept with their schemas, and are those that it returns: a declared one that is never returned is not among them", () => {
    const Limited = Boundary.make("Limited", {
      command: Transfer,
      participants,
      errors: [OverLimit, AlreadyOpen],
      decide: ({ amount }, { from, rules }) => {
        expectTypeOf(amount).toEqualTypeOf<number>()
        expectTypeOf(from).toEqualTypeOf<AccountState>()
        return amount > rules.limit ? Decision.reject(new OverLimit({ limit: rules.limit })) : Decision.nothing
      }
    })
    expectTypeOf<Decision.ErrorOf<ReturnType<typeof Limited.decide>>>().toEqualTypeOf<OverLimit>()
    expectTypeOf(Limited.errors).toEqualTypeOf<ReadonlyMap<string, Schema.Codec<OverLimit, Aggregate.Tagged>>>()
  })

  it("may be plain tagged objects", () => {
    const Full = Schema.TaggedStruct("Full", { by: Schema.Int })
    const Plain = Boundary.make("Plain", {
      command: Transfer,
      participants,
      errors: [Full],
      decide: ({ amount }) => Decision.reject({ _tag: "Full", by: amount })
    })
    expectTypeOf<Decision.ErrorOf<ReturnType<typeof Plain.decide>>>().toExtend<typeof Full.Type>()
  })

  it("of a decide that is declared elsewhere are listed too", () => {
    Boundary.make("Elsewhere", { command: Transfer, participants, errors: [OverLimit], decide })
    // @ts-expect-error Elsewhere declares no error OverLimit
    Boundary.make("Elsewhere", { command: Transfer, participants, decide })
    // @ts-expect-error Elsewhere declares no error OverLimit
    Boundary.make("Elsewhere", { command: Transfer, participants, errors: [AlreadyOpen], decide })
  })

  it("that are forgotten do not compile, whether they are its own or an aggregate's", () => {
    Boundary.make("Forgetful", {
      command: Transfer,
      participants,
      errors: [OverLimit],
      // @ts-expect-error Forgetful declares no error AlreadyOpen, InsufficientFunds, NotOpen
      decide: ({ amount }, { from }) => Decision.all({ from: Account.decide(new Withdraw({ amount }), from) })
    })
    Boundary.make("Forgetful", {
      command: Transfer,
      participants: ({ from }) =>
        Boundary.discover({ from: Account.at(from) }, () => ({ rules: Boundary.readOnly(Rules.at("r")) })),
      errors: [OverLimit],
      decide: ({ amount }, { from, rules }) =>
        // @ts-expect-error Forgetful declares no error Late, in one of the branches
        amount > rules.limit
          ? Decision.reject(new OverLimit({ limit: rules.limit }))
          : from._tag === "Open"
            ? Decision.nothing
            : Decision.reject(new Late())
    })
    Boundary.make("Forgetful", {
      command: Transfer,
      participants,
      // @ts-expect-error Forgetful declares no error Late, in one of several streams
      decide: () => Decision.all({ from: Decision.nothing, to: Decision.reject(new Late()) })
    })
  })

  it("with a field too few or of another type, or without a tag, do not compile", () => {
    Boundary.make("Wrong", {
      command: Transfer,
      participants,
      errors: [OverLimit],
      // @ts-expect-error the error OverLimit lacks a field
      decide: () => Decision.reject({ _tag: "OverLimit" })
    })
    Boundary.make("Wrong", {
      command: Transfer,
      participants,
      // @ts-expect-error an error needs a _tag
      decide: () => Decision.reject("closed")
    })
    const named = () =>
      Boundary.make("Wrong", {
        command: Transfer,
        participants,
        // @ts-expect-error an error is listed by its schema
        errors: ["OverLimit"],
        decide: () => Decision.nothing
      })
    expectTypeOf(named).toBeFunction()
  })
})

describe("participants that are discovered", () => {
  it("get the states of the stages before", () => {
    Boundary.make("Discovering", {
      command: Transfer,
      participants: (command) =>
        Boundary.discover(
          { rules: Rules.at(command.from) },
          ({ rules }, stateOf) => {
            expectTypeOf(command).toEqualTypeOf<typeof Transfer.Type>()
            expectTypeOf(rules).toEqualTypeOf<{ readonly limit: number }>()
            expectTypeOf(stateOf(Account.at(command.to))).toEqualTypeOf<AccountState | undefined>()
            return { accounts: [Account.at(command.to)] }
          },
          ({ accounts }) => {
            expectTypeOf(accounts).toEqualTypeOf<ReadonlyArray<AccountState>>()
            return { to: Boundary.readOnly(Account.at(command.to)) }
          }
        ),
      decide: ({ amount }, { accounts, rules, to }) => {
        expectTypeOf(accounts).toEqualTypeOf<ReadonlyArray<AccountState>>()
        expectTypeOf(to).toEqualTypeOf<AccountState>()
        return Decision.all({ rules: Decision.accept(new RulesChanged({ limit: rules.limit + amount })) })
      }
    })
  })

  it("do not compile with events for what is only read", () => {
    Boundary.make("Wrong", {
      command: Transfer,
      participants: (command) =>
        Boundary.discover({ rules: Rules.at(command.from) }, () => ({ to: Boundary.readOnly(Account.at(command.to)) })),
      // @ts-expect-error the role to is read-only
      decide: ({ amount }) => Decision.all({ to: Decision.accept(new MoneyDeposited({ amount })) })
    })
  })
})

it("an aggregate is a participant with its state and its events", () => {
  expectTypeOf(Account.at(AccountId.make("a"))).toEqualTypeOf<
    Participant.Participant<"Account", AccountState, AccountEvent>
  >()
})
