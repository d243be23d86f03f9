import { assert } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { eventually } from "../eventually.ts"
import { type Cases, errorOf, idsOf, message, messages, needs, newPublication, open, tags } from "./cases.ts"

/** Promises 7 and 8: limits and interruption. */
export const ending: Cases = {
  "7 a call ends within its limit, although the receiver does not answer": needs("silence")(function* () {
    const { publisher, treat } = yield* open({ limit: "1 second" })
    const publication = newPublication()
    const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
    for (const key of keys) yield* treat(publication, key, "ignore")
    const given = keys.flatMap((key) => [message(publication, key), message(publication, key)])
    // A call without a limit would take for ever. The time is long, because the machine may be busy.
    const ended = yield* Effect.timeoutOption(publisher.publish(given), "1 minute")
    assert.isTrue(Option.isSome(ended))
    const outcomes = Option.getOrElse(ended, () => [])
    for (const [i, outcome] of outcomes.entries()) {
      if (i % 2 === 1) assert.deepStrictEqual(outcome, { _tag: "Held", behind: i - 1 })
      else if (outcome._tag === "Failed") assert.isTrue(errorOf(outcome).isRetryable)
      // It was not its turn before the end of the call.
      else assert.deepStrictEqual(outcome, { _tag: "Held" })
    }
    assert.strictEqual(outcomes[0]?._tag, "Failed")
  }),

  "7 after a call without an answer the publisher goes on": needs("silence")(function* () {
    const { publisher, treat } = yield* open({ limit: "3 seconds" })
    const publication = newPublication()
    yield* treat(publication, "a", "ignore")
    const given = messages(publication, "a", 2)
    assert.deepStrictEqual(tags(yield* publisher.publish(given)), ["Failed", "Held"])
    yield* treat(publication, "a", "keep")
    assert.deepStrictEqual(tags(yield* publisher.publish(given)), ["Taken", "Taken"])
  }),

  "8 a call that is interrupted sends nothing more": needs("silence")(function* () {
    const { kept, publisher, treat } = yield* open({ limit: "1 minute" })
    const publication = newPublication()
    yield* treat(publication, "a", "ignore")
    yield* treat(publication, "b", "keep")
    const given = messages(publication, "a", 3)
    const calling = yield* Effect.forkChild(publisher.publish([...given, message(publication, "b")]), {
      startImmediately: true
    })
    yield* eventually(
      "the call is under way",
      Effect.map(kept, (all) => idsOf(all, publication, "b").length === 1)
    )
    yield* Fiber.interrupt(calling)
    yield* treat(publication, "a", "keep")
    // A later message of the key comes after all that the call would still have sent.
    const last = message(publication, "a")
    assert.deepStrictEqual(tags(yield* publisher.publish([last])), ["Taken"])
    const arrived = idsOf(yield* kept, publication, "a")
    for (const { id } of given.slice(1)) assert.notInclude(arrived, id)
    assert.include(arrived, last.id)
  })
}
