import { assert, describe, it } from "@effect/vitest"
import { type Publisher, Reason } from "@hexfold/core"
import { PublisherBatch } from "@hexfold/core/adapter"
import { DateTime, Deferred, Effect, Fiber, Schedule } from "effect"
import { TestClock } from "effect/testing"

const message = (key: string): Publisher.Message => ({
  id: crypto.randomUUID(),
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

const later: PublisherBatch.Failure = { reason: new Reason.Unavailable({ detail: "not now" }) }

describe("a publisher that is made of a function", () => {
  it.effect("has no more messages under way than it may, in all its calls", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let now = 0
      let most = 0
      const publisher = PublisherBatch.make({
        send: () =>
          Effect.acquireUseRelease(
            Effect.sync(() => (most = Math.max(most, ++now))),
            () => Deferred.await(gate),
            () => Effect.sync(() => now--)
          ),
        concurrency: 3,
        limit: "1 minute",
        retry: Schedule.recurs(0)
      })
      const call = publisher.publish(Array.from({ length: 10 }, (_, i) => message(`key-${i}`)))
      const calling = yield* Effect.forkChild(Effect.all([call, call], { concurrency: 2 }), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(now, 3)
      yield* Deferred.succeed(gate, undefined)
      const outcomes = (yield* Fiber.join(calling)).flat()
      assert.isTrue(outcomes.every(({ _tag }) => _tag === "Taken"))
      assert.strictEqual(most, 3)
    })
  )

  it.effect("sends others while a message waits for its next attempt", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      const publisher = PublisherBatch.make({
        send: ({ key }) => {
          sent.push(key)
          return key === "late" && sent.length === 1 ? Effect.fail(later) : Effect.void
        },
        concurrency: 1,
        limit: "1 minute",
        retry: Schedule.spaced("10 seconds")
      })
      const calling = yield* Effect.forkChild(publisher.publish(["late", "a", "b"].map(message)), {
        startImmediately: true
      })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(sent, ["late", "a", "b"])
      yield* TestClock.adjust("9 seconds")
      assert.isTrue((yield* Fiber.join(calling)).every(({ _tag }) => _tag === "Taken"))
      assert.deepStrictEqual(sent, ["late", "a", "b", "late"])
    })
  )

  it.effect("holds the messages whose turn has not come when the call ends, and names no other message for it", () =>
    Effect.gen(function* () {
      const publisher = PublisherBatch.make({
        send: () => Effect.never,
        concurrency: 1,
        limit: "1 second",
        retry: Schedule.recurs(0)
      })
      const calling = yield* Effect.forkChild(publisher.publish(["a", "b", "b"].map(message)), {
        startImmediately: true
      })
      yield* TestClock.adjust("1 second")
      const [first, second, third] = yield* Fiber.join(calling)
      assert.strictEqual(first?._tag === "Failed" ? first.error.reason._tag : "", "Timeout")
      assert.deepStrictEqual(second, { _tag: "Held" })
      assert.deepStrictEqual(third, { _tag: "Held", behind: 1 })
    })
  )

  it("is not made with numbers that have no meaning", () => {
    const options = { send: () => Effect.void, concurrency: 1, limit: "1 second", retry: Schedule.recurs(0) } as const
    for (const concurrency of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => PublisherBatch.make({ ...options, concurrency }), "is not a concurrency")
    }
    for (const limit of [0, -1, Number.POSITIVE_INFINITY]) {
      assert.throws(() => PublisherBatch.make({ ...options, limit }), "the limit of a call is not a time")
    }
  })
})
