import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { type Cases, needs } from "../plan.ts"
import { assertGrows, millisOf, streamOf } from "./clocks.ts"
import { appendTo, events, horizonOf, newStream, open, readAfter, versionOf } from "./streams.ts"
import { appendOne } from "./appendOne.ts"

/** Promise 12, the times that the store gives. */
export const times: Cases = {
  "12 the events of an append have one time, which its receipt and every reader give": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    const streams = Array.from({ length: 5 }, () => newStream())
    const command = { id: crypto.randomUUID(), fingerprint: "f" }
    const append = { writes: streams.map((streamId) => ({ streamId, events: events(2) })), conditions: [], command }
    const appended = yield* appendOne(eventStore, append)
    assert.strictEqual(new Set(appended.events.map(millisOf)).size, 1)
    assert.isTrue(appended.events.every(({ imported }) => !imported))
    assert.deepStrictEqual(yield* readAfter(eventStore, start, { limit: 10 }), appended.events)
    assert.deepStrictEqual((yield* appendOne(eventStore, append)).events, appended.events)
    for (const streamId of streams) {
      const own = appended.events.filter((event) => event.streamId === streamId)
      assert.deepStrictEqual(yield* streamOf(eventStore, streamId), own)
    }
  }),

  "12 the time does not fall within a stream, however appends wait for each other": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open, yield* open]
      const [a, b] = [newStream(), newStream()]
      const writes = [[a, b], [b], [a], [b, a]]
      const appends = Array.from({ length: 200 }, (_, i) =>
        appendOne(nodes[i % 3]!.eventStore, {
          writes: writes[i % 4]!.map((streamId) => ({ streamId, events: events(1) })),
          conditions: []
        })
      )
      const receipts = yield* Effect.all(appends, { concurrency: 12 })
      for (const streamId of [a, b]) {
        const log = yield* streamOf(nodes[0]!.eventStore, streamId)
        assertGrows(log)
        const received = receipts.flatMap(({ events }) => events.filter((event) => event.streamId === streamId))
        assert.deepStrictEqual(
          received.toSorted((x, y) => x.version - y.version),
          [...log]
        )
      }
    }
  ),

  "12 the time does not fall where an append waits for a transaction": needs(
    "otherProcesses",
    "transactions"
  )(function* () {
    const [one, other] = [yield* open, yield* open]
    const [a, b] = [newStream(), newStream()]
    const waiting = yield* one.transaction(
      Effect.gen(function* () {
        yield* appendTo(one.eventStore, b, events(1))
        yield* appendTo(one.eventStore, a, events(1))
        const waiting = yield* Effect.forkDetach(appendTo(other.eventStore, a, events(1)), { startImmediately: true })
        // The other one has begun, and waits for the stream.
        for (let i = 0; i < 20; i++) yield* versionOf(other.eventStore, newStream())
        yield* appendTo(one.eventStore, a, events(1))
        return waiting
      })
    )
    yield* Fiber.join(waiting)
    const log = yield* streamOf(one.eventStore, a)
    assert.strictEqual(log.length, 3)
    assertGrows(log)
  })
}
