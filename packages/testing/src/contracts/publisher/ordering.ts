import { assert } from "@effect/vitest"
import { type Cases, idsOf, message, messages, needs, newPublication, open, tags } from "./cases.ts"

/** Promises 3 and 4: the order of a key, and keys side by side. */
export const ordering: Cases = {
  "3 messages of a key arrive in their order, however many keys there are": needs()(function* () {
    const { kept, publisher, treat } = yield* open()
    const publication = newPublication()
    const keys = Array.from({ length: 10 }, (_, i) => `key-${i}`)
    for (const key of keys) yield* treat(publication, key, "keep")
    const given = Array.from({ length: 20 }, () => keys.map((key) => message(publication, key))).flat()
    yield* publisher.publish(given)
    const all = yield* kept
    for (const key of keys) {
      assert.deepStrictEqual(
        idsOf(all, publication, key),
        given.filter((each) => each.key === key).map(({ id }) => id)
      )
    }
  }),

  "3 a message behind a failed one of its key is held, and does not arrive before it": needs("outages")(function* () {
    const { kept, publisher, treat } = yield* open({ limit: "5 seconds" })
    const publication = newPublication()
    const given = messages(publication, "a", 4)
    yield* treat(publication, "a", "keep")
    assert.deepStrictEqual(tags(yield* publisher.publish(given.slice(0, 1))), ["Taken"])
    yield* treat(publication, "a", "postpone")
    const outcomes = yield* publisher.publish(given.slice(1))
    assert.deepStrictEqual(outcomes.slice(1), [
      { _tag: "Held", behind: 0 },
      { _tag: "Held", behind: 0 }
    ])
    assert.deepStrictEqual(idsOf(yield* kept, publication, "a"), [given[0]!.id])
    yield* treat(publication, "a", "keep")
    assert.deepStrictEqual(tags(yield* publisher.publish(given.slice(1))), ["Taken", "Taken", "Taken"])
    assert.deepStrictEqual(
      idsOf(yield* kept, publication, "a"),
      given.map(({ id }) => id)
    )
  }),

  "3 whatever fails and is published again, the messages of each key arrive first in their order": needs("outages")(
    function* () {
      const { kept, publisher, treat } = yield* open({ limit: "5 seconds" })
      const publication = newPublication()
      const keys = ["a", "b", "c"]
      const given = Array.from({ length: 4 }, () => keys.map((key) => message(publication, key))).flat()
      let left = given
      for (let round = 0; left.length > 0; round++) {
        // In each round one of the keys fails, in the first ones two.
        for (const [i, key] of keys.entries()) {
          const isDown = i === round % 3 || (round < 2 && i === (round + 1) % 3)
          yield* treat(publication, key, isDown ? "postpone" : "keep")
        }
        const outcomes = yield* publisher.publish(left.slice(0, 5))
        left = left.filter((_, i) => outcomes[i]?._tag !== "Taken")
        assert.isBelow(round, 20)
      }
      const all = yield* kept
      for (const key of keys) {
        assert.deepStrictEqual(
          idsOf(all, publication, key),
          given.filter((each) => each.key === key).map(({ id }) => id)
        )
      }
    }
  ),

  "4 a key that is refused or put off holds no other key up": needs(
    "refusals",
    "outages"
  )(function* () {
    const { publisher, treat } = yield* open({ limit: "10 seconds" })
    const publication = newPublication()
    for (const [key, treatment] of [
      ["refused", "refuse"],
      ["late", "postpone"],
      ["good", "keep"]
    ] as const) {
      yield* treat(publication, key, treatment)
    }
    const given = [1, 2, 3].flatMap(() => ["refused", "late", "good"].map((key) => message(publication, key)))
    assert.deepStrictEqual(tags(yield* publisher.publish(given)), [
      ...["Failed", "Failed", "Taken"],
      ...["Held", "Held", "Taken"],
      ...["Held", "Held", "Taken"]
    ])
  }),

  "4 a key without an answer holds no other key up": needs("silence")(function* () {
    const { publisher, treat } = yield* open({ limit: "5 seconds" })
    const publication = newPublication()
    yield* treat(publication, "silent", "ignore")
    yield* treat(publication, "good", "keep")
    const given = [1, 2, 3].flatMap(() => ["silent", "good"].map((key) => message(publication, key)))
    assert.deepStrictEqual(tags(yield* publisher.publish(given)), [
      ...["Failed", "Taken"],
      ...["Held", "Taken"],
      ...["Held", "Taken"]
    ])
  }),

  "4 the same key of another publication is another key": needs("refusals")(function* () {
    const { publisher, treat } = yield* open()
    const [one, other] = [newPublication(), newPublication()]
    yield* treat(one, "a", "refuse")
    yield* treat(other, "a", "keep")
    const given = [message(one, "a"), message(other, "a"), message(one, "a"), message(other, "a")]
    assert.deepStrictEqual(tags(yield* publisher.publish(given)), ["Failed", "Taken", "Held", "Taken"])
  })
}
