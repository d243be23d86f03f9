/** Changes that what is stored does not survive. The gate must catch each, and say what it is. */
import { assert, describe, it } from "@effect/vitest"
import { type Aggregate, Versions } from "@hexfold/core"
import { Effect, Schema } from "effect"
import { Paid, refusal, Refunded, type StateOf, takings, till } from "./till.ts"

const tagged = Schema.TaggedStruct
const withPaid = (paid: Aggregate.TaggedSchema) => till({ events: [paid, Refunded] })

describe("an event", () => {
  it("with a renamed field", () => {
    const message = refusal(till(), withPaid(tagged("Paid", { amount: Schema.Int })))
    assert.include(message, 'Paid, version 1: the field "cents" is not read any more.')
    assert.include(
      message,
      "If it is called otherwise now, or is not needed: leave version 1 as it was, and add version 2"
    )
    assert.include(message, 'Paid, version 1: the field "amount" is required now.')
  })

  it("with a renamed field that may be missing", () => {
    const message = refusal(
      till(),
      till({ events: [Paid, tagged("Refunded", { cents: Schema.Int, why: Schema.optionalKey(Schema.String) })] })
    )
    assert.include(message, 'Refunded, version 1: the field "reason" is not read any more.')
  })

  it("that was removed", () => {
    const message = refusal(till(), till({ events: [Paid] }))
    assert.include(message, "Refunded: this program neither declares the event nor has retired it.")
    assert.include(message, "Versions.retired(Refunded, step)")
  })

  it("with another tag", () => {
    const message = refusal(till(), till({ events: [Paid, tagged("PaidBack", { cents: Schema.Int })] }))
    assert.include(message, "Refunded: this program neither declares the event nor has retired it.")
    assert.include(message, "gives the current events that it becomes, such as PaidBack, or none")
  })

  it("with a tighter check", () => {
    const few = Schema.Int.check(Schema.isLessThanOrEqualTo(1_000))
    const message = refusal(till(), withPaid(tagged("Paid", { cents: few })))
    assert.include(message, 'Paid, version 1: the field "cents" must be at most 1000 now.')
    assert.include(message, "Stored events may have other values. Leave version 1 as it was, and add version 2")
  })

  it("with tighter checks of all kinds", () => {
    const of = (value: Schema.Codec<unknown, unknown>) => withPaid(tagged("Paid", { value }))
    const changes: ReadonlyArray<readonly [Schema.Codec<unknown, unknown>, Schema.Codec<unknown, unknown>, string]> = [
      [
        Schema.Int,
        Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
        "must be at least 1, must be at most 5"
      ],
      [Schema.Number, Schema.Int, "was a number and is a whole number"],
      [Schema.Int, Schema.Int.check(Schema.isMultipleOf(3)), "must be a multiple of 3"],
      [Schema.String, Schema.NonEmptyString, "must have at least 1 characters"],
      [Schema.String, Schema.String.check(Schema.isPattern(/^a/u)), 'must match "^a"'],
      [Schema.String, Schema.Literals(["a", "b"]), 'must be "a" or "b"'],
      [Schema.NullOr(Schema.Int), Schema.Int, "was null and is a whole number"],
      [Schema.Array(Schema.Int), Schema.Array(Schema.Int).check(Schema.isMaxLength(2)), "must have at most 2 elements"],
      [Schema.Array(Schema.Int), Schema.Array(Schema.Int).check(Schema.isUnique()), "must not have an element twice"],
      [
        Schema.Array(Schema.Int),
        Schema.Tuple([Schema.Int]),
        "must have at least 1 elements, must have at most 1 elements"
      ],
      [Schema.Record(Schema.String, Schema.Int), Schema.Array(Schema.Int), "was an object and is a list"]
    ]
    for (const [before, after, what] of changes) {
      const message = refusal(of(before), of(after))
      assert.isTrue(message.includes(`Paid, version 1: the field "value" ${what} now.`), `${what} in ${message}`)
    }
  })

  it("with a tighter check that no JSON Schema has", () => {
    const odd = Schema.Int.check(Schema.makeFilter((n) => n % 7 === 3 || "a strange number"))
    const message = refusal(till(), withPaid(tagged("Paid", { cents: odd })))
    assert.match(message, /Paid, version 1: \{"cents":-?\d+\} is not read any more: .*a strange number/)
  })

  it("with a field of another type", () => {
    const message = refusal(till(), withPaid(tagged("Paid", { cents: Schema.String })))
    assert.include(message, 'Paid, version 1: the field "cents" was a whole number and is a text now.')
  })

  it("with a value less", () => {
    const of = (currencies: ReadonlyArray<string>) =>
      withPaid(tagged("Paid", { cents: Schema.Int, currency: Schema.Literals(currencies) }))
    const message = refusal(of(["EUR", "CHF", "SEK"]), of(["EUR", "SEK"]))
    assert.include(message, 'Paid, version 1: the field "currency" may not be "CHF" any more.')
  })

  it("with a new field that is required", () => {
    const message = refusal(till(), withPaid(tagged("Paid", { cents: Schema.Int, currency: Schema.String })))
    assert.include(message, 'Paid, version 1: the field "currency" is required now.')
    assert.include(message, "Give it a default (`Schema.withDecodingDefaultKey`), or leave version 1 as it was")
  })

  it("with a field that may not be missing any more", () => {
    const message = refusal(
      till(),
      till({ events: [Paid, tagged("Refunded", { cents: Schema.Int, reason: Schema.String })] })
    )
    assert.include(message, 'Refunded, version 1: the field "reason" is required now.')
  })

  it("with another default", () => {
    const of = (currency: string) =>
      withPaid(
        tagged("Paid", {
          cents: Schema.Int,
          currency: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed(currency)))
        })
      )
    const message = refusal(of("EUR"), of("USD"))
    assert.match(
      message,
      /Paid, version 1: \{"cents":-?\d+\} becomes something else: "currency" was "EUR" and is "USD"\./
    )
    assert.include(message, "Restore the step, or the default of the field")
  })

  it("changed in a list, a record and a union", () => {
    const of = (amount: Schema.Codec<unknown, unknown>) =>
      withPaid(
        tagged("Paid", {
          list: Schema.Array(Schema.Struct({ amount })),
          record: Schema.Record(Schema.String, amount),
          union: Schema.Union([tagged("A", { amount }), tagged("B", {})])
        })
      )
    const message = refusal(of(Schema.Int), of(Schema.String))
    assert.include(message, 'the field "list[].amount" was a whole number and is a text now')
    assert.include(message, 'the field "record[key]" was a whole number and is a text now')
    assert.include(message, 'the field "union.amount" was a whole number and is a text now')
  })
})

