/** The golden file of a topic, and that of a view over it. */
import { assert, describe, it } from "@effect/vitest"
import { type Aggregate, Topic, Versions, View } from "@hexfold/core"
import { Arbitraries, Laws } from "@hexfold/testing"
import * as Compatibility from "@hexfold/testing/Compatibility"
import { Schema } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { failureOf, inFolder, till } from "./till.ts"

const tagged = Schema.TaggedStruct

const Received = tagged("Received", { cents: Schema.Int, note: Schema.optionalKey(Schema.String) })
const Bounced = tagged("Bounced", { reason: Schema.Literals(["closed", "unknown"]) })
const Split = tagged("Split", { cents: Schema.Array(Schema.Int) })

interface Definition {
  readonly key?: Schema.Codec<never, unknown>
  readonly events?: ReadonlyArray<Aggregate.TaggedSchema | Versions.Chain<Aggregate.TaggedSchema>>
  readonly retired?: ReadonlyArray<Versions.Retired<Aggregate.Tagged>>
}

const payments = ({ events = [Received, Bounced], key = Schema.Int as never, retired = [] }: Definition = {}) =>
  Topic.make("Payments", { key, events, retired })

const lawFailureOf = (run: () => unknown): Laws.LawFailure => {
  try {
    run()
  } catch (failure) {
    if (failure instanceof Laws.LawFailure) return failure
    throw failure
  }
  throw new Error("the law holds")
}

/** What the gate says when one definition takes the place of another. */
const change = (before: ReturnType<typeof payments>, after: ReturnType<typeof payments>): string =>
  inFolder((folder) => {
    Compatibility.check(before, { folder, write: true })
    return failureOf(() => Compatibility.check(after, { folder, write: true })).message.replace(/\s+/g, " ")
  })

describe("the golden file of a topic", () => {
  it("has its events with examples, and the streams of some keys", () =>
    inFolder((folder) => {
      const topic = payments({
        retired: [Versions.retired(Split, ({ cents }) => cents.map((each) => Received.make({ cents: each })))]
      })
      const { file, outcome } = Compatibility.check(topic, { folder, write: true })
      assert.strictEqual(outcome, "made")
      assert.deepStrictEqual(readdirSync(folder), ["Payments.topic.json"])
      const golden = JSON.parse(readFileSync(file, "utf8")) as {
        readonly topic: string
        readonly events: Readonly<Record<string, ReadonlyArray<{ readonly examples: ReadonlyArray<object> }>>>
        readonly streams: ReadonlyArray<string>
      }
      assert.deepStrictEqual(Object.keys(golden), ["topic", "events", "streams"])
      assert.deepStrictEqual(Object.keys(golden.events), ["Received", "Bounced", "Split"])
      for (const [version] of Object.values(golden.events)) assert.isAbove(version!.examples.length, 0)
      assert.isAbove(golden.streams.length, 1)
      for (const stream of golden.streams) assert.match(stream, /^Payments--?\d+$/)
      assert.strictEqual(Compatibility.check(topic, { folder, write: false }).outcome, "complete")
    }))

  it("grows with what is added, and keeps what it had", () =>
    inFolder((folder) => {
      const { file } = Compatibility.check(payments(), { folder, write: true })
      const before = readFileSync(file, "utf8")
      const more = payments({ events: [Received, Bounced, tagged("Refunded", { cents: Schema.Int })] })
      assert.strictEqual(Compatibility.check(more, { folder, write: false }).outcome, "incomplete")
      assert.strictEqual(Compatibility.check(more, { folder, write: true }).outcome, "renewed")
      const after = readFileSync(file, "utf8")
      assert.notStrictEqual(before, after)
      assert.include(after, "Refunded")
      assert.include(failureOf(() => Compatibility.check(payments(), { folder, write: true })).message, "Refunded")
      const wider = Topic.make("Payments", {
        key: Schema.Union([Schema.Int, Schema.Literal("all")]),
        events: [Received, Bounced, tagged("Refunded", { cents: Schema.Int })]
      })
      assert.strictEqual(Compatibility.check(wider, { folder, write: true }).outcome, "renewed")
      assert.include(readFileSync(file, "utf8"), '"Payments-\\"all\\""')
    }))

  it("is missing in continuous integration, or cannot be read", () =>
    inFolder((folder) => {
      const { message } = failureOf(() => Compatibility.check(payments(), { folder, write: false }))
      assert.include(message, "Payments: its golden file is not there")
      writeFileSync(join(folder, "Payments.topic.json"), "{}")
      assert.include(failureOf(() => Compatibility.check(payments(), { folder })).message, "cannot be read")
    }))

  it("of a topic that is gone fails the check of all", () =>
    inFolder((folder) => {
      Compatibility.checkAll([payments(), till()], { folder, write: true })
      assert.deepStrictEqual(readdirSync(folder).sort(), ["Payments.topic.json", "Till.aggregate.json"])
      const { message, of } = failureOf(() => Compatibility.checkAll([till()], { folder }))
      assert.strictEqual(of, "Payments")
      assert.include(message, "the topic is not")
    }))

  it("takes generators where the Schemas have no values that can be generated", () =>
    inFolder((folder) => {
      const Iban = Schema.String.check(Schema.makeFilter((text) => text.startsWith("DE893704") || "no IBAN"))
      const topic = Topic.make("Payments", { key: Iban, events: [tagged("Received", { from: Iban })] })
      assert.throws(() => Compatibility.check(topic, { folder, write: true }), "no example of Received, version 1")
      const some = Schema.Literals(["DE89370400440532013000", "DE89370400440532013001"])
      const generated = Arbitraries.ofTopic(topic, { key: some, events: { Received: { from: some } } })
      const { file } = Compatibility.check(generated, { folder, write: true })
      const text = readFileSync(file, "utf8")
      assert.include(text, '"Payments-DE89370400440532013000"')
      assert.strictEqual(Compatibility.check(generated, { folder, write: false }).outcome, "complete")
      const view = View.make("Ibans", { from: [topic], state: Schema.Int, evolve: { Received: (n = 0) => n + 1 } })
      assert.throws(() => Compatibility.check(view, { folder, write: true }), "Arbitraries.ofTopic")
      assert.strictEqual(Compatibility.check(view, { folder, write: true, with: [generated] }).outcome, "made")
      Laws.check(view, { runs: 50, with: [generated] })
    }))
})

