import { assert, describe, it } from "@effect/vitest"
import { Aggregate, StreamId, Topic, Versions, View } from "@hexfold/core"
import { Option, Schema } from "effect"
import { PaymentBounced, PaymentReceived, Payments, received } from "../support/payments.ts"

const Received = Schema.TaggedStruct("Received", {})

describe("the streams of a topic", () => {
  it("are named by the topic and the key, a text as it is and anything else as JSON", () => {
    assert.strictEqual(Payments.streamId(17), "Payments-17")
    const named = (key: Schema.Codec<never, unknown>) => Topic.make("Payments", { key, events: [Received] }).streamId
    const of = <Key>(key: Schema.Codec<Key, unknown>, value: Key) => named(key as never)(value as never)
    assert.strictEqual(of(Schema.String, "a-b"), "Payments-a-b")
    assert.strictEqual(of(Schema.Union([Schema.String, Schema.Int]), "1"), 'Payments-"1"')
    assert.strictEqual(
      of(Schema.Struct({ b: Schema.Int, a: Schema.String }), { b: 1, a: "x" }),
      'Payments-{"a":"x","b":1}'
    )
  })

  it("lead back to their keys, and streams of anything else to none", () => {
    assert.deepStrictEqual(Payments.idOf(Payments.streamId(17)), Option.some(17))
    assert.deepStrictEqual(Payments.idOf(StreamId.make("Payments", "x")), Option.none())
    assert.deepStrictEqual(Payments.idOf(StreamId.make("Payment", "17")), Option.none())
    assert.deepStrictEqual(Payments.at(17), { source: Payments, streamId: Payments.streamId(17) })
  })
})

describe("a topic", () => {
  const make = (name: string, ...events: ReadonlyArray<Aggregate.TaggedSchema>) =>
    Topic.make(name, { key: Schema.String, events })

  it("has the name of an aggregate", () => {
    for (const name of ["", "1a", "a-b", "a b", "é", "a".repeat(101)]) {
      assert.throws(() => make(name, Received), `"${name}" cannot be the name of a topic`)
    }
  })

  it("has each tag once, and values that have one meaning in JSON", () => {
    assert.throws(() => make("Payments", Received, Received), 'two of its events have the same tag "Received"')
    const two = Schema.TaggedStruct("Two", { value: Schema.Union([Schema.BigInt, Schema.String]) })
    assert.throws(() => make("Payments", two), "Payments, events Two")
    assert.throws(
      () => Topic.make("Payments", { key: Schema.Union([Schema.BigInt, Schema.String]), events: [Received] }),
      "Payments, key"
    )
    const retired = [Versions.retired(Received, () => [])]
    assert.throws(
      () => Topic.make("Payments", { key: Schema.String, events: [Received], retired }),
      'the event "Received" is current, so it cannot be retired'
    )
  })
})

describe("a view", () => {
  const Namesake = Aggregate.make("Payments", {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    events: [Received],
    evolve: { Received: (count) => count + 1 }
  })

  it("does not follow a topic and an aggregate of the same name", () => {
    assert.throws(
      () => View.make("Both", { from: [Payments, Namesake], state: Schema.Int, evolve: { "*": (n = 0) => n + 1 } }),
      'Both: two of its sources are called "Payments"'
    )
    const again = Topic.make("Payments", { key: Schema.String, events: [Received] })
    assert.throws(
      () => View.make("Both", { from: [Payments, again], state: Schema.Int, evolve: { "*": (n = 0) => n + 1 } }),
      'Both: two of its sources are called "Payments"'
    )
  })

  it("has one record for each key unless it says otherwise, and is told key, version and position", () => {
    const Sums = View.make("Sums", {
      from: [Payments],
      state: Schema.Struct({ order: Schema.Int, cents: Schema.Int, at: Schema.Array(Schema.Int) }),
      evolve: {
        PaymentReceived: (sum, { cents }, { aggregate, id, position, version }) => {
          assert.strictEqual(aggregate, "Payments")
          return {
            order: id,
            cents: (sum?.cents ?? 0) + cents,
            at: [...(sum?.at ?? []), version, position]
          }
        },
        PaymentBounced: () => undefined
      }
    })
    const bounced = new PaymentBounced({ reason: "closed" })
    const records = View.fold(Sums, [
      ...View.given(Payments, 1, received(5), received(6)),
      ...View.given(Payments, 2, received(7)),
      ...View.given(Payments, 3, received(8), bounced)
    ])
    assert.deepStrictEqual(
      records,
      new Map([
        ["1", { order: 1, cents: 11, at: [1, 1, 2, 2] }],
        ["2", { order: 2, cents: 7, at: [1, 3] }]
      ])
    )
    assert.deepStrictEqual(Sums.follows, { aggregates: ["Payments"], except: { Payments: [] } })
  })

  it("of a topic with other events has another fingerprint, and one of an equal topic has the same", () => {
    const of = (...events: ReadonlyArray<Aggregate.TaggedSchema>) =>
      View.make("Sums", {
        from: [Topic.make("Payments", { key: Schema.Int, events })],
        state: Schema.Int,
        evolve: { "*": (count = 0) => count + 1 }
      }).fingerprint
    assert.strictEqual(of(PaymentReceived, PaymentBounced), of(PaymentBounced, PaymentReceived))
    assert.notStrictEqual(of(PaymentReceived, PaymentBounced), of(PaymentReceived))
  })
})