const V1 = tagged("Paid", { euros: Schema.Finite })
const V2 = tagged("Paid", { euros: Schema.Finite, currency: Schema.String })
const first = Versions.first(V1)
const second = (factor: number) =>
  first.next(Paid, ({ euros }) => ({ _tag: "Paid", cents: Math.trunc(Math.max(-1e6, Math.min(1e6, euros))) * factor }))

describe("a chain of versions", () => {
  it("with another step", () => {
    const message = refusal(till({ events: [second(100)] }), till({ events: [second(1_000)] }))
    assert.match(
      message,
      /Paid, version 1: \{"euros":-?[\d.e-]+\} becomes something else: "cents" was -?\d+ and is -?\d+\./
    )
    assert.include(message, "Restore the step")
  })

  it("with another former version", () => {
    const former = Versions.first(tagged("Paid", { euros: Schema.Finite.check(Schema.isGreaterThan(0)) }))
    const message = refusal(
      till({ events: [second(100)] }),
      till({ events: [former.next(Paid, () => ({ _tag: "Paid", cents: 1 }))] })
    )
    assert.include(message, 'Paid, version 1: the field "euros" must be more than 0 now.')
    assert.include(message, "Leave version 1 as it was.")
  })

  it("without a version in the middle", () => {
    const step = ({ euros }: { readonly euros: number }) => ({ _tag: "Paid" as const, cents: Math.sign(euros) })
    const three = first.next(V2, (event) => ({ ...event, currency: "EUR" })).next(Paid, step)
    const message = refusal(till({ events: [three] }), till({ events: [first.next(Paid, step)] }))
    assert.include(message, "Paid: it had 3 versions and has 2 now.")
    assert.include(message, "no version may be taken out, neither at the end nor between others. Put it back.")
  })

  it("with a version before the others", () => {
    const message = refusal(till({ events: [Paid] }), till({ events: [second(100)] }))
    assert.include(message, "Paid, version 1: it is version 2 now.")
    assert.include(message, "a version is added at the end alone")
  })
})

