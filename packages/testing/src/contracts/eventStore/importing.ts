import { assert } from "@effect/vitest"
import { EventStoreError } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { DateTime, Effect, Exit } from "effect"
import { type Cases, needs } from "../plan.ts"
import { assertGrows, millisOf, streamOf } from "./clocks.ts"
import { appendTo, condition, event, events, horizonOf, newStream, open, readAfter, versionOf } from "./streams.ts"
import { appendOne } from "./appendOne.ts"

const both = { concurrency: "unbounded" } as const

/** An event that is imported with a time. */
const at = (time: string | DateTime.Utc, n = 1) => ({
  ...event({ n }),
  recordedAt: typeof time === "string" ? DateTime.makeUnsafe(time) : time
})

const refusal = <A, E>(append: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(append), (error) => {
    assert.instanceOf(error, EventStoreError)
    assert.strictEqual(error.reason._tag, "Rejected")
    assert.isFalse(error.isRetryable)
    return error.reason.detail ?? ""
  })

const longAgo = ["2001-02-03T04:05:06.007Z", "2001-02-03T04:05:06.008Z", "2002-01-01T00:00:00.000Z"] as const

/** Promise 12, imported events: they come with times of their own. */
export const importing: Cases = {
  "12 an imported event keeps its own time, id and metadata": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    const streamId = newStream()
    const metadata = { correlationId: "old", causationId: "older", actor: "anna", fields: { source: "v1" } }
    const given = [...["1969-07-20T20:17:40.123Z", "1969-07-20T20:17:40.123Z"], ...longAgo].map((time, n) => ({
      ...at(time, n),
      metadata
    }))
    const imported = yield* appendTo(eventStore, streamId, given, Expectation.noStream)
    assert.deepStrictEqual(
      imported.events.map(({ data, id, imported, metadata, recordedAt, type }) => [
        { id, type, data, metadata, recordedAt },
        imported
      ]),
      given.map((each) => [each, true])
    )
    const plain = yield* appendTo(eventStore, streamId, events(1))
    const all = [...imported.events, ...plain.events]
    assert.deepStrictEqual(
      all.map(({ imported, version }) => [version, imported]),
      given.map((_, i) => [i + 1, true]).concat([[6, false]])
    )
    assertGrows(all)
    assert.deepStrictEqual(yield* streamOf(eventStore, streamId), all)
    assert.deepStrictEqual(yield* readAfter(eventStore, start, { limit: 6 }), all)
    assert.deepStrictEqual((yield* eventStore.readStreams([{ streamId }])).streams[0]?.version, 6)
  }),

  "12 a history is imported in several appends, also after events of its own time": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    yield* appendTo(eventStore, streamId, [at(longAgo[0])])
    yield* appendTo(eventStore, streamId, [at(longAgo[0]), at(longAgo[1])], Expectation.exactly(1))
    const [last] = (yield* appendTo(eventStore, streamId, [...events(1), ...events(1)])).events
    // The time of the last event itself does not fall.
    yield* appendTo(eventStore, streamId, [at(last!.recordedAt)])
    const plain = yield* appendTo(eventStore, streamId, events(1))
    const log = yield* streamOf(eventStore, streamId)
    assert.deepStrictEqual(
      log.map(({ imported }) => imported),
      [true, true, true, false, false, true, false]
    )
    assert.deepStrictEqual(log.at(-1), plain.events[0])
    assertGrows(log)
  }),

  "12 one append imports events, and records others after them": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [a, b, c, checked] = [newStream(), newStream(), newStream(), newStream()]
    const appended = yield* appendOne(eventStore, {
      writes: [
        { streamId: b, events: [at(longAgo[0]), ...events(2)] },
        { streamId: a, events: events(1) },
        { streamId: c, events: [at(longAgo[2]), at(longAgo[2])] }
      ],
      conditions: [a, b, c, checked].map((streamId) => condition(streamId, Expectation.noStream))
    })
    const plain = appended.events.filter(({ imported }) => !imported)
    assert.strictEqual(plain.length, 3)
    assert.strictEqual(new Set(plain.map(millisOf)).size, 1)
    for (const streamId of [a, b, c]) {
      const log = yield* streamOf(eventStore, streamId)
      assertGrows(log)
      assert.deepStrictEqual(
        [...log],
        appended.events.filter((event) => event.streamId === streamId)
      )
      yield* appendTo(eventStore, streamId, events(1))
    }
    // The stream with imported events alone still has their time.
    const later = newStream()
    yield* appendTo(eventStore, later, [at(longAgo[0])])
    yield* appendTo(eventStore, later, [at(longAgo[1])])
  }),

  "12 a time that falls within its stream is refused, and nothing is written": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [streamId, beside] = [newStream(), newStream()]
    yield* appendTo(eventStore, streamId, [at(longAgo[1])])
    const late = at(longAgo[0])
    const command = { id: crypto.randomUUID(), fingerprint: "f" }
    const detail = yield* refusal(
      appendOne(eventStore, {
        writes: [
          { streamId: beside, events: events(3) },
          { streamId, events: [at(longAgo[1]), late, at(longAgo[2])] }
        ],
        conditions: [],
        command
      })
    )
    assert.include(detail, late.id)
    assert.include(detail, longAgo[1])
    assert.deepStrictEqual([yield* versionOf(eventStore, streamId), yield* versionOf(eventStore, beside)], [1, 0])
    yield* refusal(appendTo(eventStore, newStream(), [at(longAgo[2]), at(longAgo[1])]))
    yield* refusal(appendTo(eventStore, newStream(), [...events(1), at(longAgo[1])]))
    // What was refused has not moved the stream's time, and has not used the command id.
    assert.strictEqual(
      (yield* Effect.flip(appendTo(eventStore, streamId, [at(longAgo[2])], Expectation.exactly(7))))._tag,
      "ConcurrencyConflict"
    )
    const again = yield* appendOne(eventStore, {
      writes: [
        { streamId, events: [at(longAgo[1])] },
        { streamId: beside, events: [at(longAgo[0])] }
      ],
      conditions: [condition(beside, Expectation.noStream)],
      command
    })
    assert.isFalse(again.repeated)
    yield* appendTo(eventStore, streamId, events(1))
    yield* refusal(appendTo(eventStore, streamId, [at(longAgo[2])]))
  }),

  "12 a time that lies in the future, or that is not a time, is refused": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const [recorded] = (yield* appendTo(eventStore, newStream(), events(1))).events
    for (const time of [
      DateTime.add(recorded!.recordedAt, { hours: 1 }),
      DateTime.makeUnsafe("9999-12-31T23:59:59Z")
    ]) {
      const future = at(time)
      assert.include(yield* refusal(appendTo(eventStore, streamId, [at(longAgo[0]), future])), future.id)
    }
    for (const time of [
      DateTime.makeUnsafe(Date.UTC(10_000, 0)),
      DateTime.makeUnsafe(-1e14),
      { epochMilliseconds: 0 } as DateTime.Utc,
      "2001-01-01" as unknown as DateTime.Utc
    ]) {
      yield* refusal(appendTo(eventStore, streamId, [{ ...event({}), recordedAt: time }]))
    }
    assert.strictEqual(yield* versionOf(eventStore, streamId), 0)
    yield* appendTo(eventStore, streamId, [at(longAgo[0])], Expectation.noStream)
  }),

  "12 of many appends at once, those whose times are refused do not make others fail": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streams = Array.from({ length: 90 }, () => newStream())
    yield* appendTo(eventStore, streams[1]!, events(1))
    const given = streams.map((_, i) =>
      i % 3 === 0 ? [at(longAgo[0]), at(longAgo[1])] : i % 3 === 1 ? [at(longAgo[1]), at(longAgo[0])] : events(2)
    )
    const exits = yield* Effect.forEach(
      streams,
      (streamId, i) =>
        Effect.exit(
          appendOne(eventStore, {
            writes: [{ streamId, events: given[i]! }],
            conditions: [],
            ...(i % 2 === 0 ? { command: { id: streamId, fingerprint: "f" } } : {})
          })
        ),
      both
    )
    assert.deepStrictEqual(
      exits.map(Exit.isSuccess),
      streams.map((_, i) => i % 3 !== 1)
    )
    const versions = yield* Effect.forEach(streams, (streamId) => versionOf(eventStore, streamId), both)
    assert.deepStrictEqual(
      versions,
      streams.map((_, i) => (i === 1 ? 1 : i % 3 === 1 ? 0 : 2))
    )
    for (const streamId of streams) assertGrows(yield* streamOf(eventStore, streamId))
  }),

  "12 an import that is repeated under its command id has happened once": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const command = { id: crypto.randomUUID(), fingerprint: "f" }
    const append = () => ({ writes: [{ streamId, events: [at(longAgo[0]), at(longAgo[1])] }], conditions: [], command })
    const first = yield* appendOne(eventStore, append())
    yield* appendTo(eventStore, streamId, events(1))
    const again = yield* appendOne(eventStore, append())
    assert.deepStrictEqual(again, { ...first, repeated: true })
    const { appended } = yield* eventStore.readStreams([], command)
    assert.deepStrictEqual(appended?.events, first.events)
  }),

  "12 a transaction imports events, and takes them back": needs("transactions")(function* () {
    const { eventStore, transaction } = yield* open
    const streamId = newStream()
    const importing = Effect.gen(function* () {
      yield* appendTo(eventStore, streamId, [at(longAgo[0])])
      yield* appendTo(eventStore, streamId, [at(longAgo[1])])
      yield* appendTo(eventStore, streamId, events(1))
    })
    yield* Effect.flip(transaction(Effect.andThen(importing, Effect.fail("rolled back"))))
    assert.strictEqual(yield* versionOf(eventStore, streamId), 0)
    yield* transaction(importing)
    assertGrows(yield* streamOf(eventStore, streamId))
    yield* refusal(appendTo(eventStore, streamId, [at(longAgo[2])]))
  })
}
