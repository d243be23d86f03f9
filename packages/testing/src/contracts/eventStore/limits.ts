import { assert } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Effect, Exit, Fiber, Random, type Schema, Stream } from "effect"
import type { Cases } from "../plan.ts"
import { appendTo, event, events, horizonOf, newStream, open, readAfter, versionOf } from "./streams.ts"
import { appendOne } from "./appendOne.ts"

const refused = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) => {
    const { isRetryable, operation, reason } = error as {
      operation?: string
      reason?: { _tag: string; detail: string }
      isRetryable?: boolean
    }
    assert.strictEqual(reason?._tag, "Rejected")
    assert.isFalse(isRetryable)
    assert.isNotEmpty(reason?.detail)
    return `${operation}: ${reason?.detail}`
  })

const nested = (depth: number): Schema.Json => {
  let value: Schema.Json = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

/** Promises 9 and 10: sizes and characters, and interruption. */
export const limits: Cases = {
  "9 ids have up to 1,000 characters of any Unicode": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    const long = (codePoint: (random: number) => number) =>
      Effect.map(
        Effect.forEach(Array.from({ length: 1_000 }), () => Random.next),
        (randoms) => randoms.map((random) => String.fromCodePoint(codePoint(random))).join("")
      )
    const ids = [
      yield* long((random) => 1 + Math.floor(random * 0x7e)),
      yield* long((random) => 0xa1 + Math.floor(random * 0xd700)),
      // All characters are beyond the basic plane: 4,000 bytes that do not get shorter when they are compressed.
      yield* long((random) => 0x10000 + Math.floor(random * 0x100000))
    ]
    const streams = ids.flatMap((id) => [StreamId.make("Long", id), StreamId.make("Long", id.slice(0, -2))])
    yield* Effect.forEach(streams, (streamId, i) => appendTo(eventStore, streamId, [event({ n: i })]), {
      concurrency: "unbounded"
    })
    const { streams: slices } = yield* eventStore.readStreams(streams.map((streamId) => ({ streamId })))
    assert.deepStrictEqual(
      slices.map(({ events, streamId }) => [streamId, events.map(({ data }) => data)]),
      streams.map((id, i) => [id, [{ n: i }]])
    )
    assert.deepStrictEqual(
      new Set((yield* readAfter(eventStore, start)).map(({ streamId }) => streamId)),
      new Set(streams)
    )
    const command = { id: ids[2]!, fingerprint: "f" }
    yield* appendOne(eventStore, { writes: [{ streamId: streams[0]!, events: events(1) }], conditions: [], command })
    assert.isTrue((yield* appendOne(eventStore, { writes: [], conditions: [], command })).repeated)
    yield* refused(appendTo(eventStore, StreamId.make("Long", `${ids[2]!}!`), events(1)))
    yield* refused(
      appendOne(eventStore, { writes: [], conditions: [], command: { id: `${ids[2]!}!`, fingerprint: "f" } })
    )
  }),

  "9 payloads have up to several MiB": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const texts = yield* Effect.forEach([1, 3, 5, 7, 7], (mib) =>
      Effect.map(Random.nextIntBetween(0, 1_000_000), (n) => `${n}é😀"\\`.repeat((mib << 20) / 16))
    )
    yield* Effect.forEach(texts, (text) => appendTo(eventStore, streamId, [event({ text })]))
    const read = yield* Stream.runCollect(eventStore.readStream(streamId))
    assert.isTrue(read.every(({ data }, i) => (data as { text: string }).text === texts[i]))
    const { streams } = yield* eventStore.readStreams([{ streamId }])
    assert.isTrue(streams[0]!.events.every(({ data }, i) => (data as { text: string }).text === texts[i]))
    assert.deepStrictEqual([read.length, streams[0]!.events.length], [texts.length, texts.length])
  }),

  "9 one append has up to 10,000 events": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const appended = yield* appendTo(eventStore, streamId, events(10_000))
    assert.strictEqual(appended.events.length, 10_000)
    let count = 0
    yield* eventStore.readStream(streamId).pipe(
      Stream.runForEach((event) =>
        Effect.sync(() => {
          assert.strictEqual(event.version, ++count)
          assert.deepStrictEqual(event.data, { n: count })
          assert.strictEqual(event.position, appended.events[count - 1]!.position)
        })
      )
    )
    assert.strictEqual(count, 10_000)
  }),

  "9 what cannot be stored is refused with a clear error, and nothing is written": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    const streamId = newStream()
    const lone = "a\ud800b"
    const data = (value: unknown) => appendTo(eventStore, streamId, [event({ n: 1 }), event(value as Schema.Json)])
    assert.include(yield* refused(appendTo(eventStore, StreamId.make("Contract", "a\0b"), events(1))), "NUL")
    assert.include(yield* refused(appendTo(eventStore, StreamId.make("Contract", lone), events(1))), "surrogate")
    assert.include(yield* refused(appendTo(eventStore, "nodash" as StreamId.StreamId, events(1))), "nodash")
    assert.include(yield* refused(data({ deep: [{ text: "a\0b" }] })), "data.deep[0].text")
    assert.include(yield* refused(data({ ["a\0b"]: 1 })), "NUL")
    assert.include(yield* refused(data({ text: lone })), "surrogate")
    assert.include(yield* refused(data({ n: Number.NaN })), "data.n")
    assert.include(yield* refused(data({ at: new Date(0) })), "data.at")
    assert.include(yield* refused(data({ n: 1n })), "data.n")
    assert.include(yield* refused(data({ n: undefined })), "data.n")
    assert.include(yield* refused(data(nested(1_001))), "nested")
    assert.include(yield* refused(data({ text: "é".repeat(4 << 20) })), "bytes")
    assert.include(yield* refused(data({ text: "\u0001".repeat(2 << 20) })), "bytes")
    for (const after of [-1, 1.5, Number.NaN, Infinity]) {
      yield* refused(eventStore.readStreams([{ streamId, after }]))
      yield* refused(Stream.runDrain(eventStore.readStream(streamId, { after })))
      yield* refused(Stream.runDrain(eventStore.readAll({ after })))
    }
    yield* refused(appendTo(eventStore, streamId, [{ ...event({}), type: "a\0b" }]))
    yield* refused(appendTo(eventStore, streamId, [{ ...event({}), id: "1" }]))
    yield* refused(
      appendTo(eventStore, streamId, [{ ...event({}), metadata: { correlationId: "a\0b", causationId: "" } }])
    )
    yield* refused(
      appendTo(eventStore, streamId, [
        { ...event({}), metadata: Object.assign({ correlationId: "a", causationId: "b" }, { tenant: "acme" }) }
      ])
    )
    yield* refused(appendOne(eventStore, { writes: [], conditions: [], command: { id: "a\0b", fingerprint: "" } }))
    yield* refused(
      appendOne(eventStore, {
        writes: [
          { streamId, events: [] },
          { streamId, events: [] }
        ],
        conditions: []
      })
    )
    yield* refused(eventStore.readStreams([{ streamId: StreamId.make("Contract", "a\0b") }]))
    yield* refused(Stream.runDrain(eventStore.readStream(StreamId.make("Contract", "a\0b"))))
    assert.strictEqual(yield* versionOf(eventStore, streamId), 0)
    assert.deepStrictEqual(yield* readAfter(eventStore, start), [])
  }),

  "9 any other JSON comes back as it was, and does not change with what the caller holds": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const text = `{ "a": [null, true, false, 0, 1.5, -1e-7, 9007199254740993, 1e300, "", "\\u0001\\n\\"\\\\é😀", [], {}],
      "__proto__": { "x": 1 }, "": 2, "constructor": "c", "\\\\u0000": "\\\\u0000 is no NUL" }`
    const held: unknown = JSON.parse(text)
    const stored = appendTo(eventStore, streamId, [
      event(held as Schema.Json),
      event(-0),
      event("text"),
      event(null),
      event(nested(1_000))
    ])
    yield* stored
    ;(held as { a: Array<unknown> }).a.length = 0
    const { streams } = yield* eventStore.readStreams([{ streamId }])
    assert.deepStrictEqual(
      streams[0]!.events.map(({ data }) => data),
      [JSON.parse(text), 0, "text", null, nested(1_000)] as Array<Schema.Json>
    )
  }),

  "10 an interrupted append has happened whole or not at all, and nothing leaks": Effect.gen(function* () {
    const { eventStore } = yield* open
    for (let round = 0; round < 60; round++) {
      const [a, b] = [newStream(), newStream()]
      const fibers = yield* Effect.forEach(Array.from({ length: 4 }), () =>
        Effect.forkChild(
          appendOne(eventStore, {
            writes: [
              { streamId: a, events: events(2) },
              { streamId: b, events: events(2) }
            ],
            conditions: []
          }),
          { startImmediately: true }
        )
      )
      for (let turn = yield* Random.nextIntBetween(0, 30); turn > 0; turn--) yield* Effect.yieldNow
      yield* Fiber.interruptAll(fibers.slice(0, 3))
      const done = yield* Effect.forEach(fibers, (fiber) => Effect.map(Fiber.await(fiber), Exit.isSuccess))
      assert.isTrue(done[3])
      // Interrupted appends may still be under way. This append waits for them on both streams.
      yield* appendOne(eventStore, {
        writes: [
          { streamId: a, events: events(2) },
          { streamId: b, events: events(2) }
        ],
        conditions: []
      })
      const { streams } = yield* eventStore.readStreams([{ streamId: a }, { streamId: b }])
      assert.strictEqual(streams[0]!.version, streams[1]!.version)
      assert.isAtLeast(streams[0]!.version, 2 * done.filter((succeeded) => succeeded).length + 2)
      assert.isAtMost(streams[0]!.version, 10)
    }
  }),

  "10 an interrupted reader leaves the store as it was": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    yield* appendTo(eventStore, streamId, events(1_500))
    for (let round = 0; round < 40; round++) {
      const fiber = yield* Effect.forkChild(Stream.runDrain(eventStore.readStream(streamId)), {
        startImmediately: true
      })
      const live = yield* Effect.forkChild(Stream.runDrain(eventStore.horizons), { startImmediately: true })
      for (let turn = yield* Random.nextIntBetween(0, 10); turn > 0; turn--) yield* Effect.yieldNow
      yield* Fiber.interruptAll([fiber, live])
    }
    assert.strictEqual(yield* versionOf(eventStore, streamId), 1_500)
  })
}
