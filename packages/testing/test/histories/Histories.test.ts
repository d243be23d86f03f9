import { assert, it } from "@effect/vitest"
import { Aggregate, Boundary, Decision } from "@hexfold/core"
import { Arbitraries, Histories, Laws } from "@hexfold/testing"
import { Arbitrary, Effect, Option, Result, Schema } from "effect"
import { describe } from "vitest"
import { Account, Transfer } from "./bank.ts"

/** The shortest history for which a property is false. */
const shortest = <A>(arbitrary: Arbitrary.Arbitrary<A>, property: (value: A) => boolean) => {
  const result = Effect.runSync(Arbitrary.checkEffect(arbitrary, property, { runs: 1_000, maxShrinks: 5_000 }))
  assert.strictEqual(result._tag, "Falsified")
  return (result as Arbitrary.Falsified<A, never>).shrunkInput
}

const hundreds = Arbitrary.map(Arbitrary.schema(Schema.Literals([1, 2, 3])), (n) => n * 100)
const between = Schema.Int.check(Schema.isBetween({ minimum: 5, maximum: 9 }))

describe("histories of an aggregate", () => {
  it.prop("are the folds of their events, step by step", [Histories.of(Account)], ([{ events, state, steps }]) => {
    assert.deepStrictEqual(Aggregate.fold(Account, events), state)
    let before = Account.initial
    for (const step of steps) {
      assert.strictEqual(step.before, before)
      assert.deepStrictEqual(step.decision, Account.decide(step.command, before))
      before = step.after
    }
    assert.strictEqual(before, state)
    assert.deepStrictEqual(
      steps.flatMap(({ decision }) => (Result.isSuccess(decision) ? decision.success : [])),
      events
    )
  })

  it("reach each command, error and event", () => {
    assert.deepStrictEqual(Histories.distribution([Account]).never, [])
  })

  it("are the same for the same seed", () => {
    const tables = [1, 1, 2].map((seed) => String(Histories.distribution([Account], { seed, runs: 50 })))
    assert.strictEqual(tables[0], tables[1])
    assert.notStrictEqual(tables[0], tables[2])
  })

  it("shrink to the fewest commands, and these to simple ones", () => {
    const { steps } = shortest(Histories.of(Account), ({ state }) => state.balance < 100)
    assert.deepStrictEqual(
      steps.map(({ command }) => ({ ...command })),
      [{ _tag: "Deposit", amount: 100 }]
    )
    const closed = shortest(
      Histories.of(Account),
      ({ events }) => events.length < 4 || events.at(-1)?._tag !== "Closed"
    )
    assert.strictEqual(closed.steps.length, 4)
    for (const { command } of closed.steps) assert.isAtMost("amount" in command ? command.amount : 0, 2)
  })

  it("come from the generators that a field is given", () => {
    const tens = Arbitraries.of(Account, {
      commands: { Deposit: { amount: Arbitrary.map(Arbitrary.schema(Schema.Literals([1, 2])), (n) => n * 10) } }
    })
    const result = Effect.runSync(
      Arbitrary.checkEffect(tens.commands.Deposit, ({ amount }) => amount === 10 || amount === 20)
    )
    assert.strictEqual(result._tag, "Passed")
  })

  it.prop(
    "have only values of the generators that a field is given",
    [
      Histories.of(
        Arbitraries.of(Account, { commands: { Deposit: { amount: hundreds }, Withdraw: { amount: between } } })
      )
    ],
    ([{ steps }]) => {
      for (const { command } of steps) {
        if (command._tag === "Deposit") assert.isTrue(command.amount % 100 === 0)
        if (command._tag === "Withdraw") assert.isTrue(command.amount >= 5 && command.amount <= 9)
      }
    }
  )

  it.prop("have at most so many commands", [Histories.of(Account, { steps: 2 })], ([{ steps }]) => steps.length <= 2)

  it("throw what decide throws", () => {
    const decide: typeof Account.decide = () => {
      throw new Error("boom")
    }
    const checked = Arbitrary.checkEffect(Histories.of({ ...Account, decide }), () => true)
    assert.throws(() => Effect.runSync(checked), /boom/)
  })
})

