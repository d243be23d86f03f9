import { assert, it } from "@effect/vitest"
import { Aggregate, Boundary, Decision, Query, View } from "@hexfold/core"
import { Arbitraries, Laws } from "@hexfold/testing"
import { Result, Schema } from "effect"
import { describe } from "vitest"
import { Account, Balances, Deposited, Transfer, Withdrawn } from "../histories/bank.ts"

/** The failure of laws that do not hold. */
const failureOf = (check: () => unknown): Laws.LawFailure => {
  try {
    check()
  } catch (failure) {
    if (failure instanceof Laws.LawFailure) return failure
    throw failure
  }
  return assert.fail("the laws hold")
}

const lawOf = (check: () => unknown): string => failureOf(check).law

// Enough to go wrong: the examples have the whole number.
const few = { runs: 200 }

describe("laws that hold", () => {
  it("of an aggregate, a boundary and a view", () => {
    for (const target of [Account, Transfer]) Laws.check(target, few)
    Laws.check(Balances, few)
    Laws.check(Balances, { ...few, with: [Transfer] })
  })

  it("of your own", () => {
    Laws.invariant(Account, "never overdrawn", ({ balance }) => balance >= 0, few)
    Laws.invariant(Arbitraries.of(Account), "never overdrawn", ({ balance }) => balance >= 0, {
      ...few,
      with: [Transfer]
    })
    Laws.always(Account, "stays closed", (before, after) => !before.isClosed || after.isClosed, few)
    Laws.conserved(Transfer, "money", ({ from, to }) => from.balance + to.balance, few)
    Laws.invariant(
      Balances,
      "balances agree",
      (records, states) =>
        [...states.of(Account)].every(
          ([id, { balance, isClosed }]) => (records.get(id)?.balance ?? 0) === balance || isClosed
        ),
      few
    )
    const rich = Query.from(Balances, { where: ({ gt }) => gt("balance", 10) })
    Laws.finds(Balances, rich, ({ balance }) => balance > 10, few)
  })
})

describe("a law that does not hold", () => {
  it("is shown with the shortest history, as code", () => {
    const { message, seed } = failureOf(() =>
      Laws.invariant(Account, "nobody is rich", ({ balance }) => balance < 7, { seed: 3 })
    )
    assert.strictEqual(seed, 3)
    assert.strictEqual(
      message.slice(0, message.indexOf("(found")).trim(),
      `Account: nobody is rich: this does not hold

new Deposited({ amount: 7 }) led from { balance: 0, isClosed: false } to { balance: 7, isClosed: false }.

The shortest history that shows it:

Scenario.of(Account)
  .when(new Deposit({ amount: 7 }))
  .then(new Deposited({ amount: 7 }))`
    )
  })

  it("is shown with the streams of a boundary", () => {
    const { scenario } = failureOf(() =>
      Laws.conserved(Transfer, "the balance of who pays", ({ from }) => from.balance)
    )
    assert.strictEqual(
      scenario,
      `Scenario.of(Transfer)
  .given(Account.at("a"), new Deposited({ amount: 1 }))
  .when({ _tag: "Transfer", from: "a", to: "b", amount: 1 })
  .then({ from: [new Withdrawn({ amount: 1 })], to: [new Deposited({ amount: 1 })] })`
    )
  })

  it("is shown with the events of a view", () => {
    const { scenario } = failureOf(() =>
      Laws.invariant(Balances, "poor", (records) => ![...records.values()].some(({ balance }) => balance > 4))
    )
    assert.strictEqual(scenario, `Scenario.of(Balances)\n  .given(Account.at("a"), new Deposited({ amount: 5 }))`)
  })

  it("is not found where nothing is generated", () => {
    const decide = () => Decision.nothing
    assert.include(
      failureOf(() => Laws.check({ ...Account, decide }, few)).detail,
      "No command of Account caused an event"
    )
    const Other = View.make("Other", { from: [{ ...Account, decide }], state: Schema.Int, evolve: { Closed: () => 1 } })
    assert.include(failureOf(() => Laws.check(Other, few)).detail, "No history has an event that Other handles")
  })

  it("may be a predicate that throws", () => {
    assert.include(
      failureOf(() =>
        Laws.invariant(Account, "odd", ({ balance }) => {
          if (balance > 3) throw new Error("three")
          return true
        })
      ).detail,
      "The predicate has thrown Error: three"
    )
  })
})

