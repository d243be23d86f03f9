import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Boundary, Decision, StreamWrittenTwice, TooManyParticipants } from "@hexfold/core"
import { Scenario } from "@hexfold/testing"
import { Schema } from "effect"

const Deposited = Schema.TaggedStruct("Deposited", { cents: Schema.BigInt })
const Withdrawn = Schema.TaggedStruct("Withdrawn", { cents: Schema.BigInt })
class TooMuch extends Schema.TaggedError<TooMuch>()("TooMuch", { balance: Schema.BigInt }) {}
class Closed extends Schema.TaggedError<Closed>()("Closed", {}) {}

const Account = Aggregate.make("Account", {
  id: Schema.String,
  state: Schema.BigInt,
  initial: 0n,
  commands: [],
  events: [Deposited, Withdrawn],
  errors: [],
  decide: {},
  evolve: { Deposited: (sum, { cents }) => sum + cents, Withdrawn: (sum, { cents }) => sum - cents }
})

const Chosen = Schema.TaggedStruct("Chosen", { accounts: Schema.Array(Schema.String) })
const Customer = Aggregate.make("Customer", {
  id: Schema.Int,
  state: Schema.Array(Schema.String),
  initial: [],
  commands: [],
  events: [Chosen],
  errors: [],
  decide: {},
  evolve: { Chosen: (_, { accounts }) => accounts }
})

const Transfer = Schema.TaggedStruct("Transfer", { from: Schema.String, to: Schema.String, cents: Schema.BigInt })

const TransferMoney = Boundary.make("TransferMoney", {
  command: Transfer,
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  errors: [TooMuch, Closed],
  decide: ({ cents }, { from }) =>
    cents === 0n
      ? Decision.nothing
      : from < cents
        ? Decision.reject(new TooMuch({ balance: from }))
        : cents === 13n
          ? Decision.reject(new Closed())
          : Decision.all({
              from: Decision.accept(Withdrawn.make({ cents })),
              to: Decision.accept(Deposited.make({ cents }))
            })
})

/** Pays one cent to each of a customer's accounts; they follow from the customer's state. */
const PayOut = Boundary.make("PayOut", {
  command: Schema.TaggedStruct("PayOut", { customer: Schema.Int }),
  participants: (command) =>
    Boundary.discover({ customer: Boundary.readOnly(Customer.at(command.customer)) }, ({ customer }) => ({
      accounts: customer.map(Account.at)
    })),
  maxParticipants: 3,
  decide: (_, { accounts }) =>
    Decision.all({
      accounts: accounts.map((balance) =>
        balance > 9n ? Decision.nothing : Decision.accept(Deposited.make({ cents: 1n }))
      )
    })
})

const transfer = Scenario.of(TransferMoney)
const deposited = (cents: bigint) => Deposited.make({ cents })
const withdrawn = (cents: bigint) => Withdrawn.make({ cents })
const move = (cents: bigint) => Transfer.make({ from: "a", to: "b", cents })

const messageOf = (scenario: () => void): string => {
  try {
    scenario()
  } catch (failure) {
    if (failure instanceof Scenario.ScenarioFailure) return failure.message
    throw failure
  }
  return expect.fail("the scenario passed")
}

