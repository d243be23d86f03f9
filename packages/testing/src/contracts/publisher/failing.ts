import { assert } from "@effect/vitest"
import type { Publisher } from "@hexfold/core"
import { Duration, type Schema } from "effect"
import { type Cases, errorOf, idsOf, message, needs, newPublication, open, tags } from "./cases.ts"

const nested = (depth: number): Schema.Json => {
  let value: Schema.Json = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

/** All texts that can be reached from a value, with those that are hidden from JSON. */
const textsIn = (value: unknown, seen: Set<unknown> = new Set()): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  if (typeof value !== "object" || value === null || seen.has(value)) return []
  seen.add(value)
  const own = Object.values(Object.getOwnPropertyDescriptors(value)).map((each) => each.value as unknown)
  const shown = [JSON.stringify(value) ?? "", ...(value instanceof Error ? [value.message, value.toString()] : [])]
  const held = value instanceof Map || value instanceof Set ? [...value].flat() : []
  return [...shown, ...[...own, ...held].flatMap((each) => textsIn(each, seen))]
}

/** Promises 6 and 9: failures as values, and what they do not tell. */
export const failing: Cases = {
  "6 a message that the receiver refuses is rejected": needs("refusals")(function* () {
    const { kept, publisher, treat } = yield* open()
    const publication = newPublication()
    yield* treat(publication, "a", "refuse")
    const given = message(publication, "a")
    const error = errorOf((yield* publisher.publish([given]))[0])
    assert.strictEqual(error.reason._tag, "Rejected")
    assert.isFalse(error.isRetryable)
    assert.strictEqual(error.attempts, 1)
    assert.deepStrictEqual([error.publication, error.messageId], [publication, given.id])
    assert.isNotEmpty(error.reason.detail)
    assert.deepStrictEqual(yield* kept, [])
  }),

  "6 a message that the receiver puts off may be taken later": needs("outages")(function* () {
    const { publisher, treat } = yield* open({ limit: "5 seconds" })
    const publication = newPublication()
    yield* treat(publication, "a", "postpone")
    const given = message(publication, "a")
    const error = errorOf((yield* publisher.publish([given]))[0])
    assert.isTrue(error.isRetryable, error.message)
    assert.isAtLeast(error.attempts, 1)
    yield* treat(publication, "a", "keep")
    assert.deepStrictEqual(tags(yield* publisher.publish([given])), ["Taken"])
  }),

  "6 the time that the receiver wants to be left alone is told": needs("pauses")(function* () {
    const { publisher, treat } = yield* open({ limit: "5 seconds" })
    const publication = newPublication()
    yield* treat(publication, "a", "pause")
    const error = errorOf((yield* publisher.publish([message(publication, "a")]))[0])
    assert.isTrue(error.isRetryable, error.message)
    assert.isDefined(error.retryAfter)
    const seconds = Duration.toSeconds(error.retryAfter ?? 0)
    assert.isTrue(seconds > 0 && seconds <= 7, `${seconds} s`)
  }),

  "6 what is not valid is rejected and not sent, and no other message fails for it": needs()(function* () {
    const { kept, publisher, treat } = yield* open()
    const publication = newPublication()
    const wrong: ReadonlyArray<Partial<Publisher.Message>> = [
      ...["", "a b", "a.b", "\u00e9", "a\n", "x".repeat(201)].map((id) => ({ id })),
      ...["", "a b", "\u00e9", "a\r\n", "x".repeat(1_001)].map((source) => ({ source })),
      ...["", "1a", ".a", "a.", "a..b", "a b", "a*", "a.>", "a\u00e9", "a".repeat(101)].map((name) => ({
        publication: name
      })),
      ...["", "a\0", "\ud800", "x".repeat(1_001)].flatMap((text) => [
        { type: text },
        { key: text },
        { correlationId: text },
        { causationId: text }
      ]),
      ...[0, -1, 1.5, Number.NaN, 32_768].map((schemaVersion) => ({ schemaVersion })),
      ...[Number.NaN, "a\0", { a: "\ud800" }, nested(1_001), undefined, new Date(), 1n, () => 1].map((body) => ({
        body: body as Schema.Json
      }))
    ]
    for (const i of wrong.keys()) yield* treat(publication, `wrong-${i}`, "keep")
    yield* treat(publication, "good", "keep")
    const good = [message(publication, "good"), message(publication, "good")]
    const outcomes = yield* publisher.publish([
      good[0]!,
      ...wrong.map((given, i) => message(publication, `wrong-${i}`, given)),
      good[1]!
    ])
    for (const outcome of outcomes.slice(1, -1)) {
      const error = errorOf(outcome)
      assert.strictEqual(error.reason._tag, "Rejected", error.message)
      assert.strictEqual(error.attempts, 0)
    }
    assert.deepStrictEqual([outcomes[0]?._tag, outcomes.at(-1)?._tag], ["Taken", "Taken"])
    assert.deepStrictEqual(
      (yield* kept).map(({ id }) => id),
      good.map(({ id }) => id)
    )
  }),

  "6 an id that is given twice in a call is rejected": needs()(function* () {
    const { kept, publisher, treat } = yield* open()
    const publication = newPublication()
    for (const key of ["a", "b"]) yield* treat(publication, key, "keep")
    const [first, second] = [message(publication, "a", { id: "one" }), message(publication, "b", { id: "one" })]
    const elsewhere = message(publication, "b", { id: "one", source: "/shop/payments" })
    const outcomes = yield* publisher.publish([first, second])
    assert.strictEqual(outcomes[0]?._tag, "Taken")
    assert.strictEqual(errorOf(outcomes[1]).reason._tag, "Rejected")
    assert.deepStrictEqual(tags(yield* publisher.publish([elsewhere])), ["Taken"])
    assert.deepStrictEqual(idsOf(yield* kept, publication, "a"), ["one"])
    assert.deepStrictEqual(idsOf(yield* kept, publication, "b"), ["one"])
  }),

  "9 an error tells neither a body nor a secret": needs(
    "refusals",
    "outages",
    "silence",
    "lostAnswers"
  )(function* () {
    const { publisher, secrets, treat } = yield* open({ limit: "3 seconds" })
    const publication = newPublication()
    const treatments = ["refuse", "postpone", "ignore", "lose"] as const
    for (const treatment of treatments) yield* treat(publication, treatment, treatment)
    const hidden = "this text is in the body alone"
    const given = [
      ...treatments.map((key) => message(publication, key, { body: { hidden } })),
      message(publication, "invalid", { body: { hidden, wrong: Number.NaN } })
    ]
    const outcomes = yield* publisher.publish(given)
    assert.deepStrictEqual([...new Set(tags(outcomes))], ["Failed"])
    for (const outcome of outcomes) {
      const error = errorOf(outcome)
      for (const text of textsIn(error)) {
        for (const secret of [hidden, ...secrets]) assert.isFalse(text.includes(secret), `${error.message}: ${text}`)
      }
    }
  })
}
