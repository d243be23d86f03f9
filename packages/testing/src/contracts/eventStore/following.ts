import { assert } from "@effect/vitest"
import { EventStore, Subscription } from "@hexfold/core"
import { Deferred, Effect, Fiber, Random, Stream } from "effect"
import { Backend, type Instance } from "./backend.ts"
import { appendTo, type Cases, events, horizonOf, newStream, open, readAfter, versionOf } from "./support.ts"

const follow = ({ store }: Instance, options: Subscription.SubscriptionOptions) =>
  Stream.provideService(Subscription.recorded(options), EventStore.EventStore, store)

/** Begins an append of `count` events in a transaction that stays open until `end` is completed. */
const pendingAppend = (instance: Instance, streamId: ReturnType<typeof newStream>, count: number) =>
  Effect.gen(function* () {
    const appended = yield* Deferred.make<void>()
    const end = yield* Deferred.make<void, "rolled back">()
    const run = instance.transaction ?? (<A, E>(effect: Effect.Effect<A, E>) => effect)
    const fiber = yield* appendTo(instance.store, streamId, events(count, "Late")).pipe(
      Effect.tap(() => Deferred.succeed(appended, undefined)),
      Effect.tap(() => Deferred.await(end)),
      run,
      Effect.exit,
      Effect.forkChild
    )
    yield* Deferred.await(appended)
    return { end, fiber }
  })