describe("a scenario of a boundary", () => {
  it("passes for exactly these events by role, given as arguments, as a list, or in several steps", () => {
    const expected = { from: [withdrawn(3n)], to: [deposited(3n)] }
    transfer.given(Account.at("a"), deposited(2n), deposited(1n)).when(move(3n)).then(expected)
    transfer
      .given(Account.at("a"), [deposited(2n), deposited(1n)])
      .when(move(3n))
      .then(expected)
    transfer
      .given(Account.at("a"), deposited(2n))
      .given(Account.at("b"), deposited(9n), withdrawn(9n))
      .given(Account.at("a"), deposited(1n))
      .when(move(3n))
      .then(expected)
    transfer.given(Account.at("a"), deposited(3n)).when(move(0n)).thenNothing()
    transfer.given(Account.at("a"), deposited(3n)).when(move(0n)).then({ from: [] })
  })

  it("passes for exactly this error, with events given or without", () => {
    transfer.when(move(1n)).thenRejected(new TooMuch({ balance: 0n }))
    transfer
      .given(Account.at("a"), deposited(1n))
      .when(move(2n))
      .thenRejected(new TooMuch({ balance: 1n }))
  })

  it("leaves the scenario that it continues as it was", () => {
    const rich = transfer.given(Account.at("a"), deposited(5n))
    rich
      .given(Account.at("a"), withdrawn(5n))
      .when(move(5n))
      .thenRejected(new TooMuch({ balance: 0n }))
    rich.when(move(5n)).then({ from: [withdrawn(5n)], to: [deposited(5n)] })
  })

  it("fails for other events, one too few, and events of another role, with the streams of the roles", () => {
    const when = transfer.given(Account.at("a"), deposited(5n)).when(move(2n))
    expect(messageOf(() => when.then({ from: [withdrawn(3n)], to: [deposited(2n)] })))
      .toBe(`Transfer caused other events
(from: Account-a; to: Account-b)

  {
    "from": [
      {
        "Withdrawn": {
-         "cents": "3"
+         "cents": "2"
        }
      }
    ],
    "to": [
      {
        "Deposited": {
          "cents": "2"
        }
      }
    ]
  }

(- expected, + actual)`)
    expect(() => when.then({ from: [withdrawn(2n)] })).toThrow("Transfer caused other events")
    expect(() => when.then({ from: [deposited(2n)], to: [withdrawn(2n)] })).toThrow("Transfer caused other events")
    expect(() => when.thenNothing()).toThrow("Transfer caused other events")
  })

  it("fails for a rejection in place of events, for events in place of a rejection, and for another error", () => {
    const poor = transfer.given(Account.at("a"), deposited(1n)).when(move(2n))
    expect(messageOf(() => poor.thenNothing())).toBe(`Transfer was rejected instead of accepted
(from: Account-a; to: Account-b)

- {}
+ {
+   "rejected": {
+     "_tag": "TooMuch",
+     "balance": "1"
+   }
+ }

(- expected, + actual)`)
    expect(() => poor.thenRejected(new TooMuch({ balance: 2n }))).toThrow("Transfer was rejected for another reason")
    expect(() => poor.thenRejected(new Closed())).toThrow("Transfer was rejected for another reason")
    const rich = transfer.given(Account.at("a"), deposited(9n)).when(move(2n))
    expect(() => rich.thenRejected(new TooMuch({ balance: 9n }))).toThrow("Transfer was accepted instead of rejected")
  })

  it("names a stream with given events that the command does not read", () => {
    const mistaken = transfer.given(Account.at("A"), deposited(5n)).when(move(2n))
    expect(messageOf(() => mistaken.then({ from: [withdrawn(2n)], to: [deposited(2n)] }))).toContain(
      "The command does not read Account-A, which has events given."
    )
  })

  it("discovers participants from states, and compares a list of events for each stream of a role", () => {
    const paying = Scenario.of(PayOut)
      .given(Customer.at(7), { _tag: "Chosen", accounts: ["a", "b"] })
      .given(Account.at("b"), deposited(10n))
      .when({ _tag: "PayOut", customer: 7 })
    paying.then({ accounts: [[deposited(1n)], []] })
    expect(messageOf(() => paying.then({ accounts: [[], [deposited(1n)]] }))).toContain(
      "(customer: Customer-7; accounts: Account-a, Account-b)"
    )
    Scenario.of(PayOut).when({ _tag: "PayOut", customer: 7 }).thenNothing()
  })

  it("refuses what an executor refuses: two roles that write one stream, and too many participants", () => {
    const own = { _tag: "Transfer", from: "a", to: "a", cents: 1n } as const
    expect(() => transfer.given(Account.at("a"), deposited(5n)).when(own)).toThrow(StreamWrittenTwice)
    const many = Scenario.of(PayOut).given(Customer.at(7), [{ _tag: "Chosen", accounts: ["a", "b", "c"] }])
    expect(() => many.when({ _tag: "PayOut", customer: 7 })).toThrow(TooManyParticipants)
  })

  it("compiles for a boundary of which only the states are known", () => {
    const known: Boundary.Boundary<
      "TransferMoney",
      typeof Transfer.Type,
      { readonly from: bigint; readonly to: bigint },
      typeof Deposited.Type | typeof Withdrawn.Type,
      TooMuch | Closed
    > = TransferMoney
    const when = Scenario.of(known).given(Account.at("a"), deposited(5n)).when(move(2n))
    when.then({ from: [withdrawn(2n)], to: [deposited(2n)] })
    // @ts-expect-error no participant has an event Opened
    expect(() => when.then({ from: [{ _tag: "Opened" }] })).toThrow("the event Opened is not declared by Account")
  })

  it("with a wrong id, event, role, command or error does not compile", () => {
    const wrong = () => {
      // @ts-expect-error an id of an account is a text
      transfer.given(Account.at(7), deposited(1n))
      // @ts-expect-error an account has no event Chosen
      transfer.given(Account.at("a"), { _tag: "Chosen", accounts: [] })
      // @ts-expect-error an account has no event Chosen, in a list either
      transfer.given(Account.at("a"), [{ _tag: "Chosen", accounts: [] }])
      // @ts-expect-error there is no command Close
      transfer.when({ _tag: "Close" })
      // @ts-expect-error the boundary has no role "too"
      transfer.when(move(1n)).then({ too: [deposited(1n)] })
      // @ts-expect-error no participant has an event Opened
      transfer.when(move(1n)).then({ from: [{ _tag: "Opened" }] })
      const paying = Scenario.of(PayOut).when({ _tag: "PayOut", customer: 7 })
      // @ts-expect-error the role accounts has no event Chosen, which the role customer has
      paying.then({ accounts: [[{ _tag: "Chosen", accounts: [] }]] })
      // @ts-expect-error the role accounts has a list of events for each of its streams
      paying.then({ accounts: [deposited(1n)] })
      // @ts-expect-error the role customer is read-only
      paying.then({ customer: [{ _tag: "Chosen", accounts: [] }] })
      // @ts-expect-error there is no error Gone
      transfer.when(move(1n)).thenRejected({ _tag: "Gone" })
    }
    expect(wrong).toBeTypeOf("function")
  })
})
