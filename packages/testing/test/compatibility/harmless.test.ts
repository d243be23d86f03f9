/** Changes that what is stored survives. The gate must let each pass, and take into the file what was added. */
import { assert, describe, it } from "@effect/vitest"
import { type Aggregate, Versions } from "@hexfold/core"
import { Effect, Schema } from "effect"
import { change, Paid, refusal, Refunded, StateOf, takings, till } from "./till.ts"

const tagged = Schema.TaggedStruct
const withPaid = (paid: Aggregate.TaggedSchema) => till({ events: [paid, Refunded] })

describe("an event", () => {
  it("with a new field that may be missing", () => {
    const Noted = tagged("Paid", { cents: Schema.Int, note: Schema.optionalKey(Schema.String) })
    const { outcome, renewed } = change(till(), withPaid(Noted))
    assert.strictEqual(outcome, "renewed")
    assert.include(renewed, '"note"')
    // From now on the field is looked after too.
    assert.include(refusal(withPaid(Noted), till()), 'the field "note" is not read any more')
  })

  it("with a new field that has a default", () => {
    const currency = Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed("EUR")))
    const { made, outcome, renewed } = change(till(), withPaid(tagged("Paid", { cents: Schema.Int, currency })))
    assert.strictEqual(outcome, "renewed")
    assert.notInclude(made, "becomes")
    assert.match(
      renewed,
      /"becomes": \[\s*\{ "type": "Paid", "schemaVersion": 1, "data": \{ "cents": -?\d+, "currency": "EUR" \} \}/
    )
  })

  it("that is new", () => {
    const { made, outcome, renewed } = change(till(), till({ events: [Paid, Refunded, tagged("Closed", {})] }))
    assert.strictEqual(outcome, "renewed")
    assert.notInclude(made, "Closed")
    assert.include(renewed, '"Closed": [{ "schema": { "type": "object" }, "examples": [{ "data": {} }] }]')
  })

  it("with its fields in another order", () => {
    const { outcome } = change(
      till(),
      till({ events: [tagged("Refunded", { reason: Refunded.fields.reason, cents: Schema.Int }), Paid] })
    )
    assert.include(["complete", "renewed"], outcome)
  })

  it("that is a class now", () => {
    class Paid extends Schema.TaggedClass<Paid>()("Paid", { cents: Schema.Int }) {}
    assert.strictEqual(change(till(), withPaid(Paid)).outcome, "complete")
  })

  it("with a looser check, which is looked after from now on", () => {
    const atMost = (most: number) =>
      withPaid(tagged("Paid", { cents: Schema.Int.check(Schema.isLessThanOrEqualTo(most)) }))
    const { outcome, renewed } = change(atMost(10), atMost(100))
    assert.strictEqual(outcome, "renewed")
    assert.include(renewed, '"maximum": 100')
    assert.include(refusal(atMost(100), atMost(10)), "must be at most 10 now")
  })

  it("with one more value, another name of a schema and a description", () => {
    const of = (currency: Schema.Codec<unknown, unknown>) => withPaid(tagged("Paid", { cents: Schema.Int, currency }))
    const named = Schema.Literals(["SEK", "EUR", "CHF"]).annotate({
      identifier: "Currency",
      description: "of the till"
    })
    assert.strictEqual(change(of(Schema.Literals(["EUR", "SEK"])), of(named)).outcome, "renewed")
  })

  it("with a field that takes more types", () => {
    const of = (cents: Schema.Codec<unknown, unknown>) => withPaid(tagged("Paid", { cents }))
    for (const wider of [Schema.Finite, Schema.NullOr(Schema.Int), Schema.Union([Schema.String, Schema.Int])]) {
      assert.strictEqual(change(of(Schema.Int), of(wider)).outcome, "renewed")
    }
  })
})

