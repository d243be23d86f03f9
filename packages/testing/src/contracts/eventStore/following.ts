import { assert } from "@effect/vitest"
import { EventStore, Subscription } from "@hexfold/core"
import { Deferred, Effect, Fiber, Random, Stream } from "effect"

import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { appendTo, events, horizonOf, newStream, open, readAfter, versionOf } from "./streams.ts"

const follow = ({ eventStore }: Node, options: Subscription.SubscriptionOptions) =>
  Stream.provideService(Subscription.recorded(options), EventStore.EventStore, eventStore)

/** Begins an append of `count` events in a transaction that stays open until `end` is completed. */
const pendingAppend = (node: Node, streamId: ReturnType<typeof newStream>, count: number) =>
  Effect.gen(function* () {
    const appended = yield* Deferred.make<void>()
    const end = yield* Deferred.make<void, "rolled back">()
    const fiber = yield* appendTo(node.eventStore, streamId, events(count, "Late")).pipe(
      Effect.tap(() => Deferred.succeed(appended, undefined)),
      Effect.tap(() => Deferred.await(end)),
      node.transaction,
      Effect.exit,
      Effect.forkChild
    )
    yield* Deferred.await(appended)
    return { end, fiber }
  })

/** Live readers of several nodes beside writers, some of which append in transactions. */
const readingLive = Effect.fnUntraced(function* (transactions: boolean) {
  const nodes = [yield* open, yield* open, yield* open]
  const start = yield* horizonOf(nodes[0]!.eventStore)
  const streams = Array.from({ length: 8 }, () => newStream())
  const writers = Array.from({ length: 16 }, (_, w) =>
    Effect.gen(function* () {
      const { eventStore, transaction } = nodes[w % 3]!
      let written = 0
      for (let i = 0; i < 12; i++) {
        const streamId = streams[yield* Random.nextIntBetween(0, streams.length - 1)]!
        const count = yield* Random.nextIntBetween(1, 4)
        const rollsBack = transactions && (yield* Random.nextIntBetween(0, 3)) === 0
        const append = Effect.gen(function* () {
          yield* appendTo(eventStore, streamId, events(count))
          for (let turn = yield* Random.nextIntBetween(0, 20); turn > 0; turn--) yield* Effect.yieldNow
          if (rollsBack) return yield* Effect.fail("rolled back" as const)
        })
        const inTransaction = transactions && (yield* Random.nextBoolean)
        yield* (inTransaction || rollsBack ? transaction(append) : append).pipe(
          Effect.catchIf(
            (error) => error === "rolled back",
            () => Effect.void
          )
        )
        if (!rollsBack) written += count
      }
      return written
    })
  )
  const marker = newStream()
  const readers = yield* Effect.forEach(nodes, (node) =>
    follow(node, { after: start }).pipe(
      Stream.takeUntil(({ streamId }) => streamId === marker),
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true })
    )
  )
  const written = yield* Effect.all(writers, { concurrency: "unbounded" })
  yield* appendTo(nodes[0]!.eventStore, marker, events(1))
  const total = written.reduce((sum, count) => sum + count, 1)
  for (const fiber of readers) {
    const seen = yield* Fiber.join(fiber)
    const positions = seen.map(({ position }) => position)
    assert.deepStrictEqual(
      positions,
      [...new Set(positions)].sort((a, b) => a - b)
    )
    assert.strictEqual(seen.length, total)
    for (const streamId of streams) {
      const versions = seen.filter((event) => event.streamId === streamId).map(({ version }) => version)
      assert.deepStrictEqual(
        versions,
        versions.map((_, i) => i + 1)
      )
    }
  }
})

