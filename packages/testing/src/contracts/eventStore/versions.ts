import { assert } from "@effect/vitest"
import type { EventStore } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { appendOne } from "./appendOne.ts"
import { needs, type Cases } from "../plan.ts"
import { appendTo, event, events, horizonOf, newStream, numbers, open, readAfter } from "./streams.ts"

const versionsIn = (events: ReadonlyArray<EventStore.StreamEvent>) => events.map(({ schemaVersion }) => schemaVersion)

const written = (versions: ReadonlyArray<number | undefined>): ReadonlyArray<EventStore.NewEvent> =>
  versions.map((schemaVersion, n) => ({ ...event({ n }), ...(schemaVersion === undefined ? {} : { schemaVersion }) }))

/** Each event says with which version of its schema it was written. */
export const versions: Cases = {
  "7 the version of an event's schema is kept, and every read gives it": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    for (const given of [[2], [undefined, 3, 1, 32_767], [1], [undefined, undefined]]) {
      const streamId = newStream("Versioned")
      const wanted = given.map((version) => version ?? 1)
      const command = { id: crypto.randomUUID(), fingerprint: "f" }
      const appended = yield* appendOne(eventStore, {
        writes: [{ streamId, events: written(given) }],
        conditions: [],
        command
      })
      assert.deepStrictEqual(versionsIn(appended.events), wanted)
      // Many streams are read in another way than one, and a command is looked up with them.
      const read = yield* eventStore.readStreams([{ streamId }], command)
      assert.deepStrictEqual(versionsIn(read.streams[0]!.events), wanted)
      assert.deepStrictEqual(versionsIn(read.appended!.events), wanted)
      const [own] = (yield* eventStore.readStreams([{ streamId }, { streamId: newStream() }])).streams
      assert.deepStrictEqual(versionsIn(own!.events), wanted)
      assert.deepStrictEqual(versionsIn(yield* Stream.runCollect(eventStore.readStream(streamId))), wanted)
    }
    const all = yield* readAfter(eventStore, start, { aggregates: ["Versioned"] })
    assert.deepStrictEqual(versionsIn(all), [2, 1, 3, 1, 32_767, 1, 1, 1])
  }),

  "7 an event alone keeps its version, with any expectation": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    for (const version of [5, 6, 1]) {
      const { events } = yield* appendTo(eventStore, streamId, written([version]))
      assert.deepStrictEqual(versionsIn(events), [version])
    }
    const { streams } = yield* eventStore.readStreams([{ streamId, after: 1 }])
    assert.deepStrictEqual(versionsIn(streams[0]!.events), [6, 1])
  }),

  "7 an imported event keeps its version, and so does one of a transaction": needs("transactions")(function* () {
    const { eventStore, transaction } = yield* open
    const streamId = newStream()
    yield* transaction(appendTo(eventStore, streamId, written([7, undefined])))
    assert.deepStrictEqual(versionsIn(yield* Stream.runCollect(eventStore.readStream(streamId))), [7, 1])
  }),

  "9 what is not the version of a schema is refused, and nothing is written": Effect.gen(function* () {
    const { eventStore } = yield* open
    for (const version of [0, -1, 1.5, 32_768, NaN, "2" as never]) {
      const streamId = newStream()
      const error = yield* Effect.flip(appendTo(eventStore, streamId, [...events(1), ...written([version])]))
      assert.include(String(error.message), "is not the version of a schema")
      assert.deepStrictEqual(yield* Stream.runCollect(eventStore.readStream(streamId)), [])
    }
  }),

  "7 a read leaves out the types of an aggregate that it names, and nothing else": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    const [left, right] = [newStream("Left"), newStream("Right")]
    yield* appendTo(eventStore, left, [...events(2, "A"), ...events(2, "B", 3), ...events(1, "A/B", 5)])
    yield* appendTo(eventStore, right, [...events(2, "A", 6), ...events(2, "B", 8)])
    const read = (options: EventStore.AllReadOptions) => Effect.map(readAfter(eventStore, start, options), numbers)
    assert.deepStrictEqual(yield* read({ except: { Left: ["A"] } }), [3, 4, 5, 6, 7, 8, 9])
    assert.deepStrictEqual(yield* read({ except: { Left: ["A"], Right: ["B"] } }), [3, 4, 5, 6, 7])
    assert.deepStrictEqual(yield* read({ except: { Left: [], Other: ["A"] } }), [1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.deepStrictEqual(yield* read({ except: { Left: ["A", "B", "A/B"] }, aggregates: ["Left"] }), [])
    assert.deepStrictEqual(yield* read({ except: { Left: ["A"] }, types: ["A"] }), [6, 7])
    assert.deepStrictEqual(yield* read({ except: { Left: ["A"] }, limit: 2, aggregates: ["Left"] }), [3, 4])
    const refused = yield* Effect.flip(Stream.runCollect(eventStore.readAll({ except: { Left: ["\0"] } })))
    assert.include(refused, { operation: "readAll", isRetryable: false })
  })
}