describe("a chain of versions", () => {
  const V1 = tagged("Paid", { euros: Schema.Int.check(Schema.isBetween({ minimum: -1_000, maximum: 1_000 })) })
  const step = ({ euros }: { readonly euros: number }) => ({ _tag: "Paid" as const, cents: euros * 100 })
  const back = ({ cents }: { readonly cents: number }) => ({ _tag: "Paid" as const, euros: Math.sign(cents) })

  it("with one version more", () => {
    const { made, outcome, renewed } = change(
      till({ events: [V1] }),
      till({ events: [Versions.first(V1).next(Paid, step)] })
    )
    assert.strictEqual(outcome, "renewed")
    assert.notInclude(made, '"schemaVersion": 2')
    assert.match(renewed, /"becomes": \[\s*\{ "type": "Paid", "schemaVersion": 2, "data": \{ "cents": -?\d+ \} \}/)
  })

  it("through the two deployments of a change, although the step back forgets something", () => {
    const ahead = till({ events: [Versions.first(V1).ahead(Paid, back)] })
    const after = till({ events: [Versions.first(V1).next(Paid, step)] })
    assert.strictEqual(change(till({ events: [V1] }), ahead).outcome, "renewed")
    assert.strictEqual(change(ahead, after).outcome, "renewed")
  })

  it("whose former version does not read what its step does not need", () => {
    const Noted = tagged("Paid", { ...V1.fields, note: Schema.optionalKey(Schema.String) })
    const [before, after] = [Versions.first(Noted).next(Paid, step), Versions.first(V1).next(Paid, step)]
    assert.strictEqual(change(till({ events: [before] }), till({ events: [after] })).outcome, "renewed")
  })

  it("with three versions, one after the other", () => {
    const V3 = tagged("Paid", { cents: Schema.Int, currency: Schema.String })
    const two = Versions.first(V1).next(Paid, step)
    const three = two.next(V3, (paid) => ({ ...paid, currency: "EUR" }))
    assert.strictEqual(change(till({ events: [two] }), till({ events: [three] })).outcome, "renewed")
  })
})

describe("a retired event", () => {
  it("that was current", () => {
    const retired = [Versions.retired(Refunded, ({ cents }) => Paid.make({ cents }))]
    const { made, outcome, renewed } = change(till(), till({ events: [Paid], retired }))
    assert.strictEqual(outcome, "renewed")
    // Nothing that the file had is gone.
    for (const [line] of made.matchAll(/"data": \{ "cents".*?\}/g)) assert.include(renewed, line)
  })

  it("through the two deployments of another name", () => {
    const Received = tagged("Received", { cents: Schema.Int, at: Schema.String })
    const before = till({
      events: [Paid],
      retired: [Versions.retired(Received, ({ cents }) => Paid.make({ cents }))]
    })
    const after = till({
      events: [Received],
      retired: [Versions.retired(Paid, ({ cents }) => Received.make({ cents, at: "" }))],
      revision: 1
    })
    assert.strictEqual(change(till({ events: [Paid] }), before).outcome, "renewed")
    assert.strictEqual(change(before, after).outcome, "renewed")
  })

  it("that is split, and others that are merged, each in two deployments", () => {
    const [Net, Fee] = [tagged("Net", { cents: Schema.Int }), tagged("Fee", {})]
    const evolve = (state: typeof StateOf.Type, { cents = 0 }: { readonly cents?: number }) => ({
      ...state,
      cents: state.cents + cents
    })
    const split = Versions.retired(Paid, ({ cents }) => [Net.make({ cents }), Fee.make({})])
    const merged = [Versions.retired(Net, ({ cents }) => Paid.make({ cents })), Versions.retired(Fee, () => [])]
    const [old, both] = [till({ evolve }), till({ evolve, events: [Paid, Refunded, Net, Fee] })]
    const divided = till({ evolve, events: [Refunded, Net, Fee], retired: [split] })
    for (const [before, after] of [
      [old, both],
      [both, divided],
      [both, till({ evolve, events: [Paid, Refunded], retired: merged })]
    ] as const) {
      assert.strictEqual(change(before, after).outcome, "renewed")
    }
  })

  it("that was passed at first, and is declared by the next deployment", () => {
    const Closed = tagged("Closed", {})
    const before = till({ retired: [Versions.retired(Closed, () => [])] })
    assert.strictEqual(change(before, till({ events: [Paid, Refunded, Closed] })).outcome, "renewed")
  })
})

describe("an aggregate", () => {
  it("with a command more", () => {
    const Close = tagged("Close", {})
    assert.include(["complete", "renewed"], change(till(), till({ commands: [Close] })).outcome)
  })

  it("with another evolve and state, and a new revision", () => {
    const evolve = ({ sum }: { readonly sum: number }, { cents }: { readonly cents: number }) => ({ sum: sum - cents })
    const after = till({ revision: 2, state: Schema.Struct({ sum: Schema.Int }), initial: { sum: 0 }, evolve })
    const { outcome, renewed } = change(till(), after)
    assert.strictEqual(outcome, "renewed")
    const { states } = JSON.parse(renewed) as { readonly states: object }
    assert.deepStrictEqual(Object.keys(states), ["1", "2"])
    assert.match(renewed, /"states": \{ "1": \{ "cents": -?\d+, "count": 1 \}, "2": \{ "sum": -?\d+ \} \}/)
    // The former state stays, for a program that is rolled back.
    assert.strictEqual(change(after, till()).outcome, "renewed")
  })

  it("with a field of its state that no history has", () => {
    const state = Schema.Struct({ ...StateOf.fields, note: Schema.optionalKey(Schema.String) })
    assert.strictEqual(change(till(), till({ state })).outcome, "renewed")
  })
})

describe("a view", () => {
  const half = (record: { readonly half: number } | undefined, { cents }: { readonly cents: number }) => ({
    half: Math.trunc(((record?.half ?? 0) + cents) / 2)
  })

  it("with other handlers and another state, and a new version", () => {
    const state = Schema.Struct({ half: Schema.Int })
    const after = takings({ version: 2, state, evolve: { Paid: half, Refunded: half } })
    const { outcome, renewed } = change(takings(), after)
    assert.strictEqual(outcome, "renewed")
    const { versions } = JSON.parse(renewed) as { readonly versions: object }
    assert.deepStrictEqual(Object.keys(versions), ["1", "2"])
    assert.match(renewed, /"1": \{ "[^"]+": \{ "cents": -?\d+ \} \}, "2": \{ "[^"]+": \{ "half": -?\d+ \} \}/)
  })

  it("whose records have a set in another order", () => {
    const state = Schema.Struct({ all: Schema.ReadonlySet(Schema.Int) })
    type Record = typeof state.Type | undefined
    const after = (record: Record, { cents }: { readonly cents: number }) => ({
      all: new Set([...(record?.all ?? []), cents])
    })
    const before = (record: Record, { cents }: { readonly cents: number }) => ({
      all: new Set([cents, ...(record?.all ?? [])])
    })
    const { outcome } = change(
      takings({ state, evolve: { Paid: after, Refunded: after } }),
      takings({ state, evolve: { Paid: before, Refunded: before } })
    )
    assert.strictEqual(outcome, "complete")
  })

  it("of an aggregate that has one event more", () => {
    const from = { events: [Paid, Refunded, tagged("Closed", {})] }
    assert.include(["complete", "renewed"], change(takings(), takings({ from })).outcome)
  })
})
