import { assert } from "@effect/vitest"
import { type EventStore, EventStoreError } from "@hexfold/core"
import { Effect, Exit, Fiber } from "effect"
import { type Cases, needs } from "../plan.ts"
import { openWith } from "../nodes.ts"
import { appendTo, event, events, newStream, open, versionOf } from "../eventStore/streams.ts"

const together = { concurrency: "unbounded" } as const

/** Many streams with an event each, more than a store sends in one call or has connections for. */
const begun = (eventStore: EventStore.EventStore["Service"]) => {
  const all = Array.from({ length: 40 }, () => newStream())
  return Effect.as(
    Effect.forEach(all, (streamId) => appendTo(eventStore, streamId, events(1)), together),
    all
  )
}

/** Promise 10: every call ends, and one that is stuck delays only those that want the same streams. */
export const stalling: Cases = {
  "10 appends to other streams go on while some streams are stuck, and the stuck ones go on when they are free": needs(
    "stalls"
  )(function* () {
    const { eventStore, stall } = yield* openWith({ limit: "30 seconds" })
    const all = yield* begun(eventStore)
    for (const count of [1, 12]) {
      const [stuck, free] = [all.slice(0, count), all.slice(count)]
      const before = yield* Effect.forEach(all, (streamId) => versionOf(eventStore, streamId), together)
      const release = yield* stall(stuck)
      // Several for each stuck stream: those that only wait for their turn hold up nobody either.
      const waiting = yield* Effect.forkChild(
        Effect.forEach([...stuck, ...stuck, ...stuck], (id) => appendTo(eventStore, id, events(1)), together),
        { startImmediately: true }
      )
      const others = Effect.forEach([1, 2, 3], () =>
        Effect.forEach(free, (id) => appendTo(eventStore, id, events(1)), together)
      )
      // If the others had to wait, the stuck ones would end first, with a Timeout.
      assert.strictEqual(
        yield* Effect.raceFirst(Effect.as(others, "others"), Effect.as(Effect.exit(Fiber.join(waiting)), "stuck")),
        "others"
      )
      const reads = Effect.forEach(free, (id) => versionOf(eventStore, id), together)
      assert.strictEqual(
        yield* Effect.raceFirst(Effect.as(reads, "reads"), Effect.as(Effect.exit(Fiber.join(waiting)), "stuck")),
        "reads"
      )
      yield* release
      yield* Fiber.join(waiting)
      const after = yield* Effect.forEach(all, (streamId) => versionOf(eventStore, streamId), together)
      assert.deepStrictEqual(
        after,
        before.map((version) => version + 3)
      )
    }
  }),

  "10 an append to a stream that stays stuck ends with a Timeout that names the stream, and has written nothing": needs(
    "stalls"
  )(function* () {
    const { eventStore, stall } = yield* openWith({ limit: "1 second" })
    const [first, second] = [newStream(), newStream()]
    yield* appendTo(eventStore, first, events(1))
    yield* appendTo(eventStore, second, events(1))
    const release = yield* stall([first, second])
    const wanting = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? first : second))
    const exits = yield* Effect.forEach(
      wanting,
      (streamId) => Effect.exit(appendTo(eventStore, streamId, events(1))),
      together
    )
    exits.forEach((exit, i) => {
      const [reason] = Exit.isFailure(exit) ? exit.cause.reasons : []
      const error = reason?._tag === "Fail" ? reason.error : undefined
      assert.instanceOf(error, EventStoreError)
      assert.strictEqual(error.reason._tag, "Timeout")
      assert.isTrue(error.isRetryable)
      assert.include(error.message, wanting[i]!)
    })
    yield* release
    for (const streamId of [first, second]) {
      assert.strictEqual(yield* versionOf(eventStore, streamId), 1)
      yield* appendTo(eventStore, streamId, events(1))
      assert.strictEqual(yield* versionOf(eventStore, streamId), 2)
    }
  }),

  "10 an append that is interrupted while it is stuck ends, happens whole or not at all, and leaves room for others":
    needs("stalls")(function* () {
      const { eventStore, stall } = yield* open
      const [stuck, free] = [newStream(), newStream()]
      yield* appendTo(eventStore, stuck, events(1))
      const release = yield* stall([stuck])
      const many = Array.from({ length: 40 }, () => appendTo(eventStore, stuck, events(1)))
      for (const appends of [many.slice(0, 1), many]) {
        const waiting = yield* Effect.forkChild(Effect.all(appends, together), { startImmediately: true })
        yield* appendTo(eventStore, free, events(1))
        assert.isUndefined(waiting.pollUnsafe())
        yield* Fiber.interrupt(waiting)
        yield* appendTo(eventStore, free, events(1))
      }
      yield* release
      yield* appendTo(eventStore, stuck, [event({ n: "last" })])
      assert.strictEqual(yield* versionOf(eventStore, free), 4)
      const { streams } = yield* eventStore.readStreams([{ streamId: stuck }])
      // An interrupted append may still be under way, and happen after this one.
      const last = streams[0]!.events.filter(({ data }) => (data as { readonly n: unknown }).n === "last")
      assert.strictEqual(last.length, 1)
      assert.strictEqual(streams[0]!.version, streams[0]!.events.length)
      assert.isAtMost(streams[0]!.version, 2 + 1 + many.length)
    })
}
