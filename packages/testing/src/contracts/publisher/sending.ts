import { assert } from "@effect/vitest"
import type { Publisher } from "@hexfold/core"
import { DateTime, type Schema } from "effect"
import { type Cases, idsOf, message, messages, needs, newPublication, open, tags } from "./cases.ts"

/** Keys that mean something to some receiver: separators, wildcards, line ends, escapes, and much text. */
const keys = [
  "a",
  "A",
  "a.b",
  "a%2Eb",
  "*",
  ">",
  "$JS.API",
  " ",
  "a b",
  "a\r\nb: c",
  "/",
  "../a",
  "~a",
  "=41",
  "\u00e9",
  "e\u0301",
  "\u{1f600}",
  "x".repeat(1_000),
  `${"x".repeat(999)}y`,
  "\u{1f600}".repeat(1_000)
]

const bodies: ReadonlyArray<Schema.Json> = [
  null,
  true,
  0,
  -1.5,
  "",
  'a "text"\r\n with \u20ac and \u{1f600}',
  [],
  {},
  [null, [1, { a: "b" }]],
  { data: { specversion: "1.0" }, "": 1, __proto: [] },
  "x".repeat(100_000)
]

/** Promises 1, 2 and 5: outcomes, what is taken, and what arrives. */
export const sending: Cases = {
  "1 every message has one outcome, in the order of the messages": needs("refusals")(function* () {
    const { publisher, treat } = yield* open()
    const publication = newPublication()
    yield* treat(publication, "good", "keep")
    yield* treat(publication, "bad", "refuse")
    const given = ["good", "bad", "good", "bad", "good"].map((key) => message(publication, key))
    const outcomes = yield* publisher.publish(given)
    assert.deepStrictEqual(tags(outcomes), ["Taken", "Failed", "Taken", "Held", "Taken"])
    assert.deepStrictEqual(outcomes[3], { _tag: "Held", behind: 1 })
  }),

  "1 without messages there are no outcomes": needs()(function* () {
    const { publisher } = yield* open()
    assert.deepStrictEqual(yield* publisher.publish([]), [])
  }),

  "2 the receiver keeps what was taken": needs()(function* () {
    const { kept, publisher, treat } = yield* open()
    const publication = newPublication()
    const given = Array.from({ length: 20 }, (_, i) => `key-${i}`).flatMap((key) => messages(publication, key, 5))
    for (const key of new Set(given.map(({ key }) => key))) yield* treat(publication, key, "keep")
    assert.deepStrictEqual([...new Set(tags(yield* publisher.publish(given)))], ["Taken"])
    const ids = new Set((yield* kept).map(({ id }) => id))
    for (const { id } of given) assert.isTrue(ids.has(id))
  }),

  "2 a message whose answer is lost is not taken, and arrives under the same id when it is published again": needs(
    "lostAnswers"
  )(function* () {
    const { kept, publisher, treat } = yield* open({ limit: "3 seconds" })
    const publication = newPublication()
    const given = messages(publication, "a", 2)
    yield* treat(publication, "a", "lose")
    assert.deepStrictEqual(tags(yield* publisher.publish(given)), ["Failed", "Held"])
    assert.deepStrictEqual(idsOf(yield* kept, publication, "a"), [given[0]!.id])
    yield* treat(publication, "a", "keep")
    assert.deepStrictEqual(tags(yield* publisher.publish(given)), ["Taken", "Taken"])
    assert.deepStrictEqual(
      idsOf(yield* kept, publication, "a"),
      given.map(({ id }) => id)
    )
  }),

  "5 a message arrives with all that it has, whatever its key and its body": needs()(function* () {
    const { kept, publisher, treat } = yield* open()
    const publication = newPublication()
    const of = (key: string, i: number): Publisher.Message =>
      message(publication, key, {
        id: `${crypto.randomUUID()}:${i}_~%"`,
        source: `urn:shop:${i}?a=%20&b="`,
        type: i % 2 === 0 ? "OrderPlaced" : "Order placed, 50 % \u20ac",
        time: DateTime.makeUnsafe(Date.UTC(2026, 0, 1) + i),
        schemaVersion: i + 1,
        correlationId: `request ${i} \u00e9`,
        causationId: `${"c".repeat(200)}-${i}`,
        body: bodies[i % bodies.length]!
      })
    const given = keys.map(of)
    for (const key of keys) yield* treat(publication, key, "keep")
    const outcomes = yield* publisher.publish(given)
    assert.deepStrictEqual(
      outcomes,
      given.map((): Publisher.Outcome => ({ _tag: "Taken" }))
    )
    const byId = new Map((yield* kept).map((each) => [each.id, each]))
    for (const each of given) assert.deepStrictEqual({ ...byId.get(each.id) }, { ...each })
  }),

  "5 a message that is published again is the same": needs()(function* () {
    const { kept, publisher, treat } = yield* open()
    const publication = newPublication()
    const given = messages(publication, "a", 2)
    yield* treat(publication, "a", "keep")
    for (let i = 0; i < 3; i++) assert.deepStrictEqual(tags(yield* publisher.publish(given)), ["Taken", "Taken"])
    const all = yield* kept
    assert.deepStrictEqual(
      idsOf(all, publication, "a"),
      given.map(({ id }) => id)
    )
    for (const each of all) assert.deepStrictEqual({ ...each }, { ...given.find(({ id }) => id === each.id) })
  }),

  "5 what the caller changes afterwards does not arrive": needs()(function* () {
    const { kept, publisher, treat } = yield* open()
    const publication = newPublication()
    yield* treat(publication, "a", "keep")
    const body: Record<string, Schema.Json> = { n: 1 }
    yield* publisher.publish([message(publication, "a", { body })])
    body["n"] = 2
    const arrived = yield* kept
    assert.deepStrictEqual(
      arrived.map((each) => each.body),
      [{ n: 1 }]
    )
  })
}