describe("what the compiler would refuse", () => {
  it("is told of: a function that returns no decision", () => {
    for (const decide of [() => undefined, async () => Decision.nothing]) {
      const failure = failureOf(() => Laws.check({ ...Account, decide: decide as never }))
      assert.strictEqual(failure.law, "decide does not throw")
      assert.include(failure.detail, "which is no decision")
    }
  })

  it("is told of: a predicate that returns a promise", () => {
    const holds = (async () => false) as unknown as () => boolean
    for (const check of [
      () => Laws.invariant(Account, "any", holds),
      () => Laws.always(Account, "any", holds),
      () => Laws.invariant(Balances, "any", holds)
    ]) {
      assert.include(failureOf(check).detail, "neither true nor false")
    }
  })
})

describe("what throws", () => {
  const boom = new Error("boom", { cause: new Error("at amount") })
  const decide: typeof Account.decide = (command, state) => {
    if (command._tag === "Deposit" && command.amount === 3) throw boom
    return Account.decide(command, state)
  }
  const thrower = { ...Account, decide }

  it("breaks every law, and is the cause", () => {
    for (const check of [
      () => Laws.check(thrower),
      () => Laws.invariant(thrower, "any", () => true),
      () => Laws.always(thrower, "any", () => true)
    ]) {
      const failure = failureOf(check)
      assert.strictEqual(failure.law, "decide does not throw")
      assert.include(failure.detail, "has thrown Error: boom: at amount")
      assert.strictEqual(failure.cause, boom)
    }
  })
})

describe("several streams", () => {
  const Seat = Aggregate.make("Seat", {
    id: Schema.NonEmptyString,
    state: Schema.Struct({ by: Schema.ReadonlySet(Schema.String) }),
    initial: { by: new Set<string>() },
    events: [Schema.TaggedStruct("Reserved", { by: Schema.String })],
    evolve: { Reserved: ({ by: before }, { by }) => ({ by: new Set([...before, by]) }) }
  })
  const reserve = (decide: (seats: number) => unknown) =>
    Boundary.make("Reserve", {
      command: Schema.TaggedStruct("Reserve", { a: Schema.NonEmptyString, b: Schema.NonEmptyString }),
      participants: ({ a, b }) => ({
        seats: [...new Set([a, b])].map((id) => Seat.at(id)),
        first: Boundary.readOnly(Seat.at(a))
      }),
      decide: (_, { seats }) => decide(seats.length) as never
    })
  const reserved = { _tag: "Reserved", by: "x" }

  it("may get a list of events that is shorter than theirs, and not one that is longer", () => {
    Laws.check(reserve(() => Result.succeed({ seats: [[reserved]], ghost: [] })))
    const longer = reserve(() => Result.succeed({ seats: [[], [], [reserved]] }))
    assert.strictEqual(
      lawOf(() => Laws.check(longer)),
      "each role gets only its own events"
    )
  })

  it("have their states in a view's invariant, also where one plays two roles", () => {
    const Reserve = reserve((seats) => Result.succeed({ seats: Array.from({ length: seats }, () => [reserved]) }))
    const Taken = View.make("Taken", {
      from: [Seat],
      state: Schema.Int,
      evolve: { Reserved: (count = 0) => count + 1 }
    })
    Laws.invariant(
      Taken,
      "a taken seat has a name",
      (records, states) => [...records.keys()].every((id) => states.of(Seat).get(id)!.by.size === 1),
      { with: [Reserve] }
    )
  })

  it("must not change a set in place", () => {
    const inPlace = {
      ...Account,
      schemas: { ...Account.schemas, state: Schema.Struct({ seen: Schema.ReadonlySet(Schema.Int) }) },
      initial: { seen: new Set<number>() },
      decide: () => Decision.accept(new Deposited({ amount: 2 })),
      evolve: (state: { readonly seen: Set<number> }) => {
        state.seen.add(state.seen.size)
        return state
      }
    }
    assert.strictEqual(
      lawOf(() => Laws.check(inPlace as never)),
      "evolve does not change its inputs"
    )
  })
})

