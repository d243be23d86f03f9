/** What is wrong with what makes current events and commands of former ones. */
import { Aggregate, Boundary, Decision, View, Versions } from "@hexfold/core"
import { Laws } from "@hexfold/testing"
import { Schema } from "effect"
import { assert, describe, it } from "vitest"

const few = { runs: 300, seed: 7 }

const failureOf = (check: () => unknown): Laws.LawFailure => {
  try {
    check()
  } catch (failure) {
    assert.instanceOf(failure, Laws.LawFailure)
    return failure
  }
  return assert.fail("the laws have found nothing")
}

const PaidV1 = Schema.TaggedStruct("Paid", { euros: Schema.Int, notes: Schema.Array(Schema.String) })
const PaidV2 = Schema.TaggedStruct("Paid", { ...PaidV1.fields, currency: Schema.String })
class Paid extends Schema.TaggedClass<Paid>()("Paid", {
  cents: Schema.Int,
  currency: Schema.String,
  notes: Schema.Array(Schema.String)
}) {}
class FeeCharged extends Schema.TaggedClass<FeeCharged>()("FeeCharged", { cents: Schema.Int }) {}
const PaidWithFee = Schema.TaggedStruct("PaidWithFee", {
  cents: Schema.Int,
  fee: Schema.Int,
  rates: Schema.Record(Schema.String, Schema.Int)
})
const Opened = Schema.TaggedStruct("Opened", {})
const PayV1 = Schema.TaggedStruct("Pay", { euros: Schema.Int })
class Pay extends Schema.TaggedClass<Pay>()("Pay", { cents: Schema.Int.check(Schema.isGreaterThan(0)) }) {}

type V1 = typeof PaidV1.Type
type V2 = typeof PaidV2.Type
type State = typeof State.Type
const State = Schema.Struct({ cents: Schema.Int, fees: Schema.Int })

const right = {
  first: (paid: V1): V2 => ({ ...paid, currency: "EUR" }),
  second: ({ currency, euros, notes }: V2): Paid => new Paid({ cents: euros * 100, currency, notes }),
  split: ({ cents, fee }: typeof PaidWithFee.Type): ReadonlyArray<Paid | FeeCharged> => [
    new Paid({ cents, currency: "EUR", notes: [] }),
    new FeeCharged({ cents: fee })
  ],
  command: ({ euros }: typeof PayV1.Type): Pay => new Pay({ cents: euros * 100 }),
  paid: (state: State, { cents }: Paid): State => ({ ...state, cents: state.cents + cents }),
  fee: (state: State, { cents }: FeeCharged): State => ({ ...state, fees: state.fees + cents })
}

const tillOf = (wrong: Partial<typeof right> = {}) => {
  const { command, fee, first, paid, second, split } = { ...right, ...wrong }
  return Aggregate.make("Till", {
    id: Schema.String,
    state: State,
    initial: { cents: 0, fees: 0 },
    commands: [Versions.first(PayV1).next(Pay, command), Schema.TaggedStruct("Charge", { cents: Schema.Int })],
    events: [Versions.first(PaidV1).next(PaidV2, first).next(Paid, second), FeeCharged],
    retired: [Versions.retired(PaidWithFee, split), Versions.retired(Opened, () => [])],
    decide: {
      Pay: ({ cents }) => Decision.accept(new Paid({ cents, currency: "EUR", notes: [] })),
      Charge: ({ cents }) => Decision.accept(new FeeCharged({ cents }))
    },
    evolve: { Paid: paid, FeeCharged: fee }
  })
}

const bug = new TypeError("a bug")
const throws = () => {
  throw bug
}
let count = 0

const becomes = "every event of a former version becomes current events"
const deterministic = "a step between versions is deterministic"
const unchanged = "a step between versions does not change its input"
const survives = "every event that a step gives comes back from a store as it was"
const applied = "what older programs have stored can be applied"

const mistakes: Readonly<Record<string, readonly [wrong: Partial<typeof right>, law: string, detail: string]>> = {
  "throws on a rare value": [
    { first: (paid) => (paid.notes.length > 3 ? throws() : right.first(paid)) },
    becomes,
    'The event Paid of version 1, {"_tag":"Paid","euros":0,"notes":["","","",""]}'
  ],
  "throws where a version is read that is nearer": [
    { second: (paid) => (paid.euros < 0 ? throws() : right.second(paid)) },
    becomes,
    "a step has thrown: TypeError: a bug"
  ],
  "gives what the current Schema refuses": [
    { second: ({ currency, euros, notes }) => ({ _tag: "Paid", cents: euros / 100, currency, notes }) },
    becomes,
    "a step gives a Paid that does not match its schema"
  ],
  "gives what no store keeps": [
    { second: (paid) => new Paid({ ...right.second(paid), currency: "\0" }) },
    survives,
    "contains NUL"
  ],
  "changes its input": [
    { first: (paid) => ({ ...paid, currency: "EUR", notes: ((paid.notes as Array<string>).push("x"), paid.notes) }) },
    unchanged,
    "On the event Paid of version 1"
  ],
  "changes its input, a retired event": [
    { split: (paid) => ((paid as { fee: number }).fee++, right.split(paid)) },
    unchanged,
    "On the event PaidWithFee of version 1"
  ],
  "asks for the date": [
    { second: (paid) => new Paid({ ...right.second(paid), currency: `${new Date().getFullYear()}` }) },
    deterministic,
    "and then"
  ],
  gambles: [{ split: (paid) => (Math.random() < 1e-9 ? [] : right.split(paid)) }, deterministic, "and then []"],
  "goes back and forth": [{ first: (paid) => ({ ...paid, currency: `${count++ % 2}` }) }, deterministic, "and then"],
  counts: [{ first: (paid) => ({ ...paid, currency: `${count++}` }) }, deterministic, "and then"],
  "depends on the order of keys": [
    { split: ({ cents, rates }) => [new Paid({ cents, currency: Object.keys(rates).join(), notes: [] })] },
    "a step between versions does not depend on the order of keys",
    "and then"
  ],
  "gives events of which one cannot be applied": [
    {
      fee: (state, { cents }) => (cents % 2 === 0 ? right.fee(state, new FeeCharged({ cents })) : state),
      split: ({ cents }) => [new Paid({ cents, currency: "", notes: [] })],
      paid: (state, event) => (event.currency === "" ? throws() : right.paid(state, event))
    },
    applied,
    "In place of the last Paid, on the event PaidWithFee of version 1"
  ]
}

