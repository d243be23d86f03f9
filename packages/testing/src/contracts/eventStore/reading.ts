import { assert } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { DateTime, Effect, Stream } from "effect"
import { type Cases, needs } from "../plan.ts"
import {
  appendTo,
  condition,
  event,
  events,
  foldable,
  horizonOf,
  newStream,
  open,
  readAfter,
  numbers
} from "./streams.ts"
import { appendOne } from "./appendOne.ts"

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Promises 4 and 7: reads of one moment, pages, filters. */
export const reading: Cases = {
  "4 streams that are read together are of one moment": needs("otherProcesses")(function* () {
    const writer = yield* open
    const reader = yield* open
    const [a, b] = [newStream(), newStream()]
    let writing = true
    const write = Effect.gen(function* () {
      for (let i = 0; i < 150; i++) {
        const streams = i % 2 === 0 ? [a, b] : [b, a]
        yield* appendOne(writer.eventStore, {
          writes: streams.map((streamId) => ({ streamId, events: events(1 + (i % 3)) })),
          conditions: [condition(a, Expectation.any)]
        })
        yield* Effect.yieldNow
      }
      writing = false
    })
    const read = Effect.gen(function* () {
      let reads = 0
      while (writing) {
        const { streams } = yield* reader.eventStore.readStreams([{ streamId: a }, { streamId: b }])
        assert.strictEqual(streams[0]!.version, streams[1]!.version)
        assert.strictEqual(streams[0]!.events.length, streams[0]!.version)
        assert.strictEqual(streams[1]!.events.length, streams[1]!.version)
        reads++
        yield* Effect.yieldNow
      }
      assert.isAbove(reads, 0)
    })
    yield* Effect.all([write, read, read], { concurrency: "unbounded" })
  }),

  "7 a recorded event is what was appended, with its place and time": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const appended = event({ n: 1 })
    const metadata = { ...appended.metadata, actor: "anna", fields: { tenant: "acme", nested: [1, null, "é"] } }
    const before = yield* horizonOf(eventStore)
    const result = yield* appendTo(eventStore, streamId, [{ ...appended, metadata }])
    const [recorded] = result.events
    assert.isAbove(recorded!.position, before)
    assert.isTrue(DateTime.isUtc(recorded!.recordedAt))
    const { position, recordedAt } = recorded!
    assert.deepStrictEqual(recorded, {
      ...appended,
      schemaVersion: 1,
      metadata,
      streamId,
      version: 1,
      position,
      recordedAt,
      imported: false
    })
    const { streams } = yield* eventStore.readStreams([{ streamId }])
    assert.deepStrictEqual(foldable(streams[0]!.events), foldable([recorded!]))
    assert.deepStrictEqual(yield* Stream.runCollect(eventStore.readStream(streamId)), [recorded!])
    assert.deepStrictEqual(yield* readAfter(eventStore, before), [recorded!])
  }),

  "7 streams are read from any version, a missing one is empty": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [streamId, missing] = [newStream(), newStream()]
    yield* appendTo(eventStore, streamId, events(10))
    const { streams } = yield* eventStore.readStreams([
      { streamId: missing },
      { streamId, after: 7 },
      { streamId, after: 10 },
      { streamId, after: 99 },
      { streamId }
    ])
    assert.deepStrictEqual(
      streams.map(({ version }) => version),
      [0, 10, 10, 10, 10]
    )
    assert.deepStrictEqual(
      streams.map(({ events }) => numbers(events)),
      [[], [8, 9, 10], [], [], range(1, 10)]
    )
  }),

  "7 long streams are read together, from any version, in order": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [a, b] = [newStream(), newStream()]
    const both = [...events(500, "First\nline"), ...events(500, 'Second "type", {}', 501)]
    yield* appendTo(eventStore, a, both)
    yield* appendTo(eventStore, b, events(33))
    const requests = [
      { streamId: a },
      { streamId: b },
      { streamId: a, after: 1 },
      { streamId: a, after: 499 },
      { streamId: b, after: 32 }
    ]
    const { streams } = yield* eventStore.readStreams(requests)
    for (const [i, { streamId, after = 0 }] of requests.entries()) {
      const all = yield* Stream.runCollect(eventStore.readStream(streamId))
      assert.deepStrictEqual(foldable(streams[i]!.events), foldable(all.slice(after)))
    }
  }),

  "7 a long stream is read whole, in pages, forwards and backwards": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    yield* appendTo(eventStore, streamId, events(2_500))
    const read = (options: Parameters<typeof eventStore.readStream>[1]) =>
      Effect.map(Stream.runCollect(eventStore.readStream(streamId, options)), numbers)
    assert.deepStrictEqual(yield* read({}), range(1, 2_500))
    assert.deepStrictEqual(yield* read({ direction: "backwards" }), range(1, 2_500).reverse())
    assert.deepStrictEqual(yield* read({ after: 2_490 }), range(2_491, 2_500))
    assert.deepStrictEqual(yield* read({ after: 4, direction: "backwards" }), [3, 2, 1])
    assert.deepStrictEqual(yield* read({ limit: 1_234 }), range(1, 1_234))
    assert.deepStrictEqual(yield* read({ limit: 0 }), [])
    assert.deepStrictEqual(yield* read({ types: ["Other"] }), [])
    assert.deepStrictEqual(yield* Stream.runCollect(eventStore.readStream(newStream())), [])
  }),

  "7 the store is read whole, in pages, forwards and backwards, from any position to any": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    const streams = [newStream("Left"), newStream("Right")]
    for (let i = 0; i < 2_500; i += 100)
      yield* appendTo(eventStore, streams[(i / 100) % 2]!, events(100, "Happened", i + 1))
    const all = yield* readAfter(eventStore, start)
    assert.deepStrictEqual(numbers(all), range(1, 2_500))
    const positions = all.map(({ position }) => position)
    assert.deepStrictEqual(
      positions,
      [...positions].sort((a, b) => a - b)
    )
    const place = (n: number) => positions[n - 1]!
    assert.deepStrictEqual(numbers(yield* readAfter(eventStore, place(2_400))), range(2_401, 2_500))
    assert.deepStrictEqual(numbers(yield* readAfter(eventStore, place(10), { upTo: place(20) })), range(11, 20))
    assert.deepStrictEqual(numbers(yield* readAfter(eventStore, place(10), { limit: 1_500 })), range(11, 1_510))
    const back = eventStore
      .readAll({ direction: "backwards", after: place(1_200) })
      .pipe(Stream.take(1_150), Stream.runCollect)
    assert.deepStrictEqual(numbers(yield* back), range(50, 1_199).reverse())
    const newest = eventStore.readAll({ direction: "backwards", limit: 3 }).pipe(Stream.runCollect)
    assert.deepStrictEqual(numbers(yield* newest), [2_500, 2_499, 2_498])
  }),

  "7 the store selects by aggregate and by type": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    for (const [aggregate, type, n] of [
      ["Acc", "Opened", 1],
      ["Account", "Opened", 2],
      ["Account", "Closed", 3],
      ["AccountHolder", "Opened", 4],
      ["Account", "Opened", 5]
    ] as const) {
      yield* appendTo(eventStore, newStream(aggregate), events(1, type, n))
    }
    const read = (options: Parameters<typeof eventStore.readAll>[0]) =>
      Effect.map(readAfter(eventStore, start, options), numbers)
    assert.deepStrictEqual(yield* read({ aggregates: ["Account"] }), [2, 3, 5])
    assert.deepStrictEqual(yield* read({ aggregates: ["Acc", "AccountHolder"] }), [1, 4])
    assert.deepStrictEqual(yield* read({ types: ["Closed"] }), [3])
    assert.deepStrictEqual(yield* read({ aggregates: ["Account"], types: ["Opened"] }), [2, 5])
    assert.deepStrictEqual(yield* read({ aggregates: ["Account"], limit: 2 }), [2, 3])
    assert.deepStrictEqual(yield* read({ aggregates: [] }), [])
    assert.deepStrictEqual(yield* read({ types: [] }), [])
    assert.deepStrictEqual(yield* read({ aggregates: ["A%", "Accoun_", "account"] }), [])
  }),

  "7 characters that mean something elsewhere mean nothing in ids": Effect.gen(function* () {
    const { eventStore } = yield* open
    const unique = newStream()
    const ids = [
      "a%b",
      "a_b",
      "axb",
      "a\\b",
      "a'b",
      'a"b',
      "a-b",
      "a",
      "A",
      "a ",
      " a",
      "a\nb",
      "$1",
      "é",
      "e\u0301",
      ""
    ]
    const streams = ids.map((id) => StreamId.make("Wild", `${unique}${id}`))
    yield* Effect.forEach(streams, (streamId, i) =>
      appendTo(eventStore, streamId, [event({ n: i })], Expectation.noStream)
    )
    const { streams: slices } = yield* eventStore.readStreams(streams.map((streamId) => ({ streamId })))
    assert.deepStrictEqual(
      slices.map(({ events, streamId }) => [streamId, numbers(events)]),
      streams.map((id, i) => [id, [i]])
    )
    for (const [i, streamId] of streams.entries()) {
      assert.deepStrictEqual(numbers(yield* Stream.runCollect(eventStore.readStream(streamId))), [i])
    }
  })
}
