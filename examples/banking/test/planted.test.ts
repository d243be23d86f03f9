/** Mistakes that were planted in the bank, and the laws that find them. */
import { Aggregate, Boundary, Decision, View } from "@hexfold/core"
import { Laws } from "@hexfold/testing"
import { Result, Schema } from "effect"
import { assert, describe, it } from "vitest"
import {
  Account,
  AccountId,
  AccountOpened,
  AlreadyOpen,
  Cents,
  Deposit,
  InsufficientFunds,
  MoneyDeposited,
  MoneyWithdrawn,
  NotOpen,
  Open,
  Withdraw
} from "../src/Account.ts"
import { TransferMoney } from "../src/TransferMoney.ts"

type State = (typeof Account)["initial"]

const balanceOf = (account: State) => (account._tag === "Opened" ? account.balance : 0)

/** Runs laws that must find something, in a history of at most five commands. */
const found = (law: string, check: () => unknown) => {
  try {
    check()
  } catch (failure) {
    assert.instanceOf(failure, Laws.LawFailure)
    assert.strictEqual(failure.law, law, failure.message)
    assert.isAtMost(failure.steps, 5, failure.message)
    return failure
  }
  return assert.fail(`the laws have not found it: ${law}`)
}

const neverNegative = (account: typeof Account, others: Laws.Options["with"] = []) =>
  Laws.invariant(account, "balance is never negative", (state) => balanceOf(state) >= 0, { with: others })

describe("planted mistakes are found", () => {
  it("a check that is missing", () => {
    const decide: typeof Account.decide = (command, state) =>
      command._tag === "Withdraw" && state._tag === "Opened"
        ? Decision.accept(new MoneyWithdrawn({ cents: command.cents }))
        : Account.decide(command, state)
    found("balance is never negative", () => neverNegative({ ...Account, decide }))
  })

  it("a check that is off by one", () => {
    const decide: typeof Account.decide = (command, state) =>
      command._tag === "Withdraw" && state._tag === "Opened" && command.cents === state.balance + 1
        ? Decision.accept(new MoneyWithdrawn({ cents: command.cents }))
        : Account.decide(command, state)
    found("balance is never negative", () => neverNegative({ ...Account, decide }))
  })

  it("a state that is changed in place", () => {
    const evolve: typeof Account.evolve = (state, event) => {
      if (event._tag !== "MoneyDeposited" || state._tag !== "Opened") return Account.evolve(state, event)
      return Object.assign(state, { balance: state.balance + event.cents })
    }
    found("evolve does not change its inputs", () => Laws.check({ ...Account, evolve }))
  })

  it("a decision that depends on the time", () => {
    let time = 0
    const decide: typeof Account.decide = (command, state) =>
      command._tag === "Deposit" && state._tag === "Opened"
        ? Decision.accept(new MoneyDeposited({ cents: command.cents + (time++ % 2) }))
        : Account.decide(command, state)
    found("decide is deterministic", () => Laws.check({ ...Account, decide }))
  })

  it("a state that is kept outside of the fold", () => {
    let deposits = 0
    const evolve: typeof Account.evolve = (state, event) => {
      const next = Account.evolve(state, event)
      return event._tag === "MoneyDeposited" && next._tag === "Opened" ? { ...next, balance: ++deposits } : next
    }
    found("evolve is deterministic", () => Laws.check({ ...Account, evolve }))
  })

  it("an event that forgets a field", () => {
    class Noted extends Schema.TaggedClass<Noted>()("Noted", { cents: Cents }) {}
    const Book = Aggregate.make("Book", {
      id: AccountId,
      state: Schema.Struct({ last: Schema.String }),
      initial: { last: "" },
      commands: [Open],
      events: [Noted],
      decide: { Open: ({ owner }) => Decision.accept(Object.assign(new Noted({ cents: 1 }), { owner }) as Noted) },
      evolve: { Noted: (_, event) => ({ last: "owner" in event ? String(event.owner) : "nobody" }) }
    })
    const failure = found("what was stored leads to the state that decided", () => Laws.check(Book))
    assert.strictEqual(failure.steps, 1)
  })

  it("an error that is not declared", () => {
    class Frozen extends Schema.TaggedError<Frozen>()("Frozen", {}) {}
    const decide = (command: Parameters<typeof Account.decide>[0], state: State) =>
      command._tag === "Withdraw" && balanceOf(state) === command.cents
        ? Decision.reject(new Frozen())
        : Account.decide(command, state)
    found("decide rejects only with declared errors", () =>
      Laws.check({ ...Account, decide: decide as typeof Account.decide })
    )
  })

  it("a decision that throws", () => {
    const decide: typeof Account.decide = (command, state) => {
      if (command._tag === "Withdraw" && balanceOf(state) > 2 && command.cents === balanceOf(state))
        throw new Error("rest")
      return Account.decide(command, state)
    }
    found("decide does not throw", () => Laws.check({ ...Account, decide }))
  })

  it("an account that can be opened twice", () => {
    const decide: typeof Account.decide = (command, state) =>
      command._tag === "Open"
        ? Decision.accept(new AccountOpened({ owner: command.owner }))
        : Account.decide(command, state)
    found("an owner stays", () =>
      Laws.always(
        { ...Account, decide },
        "an owner stays",
        (before, after) => before._tag === "Unopened" || (after._tag === "Opened" && after.owner === before.owner)
      )
    )
  })

  it("a transfer that takes a fee which nobody gets", () => {
    const decide: typeof TransferMoney.decide = (command, states) =>
      Result.map(TransferMoney.decide(command, states), (emission) =>
        command.cents > 3 ? { ...emission, to: [new MoneyDeposited({ cents: command.cents - 1 })] } : emission
      )
    found("money is conserved", () =>
      Laws.conserved({ ...TransferMoney, decide }, "money", ({ from, to }) => balanceOf(from) + balanceOf(to))
    )
  })

  it("a transfer that goes around the check of the account", () => {
    const Forced = Boundary.make("Forced", {
      command: Schema.TaggedStruct("Forced", { from: AccountId, to: AccountId, cents: Cents }),
      participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
      errors: [AlreadyOpen, NotOpen, InsufficientFunds],
      decide: ({ cents }, { from, to }) =>
        Decision.all({
          from:
            from._tag === "Opened"
              ? Decision.accept(new MoneyWithdrawn({ cents }))
              : Account.decide(new Withdraw({ cents }), from),
          to: Account.decide(new Deposit({ cents }), to)
        })
    })
    neverNegative(Account, [TransferMoney])
    found("balance is never negative", () => neverNegative(Account, [Forced]))
  })

  const balances = (deposits: number) =>
    View.make("Balances", {
      from: [Account],
      state: Schema.Int,
      evolve: {
        AccountOpened: () => 0,
        MoneyDeposited: (balance = 0, { cents }) => balance + deposits * cents,
        MoneyWithdrawn: (balance = 0, { cents }) => balance - cents
      }
    })

  const agrees = (view: ReturnType<typeof balances>) =>
    Laws.invariant(view, "a record has the balance of its account", (records, states) =>
      [...states.of(Account)].every(([id, account]) => records.get(id) === balanceOf(account))
    )

  it("a view that counts twice", () => {
    agrees(balances(1))
    found("a record has the balance of its account", () => agrees(balances(2)))
  })

  it("a view that keeps something outside of its records", () => {
    let opened = 0
    const Numbers = View.make("Numbers", {
      from: [Account],
      state: Schema.Int,
      evolve: { AccountOpened: () => ++opened }
    })
    found("evolve is deterministic", () => Laws.check(Numbers))
  })
})