describe("a change of a topic that what is stored does not survive", () => {
  it("is refused with the remedy", () => {
    assert.include(
      change(payments(), payments({ events: [tagged("Received", { amount: Schema.Int }), Bounced] })),
      'Received, version 1: the field "cents" is not read any more.'
    )
    const gone = change(payments(), payments({ events: [Received] }))
    assert.include(gone, "Bounced: this program neither declares the event nor has retired it.")
    assert.include(gone, "keep its Schema in `retired` of Payments: Versions.retired(Bounced, step)")
    assert.include(
      change(payments(), payments({ events: [Received, tagged("Bounced", { reason: Schema.Literal("closed") })] })),
      "Bounced, version 1"
    )
    const step = (cents: number) => [Versions.retired(Split, () => Received.make({ cents }))]
    assert.include(change(payments({ retired: step(1) }), payments({ retired: step(2) })), "becomes something else")
  })

  it("is one of the key", () => {
    const message = change(payments(), payments({ key: Schema.Int.check(Schema.isGreaterThan(2 ** 40)) as never }))
    assert.match(message, /the key: "Payments--?\d+" is not the stream of a key any more/)
    assert.include(message, "Leave the Schema of the key of Payments as it was.")
  })
})

describe("a view over a topic", () => {
  const sums = (of: (cents: number) => number, topic = payments()) =>
    View.make("Sums", {
      from: [topic],
      state: Schema.Int,
      evolve: {
        Received: (sum = 0, event: Aggregate.Tagged) => sum + of((event as typeof Received.Type).cents),
        Bounced: () => undefined
      }
    })

  it("has a golden file, and other records under the same version are refused", () =>
    inFolder((folder) => {
      assert.strictEqual(
        Compatibility.check(
          sums((n) => n),
          { folder, write: true }
        ).outcome,
        "made"
      )
      assert.strictEqual(
        Compatibility.check(
          sums((n) => n),
          { folder, write: false }
        ).outcome,
        "complete"
      )
      const { message } = failureOf(() =>
        Compatibility.check(
          sums((n) => n + 1),
          { folder }
        )
      )
      assert.include(message, "it makes other records")
    }))

  it("is checked by the laws, with histories of what is published, former versions included", () => {
    const { events } = Laws.check(
      sums(
        (n) => n,
        payments({
          retired: [Versions.retired(Split, ({ cents }) => cents.map((each) => Received.make({ cents: each })))]
        })
      ),
      { runs: 200 }
    )
    assert.isAbove(events["Payments.Received"] ?? 0, 100)
    assert.isAbove(events["Payments.Bounced"] ?? 0, 100)
    const forgetful = View.make("Last", {
      from: [payments()],
      state: Schema.Struct({ times: Schema.Int }),
      evolve: { "*": (state) => ({ times: state === undefined ? Date.now() : state.times }) }
    })
    assert.throws(() => Laws.check(forgetful, { runs: 200 }), "evolve is deterministic")
  })

  it("has a law of its own that fails with what was published, as code", () => {
    const law = () =>
      Laws.invariant(
        sums((n) => n),
        "nobody pays",
        (records) => [...records.values()].every((sum) => sum === 0),
        {
          seed: 1
        }
      )
    const { message } = lawFailureOf(law)
    assert.include(
      message,
      `The records are { "1": 1 }.\n\nThe shortest history that shows it:\n\nScenario.of(Sums)\n  .given(Payments.at(1), { _tag: "Received", cents: 1 })`
    )
  })
})