describe("histories of several streams", () => {
  it.prop("have the states of their events", [Histories.across([Transfer])], ([{ events, states }]) => {
    const byStream = Map.groupBy(events, ({ streamId }) => streamId)
    const folded = Array.from(
      byStream,
      ([streamId, own]) =>
        [streamId, own.reduce((state, { event }) => Account.evolve(state, event as never), Account.initial)] as const
    )
    assert.deepStrictEqual(
      new Map(Array.from(states(Account), ([id, state]) => [Account.streamId(id), state])),
      new Map(folded)
    )
  })

  it("have ids that meet, and boundaries that are accepted", () => {
    const { commands, never } = Histories.distribution([Transfer])
    assert.isAbove(commands["Transfer"]!.accepted, 50)
    assert.isAbove(commands["Transfer"]!.refused, 0)
    assert.notInclude(never, "the error Transfer.Overdrawn")
  })
})

describe("the members of a history", () => {
  class Open extends Schema.TaggedClass<Open>()("Open", {
    note: Schema.Option(Schema.String),
    tags: Schema.ReadonlySet(Schema.String)
  }) {}
  class Opened extends Schema.TaggedClass<Opened>()("Opened", { note: Schema.Option(Schema.String) }) {}
  const Method = Aggregate.make("Method", {
    id: Schema.NonEmptyString,
    state: Schema.Struct({ note: Schema.Option(Schema.String), next: Schema.String }),
    initial: { note: Option.none(), next: "" },
    commands: [Open],
    events: [Opened],
    decide: { Open: ({ note }) => Decision.accept(new Opened({ note })) },
    evolve: { Opened: (_, { note }) => ({ note, next: Option.getOrElse(note, () => "") }) }
  })
  const Order = Aggregate.make("Order", {
    id: Schema.NonEmptyString,
    state: Schema.Struct({ method: Schema.String }),
    initial: { method: "" },
    events: [Schema.TaggedStruct("Paid", { by: Schema.String })],
    evolve: { Paid: (_, { by }) => ({ method: by }) }
  })
  const Pay = Boundary.make("Pay", {
    command: Schema.TaggedStruct("Pay", { order: Schema.NonEmptyString, by: Schema.NonEmptyString }),
    participants: ({ order }) =>
      Boundary.discover({ order: Order.at(order) }, ({ order: { method } }) => ({
        methods: method === "" ? [] : [Boundary.readOnly(Method.at(method))]
      })),
    decide: ({ by }) => Decision.all({ order: Decision.accept({ _tag: "Paid", by }) })
  })

  it("may have options, sets and errors in them", () => {
    assert.deepStrictEqual(Histories.distribution([Method], { runs: 200 }).never, [])
    Laws.check(Method, { runs: 200 })
  })

  it("are those of later stages too", () => {
    const { commands } = Histories.distribution([Pay], { runs: 100 })
    assert.hasAllKeys(commands, ["Pay", "Method.Open"])
    Laws.check(Pay, { runs: 200 })
  })
})

describe("generated values", () => {
  const Named = Aggregate.make("Named", {
    id: Schema.String,
    state: Schema.String,
    initial: "",
    commands: [Schema.TaggedStruct("Rename", { name: Schema.String })],
    events: [Schema.TaggedStruct("Renamed", { name: Schema.String })],
    decide: { Rename: ({ name }) => Decision.accept({ _tag: "Renamed", name }) },
    evolve: { Renamed: (_, { name }) => name }
  })

  it.prop(
    "are ones that a store takes",
    { id: Arbitraries.of(Named).id, event: Arbitraries.of(Named).event },
    ({ event, id }) => {
      assert.isNotEmpty(id)
      for (const text of [id, event.name]) assert.isTrue(text.isWellFormed() && !text.includes("\0"))
    }
  )
})
