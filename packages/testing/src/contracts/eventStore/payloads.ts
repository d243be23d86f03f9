import { assert } from "@effect/vitest"
import { Effect, type Schema, Stream } from "effect"
import type { Cases } from "../plan.ts"
import { appendTo, event, newStream, open } from "./streams.ts"
import { appendOne } from "./appendOne.ts"

/** Promise 7: every store gives back the same value for the same JSON. */
export const payloads: Cases = {
  "7 the keys of an object are in one order: by bytes, shorter ones first": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const given = {
      unload: 1,
      wash: [{ bb: -0, a: 1 }],
      dry: 3,
      "😀": 4,
      éé: 5,
      "\uffff": 6,
      "\uffffa": 11,
      abcd: 7,
      z: 8,
      10: 9,
      "": 0
    }
    const fields = { tenant: { bb: 1, a: 2 }, ip: "x" }
    const { metadata, ...rest } = event(given)
    const appended = yield* appendTo(eventStore, streamId, [
      { ...rest, metadata: { ...metadata, fields, actor: "anna" } }
    ])
    // A key that is a whole number comes first in every object of JavaScript.
    const data =
      '{"10":9,"":0,"z":8,"dry":3,"\uffff":6,"abcd":7,"wash":[{"a":1,"bb":0}],"éé":5,"\uffffa":11,"😀":4,"unload":1}'
    const id = metadata.correlationId
    const known = `{"actor":"anna","fields":{"ip":"x","tenant":{"a":2,"bb":1}},"causationId":"${id}","correlationId":"${id}"}`
    const texts = (all: ReadonlyArray<{ readonly data: Schema.Json; readonly metadata: object }>) =>
      all.map((each) => [JSON.stringify(each.data), JSON.stringify(each.metadata)])
    assert.deepStrictEqual(texts(appended.events), [[data, known]])
    assert.deepStrictEqual(texts(yield* Stream.runCollect(eventStore.readStream(streamId))), [[data, known]])
    const { streams } = yield* eventStore.readStreams([{ streamId }])
    assert.strictEqual(JSON.stringify(streams[0]!.events[0]!.data), data)
  }),

  "7 a zero has no sign, wherever it stands": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const given = { a: -0, list: [-0, { b: -0 }], nested: { c: { d: -0 } } }
    const { metadata, ...rest } = event(given)
    const appended = yield* appendTo(eventStore, streamId, [
      { ...rest, metadata: { ...metadata, fields: { zero: -0, more: { zero: -0 } } } }
    ])
    // Here -0 and 0 are not equal.
    const known = [
      { a: 0, list: [0, { b: 0 }], nested: { c: { d: 0 } } },
      { zero: 0, more: { zero: 0 } }
    ]
    const read = yield* Stream.runCollect(eventStore.readStream(streamId))
    for (const { data, metadata } of [...appended.events, ...read]) {
      assert.deepStrictEqual([data, metadata.fields], known)
    }
    const { streams } = yield* eventStore.readStreams([{ streamId }])
    assert.deepStrictEqual(streams[0]!.events[0]!.data, known[0])
  }),

  "7 streams that are read together have only what a fold needs": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    yield* appendTo(eventStore, streamId, [event({ n: 1 })])
    const { streams } = yield* eventStore.readStreams([{ streamId }])
    assert.deepStrictEqual(streams[0]!.events, [
      { streamId, version: 1, type: "Happened", schemaVersion: 1, data: { n: 1 } }
    ])
  }),

  "9 an event id appears once in an append": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [a, b] = [newStream(), newStream()]
    const twin = event({ n: 1 })
    for (const writes of [
      [{ streamId: a, events: [twin, twin] }],
      [
        { streamId: a, events: [twin] },
        { streamId: b, events: [event({ n: 2 }), twin] }
      ]
    ]) {
      const refused = yield* Effect.flip(appendOne(eventStore, { writes, conditions: [] }))
      assert.include(String((refused as { reason?: { detail: string } }).reason?.detail), "appears twice in one append")
    }
    const { streams } = yield* eventStore.readStreams([{ streamId: a }, { streamId: b }])
    assert.deepStrictEqual(
      streams.map(({ version }) => version),
      [0, 0]
    )
  }),

  "9 a command id that is not a text is refused": Effect.gen(function* () {
    const { eventStore } = yield* open
    for (const id of [5, null, {}, [], true]) {
      const command = { id: id as never, fingerprint: "f" }
      const read = yield* Effect.flip(eventStore.readStreams([], command))
      const appended = yield* Effect.flip(appendOne(eventStore, { writes: [], conditions: [], command }))
      for (const error of [read, appended]) {
        assert.strictEqual((error as { reason?: { detail: string } }).reason?.detail, "command id: is not a text")
      }
    }
  }),

  "9 numbers count as they are written out": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const refused = yield* Effect.flip(
      appendTo(eventStore, streamId, [event({ numbers: Array.from({ length: 60_000 }, () => 1e300) })])
    )
    assert.strictEqual((refused as { reason?: { _tag: string } }).reason?._tag, "Rejected")
    const numbers = Array.from({ length: 20_000 }, () => 1e300)
    yield* appendTo(eventStore, streamId, [event({ numbers })])
    const { streams } = yield* eventStore.readStreams([{ streamId }])
    assert.deepStrictEqual(streams[0]!.events[0]!.data, { numbers })
  })
}