describe("decide and evolve", () => {
  const text = <State>(
    state: Schema.Codec<State, unknown>,
    initial: State,
    next: (state: State, name: string) => State
  ) =>
    Aggregate.make("Text", {
      id: Schema.NonEmptyString,
      state,
      initial,
      commands: [Schema.TaggedStruct("Set", { names: Schema.Record(Schema.String, Schema.Int) })],
      events: [Schema.TaggedStruct("Was", { names: Schema.Record(Schema.String, Schema.Int) })],
      decide: { Set: ({ names }) => Decision.accept({ _tag: "Was", names }) },
      evolve: { Was: (state, { names }) => next(state, Object.keys(names).join()) as never }
    })

  it("must not depend on the order of keys", () => {
    const Ordered = text(Schema.String, "", (_, names) => names)
    assert.strictEqual(
      lawOf(() => Laws.check(Ordered)),
      "evolve does not depend on the order of keys"
    )
  })

  it("may make a Set of keys, because a Set has no order", () => {
    const Listed = Schema.TaggedStruct("Listed", { names: Schema.ReadonlySet(Schema.String) })
    class Full extends Schema.TaggedError<Full>()("Full", { names: Schema.ReadonlySet(Schema.String) }) {}
    const Book = Aggregate.make("Book", {
      id: Schema.NonEmptyString,
      state: Schema.Record(Schema.String, Schema.Int),
      initial: {},
      commands: [Schema.TaggedStruct("List", { name: Schema.NonEmptyString })],
      events: [Listed],
      errors: [Full],
      decide: {
        List: ({ name }, entries) => {
          const names = new Set([...Object.keys(entries), name])
          return names.size > 4 ? Decision.reject(new Full({ names })) : Decision.accept({ _tag: "Listed", names })
        }
      },
      evolve: {
        Listed: (entries, { names }) => Object.fromEntries([...Object.keys(entries), ...names].map((name) => [name, 1]))
      }
    })
    Laws.check(Book, { ...few, seed: 3 })
  })

  it("must lead to states that come back from a store", () => {
    const Maybe = text(Schema.Struct({ at: Schema.Union([Schema.DateFromString, Schema.String]) }), { at: "" }, () => ({
      at: "2026-01-01T00:00:00.000Z"
    }))
    assert.strictEqual(
      lawOf(() => Laws.check(Maybe)),
      "every state comes back from a store as it was"
    )
  })

  it("must reject with declared errors, and cause declared events", () => {
    class Odd extends Schema.TaggedError<Odd>()("Odd", {}) {}
    const wrong = (decide: (command: never, state: never) => unknown) => ({
      ...Account,
      decide: decide as typeof Account.decide
    })
    const rejects = wrong((command: { amount?: number }, state: never) =>
      (command.amount ?? 0) > 5 ? Decision.reject(new Odd()) : Account.decide(command as never, state)
    )
    assert.strictEqual(
      lawOf(() => Laws.check(rejects)),
      "decide rejects only with declared errors"
    )
    const { schemas } = Account
    const rejections = new Map([...schemas.rejections].map(([tag]) => [tag, new Set<string>()]))
    const silent = { ...Account, schemas: { ...schemas, rejections } } as typeof Account
    assert.include(failureOf(() => Laws.check(silent)).detail, "Declared are none")
    const causes = wrong(() => Decision.accept({ _tag: "Other" }))
    assert.strictEqual(
      lawOf(() => Laws.check(causes)),
      "decide causes only declared events"
    )
  })

  it("must not give a role what it may not have", () => {
    const Look = Boundary.make("Look", {
      command: Schema.TaggedStruct("Look", { from: Schema.NonEmptyString, to: Schema.NonEmptyString }),
      participants: ({ from, to }) => ({
        from: Boundary.readOnly(Account.at(from as never)),
        to: Account.at(to as never)
      }),
      decide: (_, { from }) =>
        from.balance > 3
          ? (Decision.all({ from: Decision.accept(new Withdrawn({ amount: 1 })) }) as never)
          : Decision.all({ to: Decision.accept(new Deposited({ amount: 1 })) })
    })
    assert.strictEqual(
      lawOf(() => Laws.check(Look)),
      "each role gets only its own events"
    )
  })
})
