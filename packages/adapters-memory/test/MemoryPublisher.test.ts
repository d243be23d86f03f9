import { assert, describe, it } from "@effect/vitest"
import { MemoryPublisher } from "@hexfold/adapters-memory"
import { Publisher, Reason } from "@hexfold/core"
import type { PublisherBatch } from "@hexfold/core/adapter"
import { type PublisherBackend, PublisherContract } from "@hexfold/testing/contracts"
import { DateTime, Duration, Effect, Fiber, Schedule } from "effect"
import { TestClock } from "effect/testing"

const backend: PublisherBackend.PublisherBackend = {
  capabilities: ["refusals", "outages", "silence", "lostAnswers", "pauses"],
  open: ({ limit }) =>
    Effect.gen(function* () {
      const { publisher, receiver } = yield* MemoryPublisher.make(limit === undefined ? {} : { limit })
      const treatments = new Map<string, PublisherBackend.Treatment>()
      const arrived: Array<Publisher.Message> = []
      yield* receiver.answerWith((message) => {
        const treatment = treatments.get(`${message.publication} ${message.key}`)
        if (treatment === "keep" || treatment === "lose") arrived.push(message)
        switch (treatment) {
          case "keep":
            return Effect.void
          case "refuse":
            return Effect.fail({ reason: new Reason.Rejected({ detail: "refused" }) })
          case "postpone":
            return Effect.fail({ reason: new Reason.Unavailable({ detail: "not now" }) })
          case "pause":
            return Effect.fail({
              reason: new Reason.Unavailable({ detail: "not now" }),
              retryAfter: Duration.seconds(7)
            })
          default:
            return Effect.never
        }
      })
      return {
        publisher,
        treat: (publication, key, treatment) => Effect.sync(() => treatments.set(`${publication} ${key}`, treatment)),
        kept: Effect.sync(() => [...arrived]),
        secrets: []
      }
    })
}

PublisherContract.suite("memory", backend)

const message = (id: string, key = "a"): Publisher.Message => ({
  id,
  source: "/test",
  publication: "orders.v1",
  type: "OrderPlaced",
  key,
  time: DateTime.makeUnsafe(0),
  schemaVersion: 1,
  correlationId: "r",
  causationId: "c",
  body: {}
})

const later = (retryAfter?: Duration.Duration): PublisherBatch.Failure => ({
  reason: new Reason.Unavailable({ detail: "not now" }),
  ...(retryAfter === undefined ? undefined : { retryAfter })
})

/** Fails as often as there are failures, and then keeps everything. */
const failing = (...failures: ReadonlyArray<PublisherBatch.Failure>): MemoryPublisher.Answer => {
  const left = [...failures]
  return () => {
    const failure = left.shift()
    return failure === undefined ? Effect.void : Effect.fail(failure)
  }
}

describe("a publisher in memory", () => {
  it.effect("has its messages to look at, in the order in which they came", () =>
    Effect.gen(function* () {
      const publisher = yield* Publisher.Publisher
      yield* publisher.publish([message("1"), message("2", "b"), message("1", "c")])
      yield* publisher.publish([message("1")])
      const { messages } = yield* MemoryPublisher.Receiver
      assert.deepStrictEqual(
        (yield* messages).map(({ id }) => id),
        ["1", "2", "1"]
      )
    }).pipe(Effect.provide(MemoryPublisher.layer()))
  )

  it.effect("sends again by its schedule, and not before the receiver wants it", () =>
    Effect.gen(function* () {
      const { publisher, receiver } = yield* MemoryPublisher.make({ retry: Schedule.spaced("1 second") })
      yield* receiver.answerWith(failing(later(), later(Duration.seconds(10))))
      const calling = yield* Effect.forkChild(publisher.publish([message("1")]), { startImmediately: true })
      yield* TestClock.adjust("10999 millis")
      assert.isUndefined(calling.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(calling), [{ _tag: "Taken" }])
    })
  )

  it.effect("gives up at once if the receiver wants to be left alone for longer than the call may take", () =>
    Effect.gen(function* () {
      const { publisher, receiver } = yield* MemoryPublisher.make({ retry: Schedule.spaced("1 second") })
      yield* receiver.answerWith(failing(later(Duration.seconds(30))))
      const [outcome] = yield* publisher.publish([message("1")])
      assert.strictEqual(outcome?._tag, "Failed")
    })
  )

  it.effect("tells the last failure of a message that waits for its next attempt when the call ends", () =>
    Effect.gen(function* () {
      const { publisher, receiver } = yield* MemoryPublisher.make({ retry: Schedule.spaced("20 seconds") })
      yield* receiver.answerWith(() => Effect.fail(later()))
      const calling = yield* Effect.forkChild(publisher.publish([message("1"), message("2")]), {
        startImmediately: true
      })
      yield* TestClock.adjust("30 seconds")
      const [first, second] = yield* Fiber.join(calling)
      assert.deepStrictEqual(second, { _tag: "Held", behind: 0 })
      assert.strictEqual(first?._tag, "Failed")
      if (first?._tag !== "Failed") return
      assert.strictEqual(first.error.message, "message 1 of orders.v1: not now (attempts: 2)")
    })
  )
})