describe("a retired event", () => {
  const Opened = tagged("Opened", { by: Schema.String })

  it("that was dropped", () => {
    const message = refusal(till({ retired: [Versions.retired(Opened, () => [])] }), till())
    assert.include(message, "Opened: this program neither declares the event nor has retired it.")
    assert.include(message, "Declare it again, or keep its Schema in `retired` of Till")
  })

  it("with another step", () => {
    const before = till({ retired: [Versions.retired(Opened, () => Paid.make({ cents: 1 }))] })
    const after = till({
      retired: [Versions.retired(Opened, () => [Paid.make({ cents: 1 }), Paid.make({ cents: 2 })])]
    })
    assert.match(refusal(before, after), /Opened, version 1: \{"by":".*"\} becomes something else/)
  })
})

describe("an aggregate", () => {
  it("with another evolve, and the same revision", () => {
    const evolve = (state: typeof StateOf.Type, { cents }: { readonly cents: number }) => ({
      cents: state.cents - cents,
      count: state.count + 1
    })
    const message = refusal(till(), till({ evolve }))
    assert.match(
      message,
      /the history of Till-\S+, event \d, (Paid|Refunded): the state is another one: "cents" was -?\d+ and is -?\d+\./
    )
    assert.include(message, "raise the aggregate's `revision` to 2")
  })

  it("with another state, and the same revision", () => {
    const state = Schema.Struct({ euros: Schema.Int, count: Schema.Int })
    const evolve = ({ count, euros }: typeof state.Type) => ({ euros, count: count + 1 })
    const message = refusal(till(), till({ state, initial: { euros: 0, count: 0 }, evolve }))
    assert.include(message, 'the state, revision 1: the field "cents" is not read any more.')
    assert.include(message, "raise the aggregate's `revision` to 2")
  })

  it("whose evolve does not take an old event any more", () => {
    const evolve = (state: typeof StateOf.Type) => {
      if (state.count > 0) throw new Error("only one")
      return { ...state, count: 1 }
    }
    assert.include(refusal(till(), till({ evolve, revision: 2 })), "`evolve` has thrown Error: only one")
  })

  it("with other ids", () => {
    const message = refusal(till(), till({ id: Schema.NumberFromString }))
    assert.match(message, /the id: "Till-\S+" is not the stream of an id any more\./)
  })
})

describe("a view", () => {
  const half = (record: { readonly cents: number } | undefined, { cents }: { readonly cents: number }) => ({
    cents: Math.trunc(((record?.cents ?? 0) + cents) / 2)
  })

  it("with another handler, and the same version", () => {
    const message = refusal(takings(), takings({ evolve: { Paid: half, Refunded: half } }))
    assert.match(message, /Takings, (Paid|Refunded) of Till-\S+: it makes other records: "\S+" was -?\d+ and is -?\d+/)
    assert.include(message, "Raise the view's `version` to 2: then its records are built anew")
  })

  it("with another key, and the same version", () => {
    const before = takings({ key: () => "all" })
    assert.match(
      refusal(before, takings({ key: () => "one" })),
      /it makes other records: "all" was .* and is not there/
    )
    const message = refusal(takings(), before)
    assert.include(message, "Takings, version 1: its keys have changed. Its records are refused.")
  })

  it("with another state, and the same version", () => {
    const state = Schema.Struct({ cents: Schema.String })
    const text = () => ({ cents: "0" })
    const message = refusal(takings(), takings({ state, evolve: { Paid: text, Refunded: text } }))
    assert.include(
      message,
      'Takings, version 1: the Schema of its state has changed: the field "cents" was a whole number and is a text now.'
    )
    assert.include(message, "Raise the view's `version` to 2")
  })

  it("with another handled event, and the same version", () => {
    const message = refusal(takings(), takings({ evolve: { Paid: half } }))
    assert.include(message, "Takings, version 1: the events that it handles have changed.")
  })

  it("whose old events are not read any more", () => {
    const message = refusal(takings(), takings({ version: 2, from: { events: [Paid] }, evolve: { Paid: half } }))
    assert.include(message, "does not know this type")
    assert.include(message, "If the event is not read any more, the check of its aggregate says why.")
  })
})
