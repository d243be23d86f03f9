import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Aggregate, Boundary, Decision, Executor, Metadata, Versions } from "@hexfold/core"
import { Schema } from "effect"

// What is expected here is checked by the compiler; running the tests proves only that the modules load.

const V1 = Schema.TaggedStruct("Paid", { amount: Schema.Finite })
const V2 = Schema.TaggedStruct("Paid", { amount: Schema.Finite, currency: Schema.String })
class Paid extends Schema.TaggedClass<Paid>()("Paid", { cents: Schema.Int, currency: Schema.String }) {}
class Noted extends Schema.TaggedClass<Noted>()("Noted", { text: Schema.String }) {}
const Marked = Schema.TaggedStruct("Marked", { mark: Schema.String })

const chain = Versions.first(V1)
  .next(V2, (paid) => ({ ...paid, currency: "EUR" }))
  .next(Paid, ({ amount, currency }) => new Paid({ cents: amount, currency }))
const common = { id: Schema.String, state: Schema.Int, initial: 0 }

describe("a step", () => {
  it("that does not give the next version does not compile", () => {
    // @ts-expect-error a field of the next version is missing
    Versions.first(V1).next(V2, (paid) => paid)
    // @ts-expect-error version 1 has no currency
    Versions.first(V1).next(Paid, (paid) => new Paid({ cents: paid.amount, currency: paid.currency }))
    // @ts-expect-error a step is missing
    Versions.first(V1).next(V2)
    // @ts-expect-error an event with another name is retired
    Versions.first(V1).next(Noted, () => new Noted({ text: "" }))
    // @ts-expect-error nothing comes after a version that this program does not write
    void Versions.first(V1).ahead(V2, ({ amount }) => ({ _tag: "Paid", amount })).next
    // @ts-expect-error the present version has an amount
    Versions.first(V1).ahead(V2, () => ({ _tag: "Paid" }))
  })
})

describe("a chain", () => {
  it("gives the current event to all functions of the aggregate", () => {
    const Till = Aggregate.make("Till", {
      ...common,
      events: [chain, Noted],
      evolve: {
        Paid: (sum, event) => {
          expectTypeOf(event).toEqualTypeOf<Paid>()
          return sum + event.cents
        },
        Noted: (sum) => sum
      }
    })
    expectTypeOf<Aggregate.EventOf<typeof Till>>().toEqualTypeOf<Paid | Noted>()
  })
})

describe("a retired event", () => {
  const evolve = { Paid: (sum: number) => sum, Noted: (sum: number) => sum }
  it("becomes current events of the aggregate, and nothing else", () => {
    Aggregate.make("Till", {
      ...common,
      events: [chain, Noted],
      retired: [
        Versions.retired(Marked, ({ mark }) => [new Noted({ text: mark }), new Paid({ cents: 1, currency: mark })]),
        Versions.retired(Schema.TaggedStruct("Opened", {}), () => [])
      ],
      evolve
    })
    Aggregate.make("Till", {
      ...common,
      events: [Noted],
      // @ts-expect-error the aggregate has no event Paid
      retired: [Versions.retired(Marked, ({ mark }) => new Paid({ cents: 1, currency: mark }))],
      evolve: { Noted: evolve.Noted }
    })
    Aggregate.make("Till", {
      ...common,
      events: [chain, Noted],
      // @ts-expect-error a field is missing
      retired: [Versions.retired(Marked, () => ({ _tag: "Paid", cents: 1 }))],
      evolve
    })
  })
})

const WithdrawV1 = Schema.TaggedStruct("Withdraw", { euros: Schema.Finite })
class Withdraw extends Schema.TaggedClass<Withdraw>()("Withdraw", { cents: Schema.Int }) {}
const withdrawal = Versions.first(WithdrawV1).next(
  Withdraw,
  ({ euros }) => new Withdraw({ cents: Math.round(euros * 100) })
)

describe("a chain of commands", () => {
  const Till = Aggregate.make("Till", {
    ...common,
    commands: [withdrawal, Schema.TaggedStruct("Note", { text: Schema.String })],
    begins: ["Withdraw"],
    events: [Noted],
    decide: {
      Withdraw: (command) => {
        expectTypeOf(command).toEqualTypeOf<Withdraw>()
        return Decision.accept(new Noted({ text: `${command.cents}` }))
      },
      Note: ({ text }) => Decision.accept(new Noted({ text }))
    },
    evolve: { Noted: (sum) => sum }
  })

  it("gives the current command to `decide`, and is executed with it", () => {
    expectTypeOf<Aggregate.CommandOf<typeof Till>>().toEqualTypeOf<
      Withdraw | { readonly _tag: "Note"; readonly text: string }
    >()
    Executor.execute(Till, "a", new Withdraw({ cents: 1 }))
    // @ts-expect-error a typed command is a current one
    Executor.execute(Till, "a", WithdrawV1.make({ euros: 1 }))
  })

  it("stands for the command of a boundary too", () => {
    const Move = Boundary.make("Move", {
      command: withdrawal,
      participants: (command) => {
        expectTypeOf(command).toEqualTypeOf<Withdraw>()
        return { till: Till.at("a") }
      },
      decide: ({ cents }) => Decision.all({ till: Decision.accept(new Noted({ text: `${cents}` })) })
    })
    Executor.execute(Move, new Withdraw({ cents: 1 }))
    // @ts-expect-error a typed command is a current one
    Executor.execute(Move, WithdrawV1.make({ euros: 1 }))
  })

  it("has steps that give exactly one command", () => {
    // @ts-expect-error a command cannot be split
    Versions.first(WithdrawV1).next(Withdraw, ({ euros }) => [new Withdraw({ cents: euros })])
    // @ts-expect-error a command cannot vanish
    Versions.first(WithdrawV1).next(Withdraw, () => undefined)
    // @ts-expect-error a retired event is no command
    void { commands: [Versions.retired(WithdrawV1, () => [])] } satisfies { commands: Parameters<typeof Commands>[0] }
  })
})

declare const Commands: (commands: ReadonlyArray<Versions.Chain<typeof Withdraw>>) => void

describe("a chain of a field of the metadata", () => {
  it("has values without tags", () => {
    const Device = Metadata.field(
      "device",
      Versions.first(Schema.String).next(Schema.Struct({ name: Schema.String }), (name) => ({ name }))
    )
    expectTypeOf(Device).toEqualTypeOf<Metadata.Field<{ readonly name: string }>>()
    // @ts-expect-error the field is called name
    Versions.first(Schema.String).next(Schema.Struct({ name: Schema.String }), (text) => ({ text }))
    // @ts-expect-error the value of a field has no tag
    const declare = () => Aggregate.make("Till", { ...common, events: [Versions.first(Schema.String)], evolve: {} })
    expect(declare).toThrow("the _tag of each of its events must be one literal string")
  })
})
