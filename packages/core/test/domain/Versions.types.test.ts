import { describe, expectTypeOf, it } from "@effect/vitest"
import { Aggregate, Versions } from "@hexfold/core"
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