describe("a step", () => {
  it("that is right is fine, of an aggregate, a boundary and a view", () => {
    const till = tillOf()
    Laws.check(till, few)
    Laws.check(sumsOf(till), few)
    Laws.check(payingOf(till), few)
  })

  for (const [name, [wrong, law, detail]] of Object.entries(mistakes)) {
    it(`that ${name} is found`, () => {
      const failure = failureOf(() => Laws.check(tillOf(wrong), few))
      assert.strictEqual(failure.law, law, failure.message)
      assert.include(failure.detail, detail)
      assert.strictEqual(failure.of, "Till")
    })
  }
})

const sumsOf = (till: ReturnType<typeof tillOf>, paid = (sum: number | undefined, _: Paid) => (sum ?? 0) + 1) =>
  View.make("Sums", {
    from: [till],
    state: Schema.Int,
    evolve: { Paid: paid, FeeCharged: (sum = 0) => sum }
  })

const payingOf = (till: ReturnType<typeof tillOf>, command = right.command) =>
  Boundary.make("Paying", {
    command: Versions.first(PayV1).next(Pay, command),
    participants: () => ({ till: till.at("a") }),
    decide: ({ cents }) => Decision.all({ till: Decision.accept(new Paid({ cents, currency: "EUR", notes: [] })) })
  })

describe("a step of a command", () => {
  const wrong = {
    throws: [
      (pay: typeof PayV1.Type) => (pay.euros > 10 ? throws() : right.command(pay)),
      "every command of a former version becomes a current command"
    ],
    "asks for the date": [() => new Pay({ cents: new Date().getFullYear() }), deterministic],
    "changes its input": [
      (pay: typeof PayV1.Type) => ((pay as { euros: number }).euros++, right.command(pay)),
      unchanged
    ],
    "gives nothing that is possible": [
      () => ({ _tag: "Pay" as const, cents: 0 }),
      "a former version can become a current one"
    ]
  } as const
  for (const [name, [command, law]] of Object.entries(wrong)) {
    it(`that ${name} is found, of an aggregate and of a boundary`, () => {
      assert.strictEqual(failureOf(() => Laws.check(tillOf({ command }), few)).law, law)
      assert.strictEqual(failureOf(() => Laws.check(payingOf(tillOf(), command), few)).law, law)
    })
  }
})

describe("a view", () => {
  const picky = sumsOf(tillOf({ first: (paid) => ({ ...paid, currency: "" }) }), (sum = 0, { currency }) =>
    currency === "" ? throws() : sum + 1
  )

  it("that cannot apply what a former version has become is found", () => {
    const failure = failureOf(() => Laws.check(picky, few))
    assert.strictEqual(failure.law, applied)
    assert.include(failure.detail, "In place of the last Paid, on the event Paid of version 1")
  })

  it("is not asked about former versions if the options say so", () => {
    Laws.check(picky, { ...few, former: false })
    const paid = (state: State, event: Paid) => (event.currency === "" ? throws() : right.paid(state, event))
    const till = tillOf({ first: (each) => ({ ...each, currency: "" }), paid })
    assert.strictEqual(failureOf(() => Laws.check(till, few)).law, applied)
    Laws.check(till, { ...few, former: false })
  })
})

describe("what stands for an event", () => {
  it("has its values, so that it fits into the history", () => {
    const Id = Schema.NonEmptyString.pipe(Schema.brand("LineId"))
    const Added = Schema.TaggedStruct("Added", { line: Id })
    const RemovedV1 = Schema.TaggedStruct("Removed", { it: Id })
    const Removed = Schema.TaggedStruct("Removed", { line: Id, reason: Schema.String })
    const Cart = Aggregate.make("Cart", {
      id: Schema.String,
      state: Schema.Array(Schema.String),
      initial: [],
      commands: [Schema.TaggedStruct("Add", { line: Id }), Schema.TaggedStruct("Remove", { line: Id })],
      events: [Added, Versions.first(RemovedV1).next(Removed, ({ it }) => Removed.make({ line: it, reason: "" }))],
      decide: {
        Add: ({ line }, lines) => (lines.includes(line) ? Decision.nothing : Decision.accept(Added.make({ line }))),
        Remove: ({ line }, lines) =>
          lines.includes(line) ? Decision.accept(Removed.make({ line, reason: "r" })) : Decision.nothing
      },
      evolve: {
        Added: (lines, { line }) => [...lines, line],
        Removed: (lines, { line }) => (lines.includes(line) ? lines.filter((each) => each !== line) : throws())
      }
    })
    const { events } = Laws.check(Cart, few)
    assert.isAbove(events["Cart.Removed"]!, 50)
  })
})