/** Promises 5 and 8: a reader that goes on from where it was misses nothing, waits for no stranger, and is woken. */
export const following: Cases = {
  "5 an append that commits late is not missed": Effect.gen(function* () {
    const [late, early] = [yield* open, yield* open]
    const start = yield* horizonOf(early.store)
    const [slow, quick] = [newStream(), newStream()]
    const { end, fiber } = yield* pendingAppend(late, slow, 2)
    yield* appendTo(early.store, quick, events(3))
    const before = yield* readAfter(early.store, start)
    yield* Deferred.succeed(end, undefined)
    yield* Fiber.join(fiber)
    const after = yield* readAfter(early.store, before.at(-1)?.position ?? start)
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

  "5 an append that rolls back is not seen and holds nobody up for long": Effect.gen(function* () {
    const [late, early] = [yield* open, yield* open]
    if (late.transaction === undefined) return
    const start = yield* horizonOf(early.store)
    const quick = newStream()
    const reading = yield* Deferred.make<void>()
    const following = yield* follow(early, { after: start }).pipe(
      Stream.tap(() => Deferred.succeed(reading, undefined)),
      Stream.take(3),
      Stream.runCollect,
      Effect.forkChild
    )
    yield* appendTo(early.store, quick, events(1))
    yield* Deferred.await(reading)
    const { end, fiber } = yield* pendingAppend(late, newStream(), 2)
    yield* appendTo(early.store, quick, events(2))
    // Time enough for the reader to be told of these events, and to find that it may not read them yet.
    for (let i = 0; i < 50; i++) yield* versionOf(early.store, quick)
    yield* Deferred.fail(end, "rolled back")
    yield* Fiber.join(fiber)
    const read = yield* Fiber.join(following)
    assert.deepStrictEqual(
      read.map(({ streamId }) => streamId),
      [quick, quick, quick]
    )
  }),

  "5 order inside a stream is that of its versions, also for a transaction that began before others": Effect.gen(
    function* () {
      const [late, early] = [yield* open, yield* open]
      const start = yield* horizonOf(early.store)
      const [own, common] = [newStream(), newStream()]
      const run = late.transaction ?? (<A, E>(effect: Effect.Effect<A, E>) => effect)
      yield* run(
        Effect.gen(function* () {
          yield* appendTo(late.store, own, events(1))
          yield* appendTo(early.store, common, events(2))
          yield* appendTo(late.store, common, events(2))
        })
      )
      yield* appendTo(early.store, common, events(1))
      const read = yield* readAfter(early.store, start)
      assert.strictEqual(read.length, 6)
      assert.deepStrictEqual(
        read.filter(({ streamId }) => streamId === common).map(({ version }) => version),
        [1, 2, 3, 4, 5]
      )
    }
  ),

  "5 a reader is not held up by an open transaction that is no append": Effect.gen(function* () {
    const { store } = yield* open
    const backend = yield* Backend
    const start = yield* horizonOf(store)
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* backend.unrelatedTransaction
        const streamId = newStream()
        yield* appendTo(store, streamId, events(3))
        assert.strictEqual((yield* readAfter(store, start)).length, 3)
      })
    )
  }),

  "5 live readers of several instances see every event once and in order, whatever commits late or rolls back":
    Effect.gen(function* () {
      const instances = [yield* open, yield* open, yield* open]
      const start = yield* horizonOf(instances[0]!.store)
      const streams = Array.from({ length: 8 }, () => newStream())
      const writers = Array.from({ length: 16 }, (_, w) =>
        Effect.gen(function* () {
          const { store, transaction } = instances[w % 3]!
          let written = 0
          for (let i = 0; i < 12; i++) {
            const streamId = streams[yield* Random.nextIntBetween(0, streams.length - 1)]!
            const count = yield* Random.nextIntBetween(1, 4)
            const rollsBack = transaction !== undefined && (yield* Random.nextIntBetween(0, 3)) === 0
            const append = Effect.gen(function* () {
              yield* appendTo(store, streamId, events(count))
              for (let turn = yield* Random.nextIntBetween(0, 20); turn > 0; turn--) yield* Effect.yieldNow
              if (rollsBack) return yield* Effect.fail("rolled back" as const)
            })
            const inTransaction = transaction !== undefined && (yield* Random.nextBoolean)
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
      const readers = yield* Effect.forEach(instances, (instance) =>
        follow(instance, { after: start }).pipe(
          Stream.takeUntil(({ streamId }) => streamId === marker),
          Stream.runCollect,
          Effect.forkChild({ startImmediately: true })
        )
      )
      const written = yield* Effect.all(writers, { concurrency: "unbounded" })
      yield* appendTo(instances[0]!.store, marker, events(1))
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
    }),

  "8 a new event wakes a live reader of its own and of another instance": Effect.gen(function* () {
    const [writer, other] = [yield* open, yield* open]
    const start = yield* horizonOf(writer.store)
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
      yield* appendTo(writer.store, newStream(), events(1))
      yield* Deferred.await(reading)
      yield* appendTo(writer.store, streamId, events(1))
      yield* appendTo(writer.store, newStream("Other"), events(1))
      yield* appendTo(writer.store, streamId, events(1, "Happened", 2))
      assert.deepStrictEqual(
        (yield* Fiber.join(fiber)).map(({ version }) => version),
        [1, 2]
      )
    }
  }),

  "8 from history to live no event is missing or doubled": Effect.gen(function* () {
    const [writer, reader] = [yield* open, yield* open]
    const start = yield* horizonOf(writer.store)
    const streamId = newStream()
    yield* appendTo(writer.store, streamId, events(1_500))
    const writing = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 150 }), () => appendTo(writer.store, streamId, events(10)), { discard: true })
    )
    for (const instance of [reader, writer, reader]) {
      const read = yield* follow(instance, { after: start }).pipe(Stream.take(3_000), Stream.runCollect)
      assert.deepStrictEqual(
        read.map(({ version }) => version),
        Array.from({ length: 3_000 }, (_, i) => i + 1)
      )
    }
    yield* Fiber.join(writing)
  }),

  "8 a slow consumer of the horizon skips values, but never the latest": Effect.gen(function* () {
    const { store } = yield* open
    const started = yield* Deferred.make<void>()
    const goOn = yield* Deferred.make<number>()
    const fiber = yield* store.horizons.pipe(
      Stream.tap(() => Deferred.succeed(started, undefined)),
      Stream.mapEffect((horizon) => Effect.map(Deferred.await(goOn), (last) => ({ horizon, last }))),
      Stream.takeUntil(({ horizon, last }) => horizon >= last),
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true })
    )
    yield* Deferred.await(started)
    let last = 0
    for (let i = 0; i < 10; i++) last = (yield* appendTo(store, newStream(), events(1))).events[0]!.position
    yield* Deferred.succeed(goOn, last)
    assert.isAtMost((yield* Fiber.join(fiber)).length, 11)
  }),

  "8 the horizon only grows and ends at the last position": Effect.gen(function* () {
    const { store } = yield* open
    const appended = yield* appendTo(store, newStream(), events(5))
    const last = appended.events.at(-1)!.position
    const fiber = yield* store.horizons.pipe(
      Stream.takeUntil((horizon) => horizon >= last + 5),
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true })
    )
    yield* appendTo(store, newStream(), events(5))
    const horizons = yield* Fiber.join(fiber)
    assert.deepStrictEqual(
      horizons,
      [...new Set(horizons)].sort((a, b) => a - b)
    )
    assert.isAtLeast(horizons[0]!, last)
  })
}