/** Promises 5 and 8: a reader that goes on from a position misses nothing, waits for appends only, and is woken. */
export const following: Cases = {
  "5 an append that commits late is not missed": needs(
    "otherProcesses",
    "transactions"
  )(function* () {
    const [late, early] = [yield* open, yield* open]
    const start = yield* horizonOf(early.eventStore)
    const [slow, quick] = [newStream(), newStream()]
    const { end, fiber } = yield* pendingAppend(late, slow, 2)
    yield* appendTo(early.eventStore, quick, events(3))
    const before = yield* readAfter(early.eventStore, start)
    yield* Deferred.succeed(end, undefined)
    yield* Fiber.join(fiber)
    const after = yield* readAfter(early.eventStore, before.at(-1)?.position ?? start)
    const read = [...before, ...after]
    assert.deepStrictEqual(
      read.map(({ streamId, version }) => [streamId, version]),
      [
        [slow, 1],
        [slow, 2],
        [quick, 1],
        [quick, 2],
        [quick, 3]
      ]
    )
  }),

  "5 an append that rolls back is not seen, and delays readers only until it ends": needs(
    "otherProcesses",
    "transactions"
  )(function* () {
    const [late, early] = [yield* open, yield* open]
    const start = yield* horizonOf(early.eventStore)
    const quick = newStream()
    const reading = yield* Deferred.make<void>()
    const following = yield* follow(early, { after: start }).pipe(
      Stream.tap(() => Deferred.succeed(reading, undefined)),
      Stream.take(3),
      Stream.runCollect,
      Effect.forkChild
    )
    yield* appendTo(early.eventStore, quick, events(1))
    yield* Deferred.await(reading)
    const { end, fiber } = yield* pendingAppend(late, newStream(), 2)
    yield* appendTo(early.eventStore, quick, events(2))
    // Gives the reader time to be woken by these events, and to find that it may not read them yet.
    for (let i = 0; i < 50; i++) yield* versionOf(early.eventStore, quick)
    yield* Deferred.fail(end, "rolled back")
    yield* Fiber.join(fiber)
    const read = yield* Fiber.join(following)
    assert.deepStrictEqual(
      read.map(({ streamId }) => streamId),
      [quick, quick, quick]
    )
  }),

  "5 order inside a stream is that of its versions, also for a transaction that began before others": needs(
    "otherProcesses",
    "transactions"
  )(function* () {
    const [late, early] = [yield* open, yield* open]
    const start = yield* horizonOf(early.eventStore)
    const [own, common] = [newStream(), newStream()]
    yield* late.transaction(
      Effect.gen(function* () {
        yield* appendTo(late.eventStore, own, events(1))
        yield* appendTo(early.eventStore, common, events(2))
        yield* appendTo(late.eventStore, common, events(2))
      })
    )
    yield* appendTo(early.eventStore, common, events(1))
    const read = yield* readAfter(early.eventStore, start)
    assert.strictEqual(read.length, 6)
    assert.deepStrictEqual(
      read.filter(({ streamId }) => streamId === common).map(({ version }) => version),
      [1, 2, 3, 4, 5]
    )
  }),

  "5 an open transaction that is not an append does not delay a reader": needs("foreignTransactions")(function* () {
    const { eventStore, foreignTransaction } = yield* open
    const start = yield* horizonOf(eventStore)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const isOpen = yield* foreignTransaction
        const streamId = newStream()
        yield* appendTo(eventStore, streamId, events(3))
        assert.strictEqual((yield* readAfter(eventStore, start)).length, 3)
        assert.isTrue(yield* isOpen)
      })
    )
  }),

  "5 live readers of several nodes see every event once and in order": needs("otherProcesses")(function* () {
    yield* readingLive(false)
  }),

  "5 live readers of several nodes see every event once and in order, whatever commits late or rolls back": needs(
    "otherProcesses",
    "transactions"
  )(function* () {
    yield* readingLive(true)
  }),

  "8 a new event wakes a live reader of its own node and of another one": needs("otherProcesses")(function* () {
    const [writer, other] = [yield* open, yield* open]
    const start = yield* horizonOf(writer.eventStore)
    for (const reader of [writer, other]) {
      const streamId = newStream()
      const aggregates = ["Contract"]
      const reading = yield* Deferred.make<void>()
      const fiber = yield* follow(reader, { after: start, aggregates }).pipe(
        Stream.tap(() => Deferred.succeed(reading, undefined)),
        Stream.filter((event) => event.streamId === streamId),
        Stream.take(2),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      yield* appendTo(writer.eventStore, newStream(), events(1))
      yield* Deferred.await(reading)
      yield* appendTo(writer.eventStore, streamId, events(1))
      yield* appendTo(writer.eventStore, newStream("Other"), events(1))
      yield* appendTo(writer.eventStore, streamId, events(1, "Happened", 2))
      assert.deepStrictEqual(
        (yield* Fiber.join(fiber)).map(({ version }) => version),
        [1, 2]
      )
    }
  }),

  "8 from history to live no event is missing or doubled": needs("otherProcesses")(function* () {
    const [writer, reader] = [yield* open, yield* open]
    const start = yield* horizonOf(writer.eventStore)
    const streamId = newStream()
    yield* appendTo(writer.eventStore, streamId, events(1_500))
    const writing = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 150 }), () => appendTo(writer.eventStore, streamId, events(10)), {
        discard: true
      })
    )
    for (const node of [reader, writer, reader]) {
      const read = yield* follow(node, { after: start }).pipe(Stream.take(3_000), Stream.runCollect)
      assert.deepStrictEqual(
        read.map(({ version }) => version),
        Array.from({ length: 3_000 }, (_, i) => i + 1)
      )
    }
    yield* Fiber.join(writing)
  }),

  "8 a slow consumer of the horizon skips values, but never the latest": Effect.gen(function* () {
    const { eventStore } = yield* open
    const started = yield* Deferred.make<void>()
    const goOn = yield* Deferred.make<number>()
    const fiber = yield* eventStore.horizons.pipe(
      Stream.tap(() => Deferred.succeed(started, undefined)),
      Stream.mapEffect(({ position: horizon }) => Effect.map(Deferred.await(goOn), (last) => ({ horizon, last }))),
      Stream.takeUntil(({ horizon, last }) => horizon >= last),
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true })
    )
    yield* Deferred.await(started)
    let last = 0
    for (let i = 0; i < 10; i++) last = (yield* appendTo(eventStore, newStream(), events(1))).events[0]!.position
    yield* Deferred.succeed(goOn, last)
    assert.isAtMost((yield* Fiber.join(fiber)).length, 11)
  }),

  "8 the horizon only grows and ends at the last position": Effect.gen(function* () {
    const { eventStore } = yield* open
    const appended = yield* appendTo(eventStore, newStream(), events(5))
    const last = appended.events.at(-1)!.position
    const fiber = yield* eventStore.horizons.pipe(
      Stream.map(({ position }) => position),
      Stream.takeUntil((horizon) => horizon >= last + 5),
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true })
    )
    yield* appendTo(eventStore, newStream(), events(5))
    const horizons = yield* Fiber.join(fiber)
    // A position comes again if only what holds the horizon back has changed.
    assert.deepStrictEqual(
      horizons,
      horizons.toSorted((a, b) => a - b)
    )
    assert.isAtLeast(horizons[0]!, last)
  })
}
