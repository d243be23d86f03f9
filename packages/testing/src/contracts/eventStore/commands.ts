import { assert } from "@effect/vitest"
import { CommandIdReused } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import { appendTo, condition, events, newStream, open, versionOf } from "./streams.ts"
import { appendOne } from "./appendOne.ts"

const newKey = (fingerprint = "f") => ({ id: `command-${crypto.randomUUID()}`, fingerprint })

/** Promise 6: a command id has an effect once. */
export const commands: Cases = {
  "6 a command over 5,000 streams, some of them only checked, and its repeat": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streams = Array.from({ length: 5_000 }, () => newStream())
    const [written, checked] = [streams.slice(0, 4_000), streams.slice(4_000)]
    const command = newKey()
    const append = {
      writes: written.map((streamId) => ({ streamId, events: events(1) })),
      // Another order than that of the writes.
      conditions: streams.toReversed().map((streamId) => condition(streamId, Expectation.noStream)),
      command
    }
    const first = yield* appendOne(eventStore, append)
    assert.deepStrictEqual(
      first.streams.slice(0, 4_000),
      written.map((streamId) => ({ streamId, version: 1 }))
    )
    assert.deepStrictEqual(
      new Map(first.streams.slice(4_000).map(({ streamId, version }) => [streamId, version])),
      new Map(checked.map((streamId) => [streamId, 0]))
    )
    const again = yield* appendOne(eventStore, append)
    const { appended } = yield* eventStore.readStreams([], command)
    assert.isTrue(again.repeated)
    for (const receipt of [again, appended]) {
      assert.deepStrictEqual(receipt?.events, first.events)
      assert.deepStrictEqual(receipt?.streams.slice(0, 4_000), first.streams.slice(0, 4_000))
      assert.strictEqual(receipt?.streams.length, 5_000)
    }
    const { streams: slices } = yield* eventStore.readStreams(streams.map((streamId) => ({ streamId })))
    assert.deepStrictEqual(
      slices.map(({ version }) => version),
      streams.map((_, i) => (i < 4_000 ? 1 : 0))
    )
  }),

  "6 a repeated append has no second effect and returns the first result, from any node": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open] as const
      const [a, b, checked] = [newStream(), newStream(), newStream()]
      const command = newKey()
      const append = {
        writes: [
          { streamId: b, events: events(2) },
          { streamId: a, events: events(3) }
        ],
        conditions: [condition(a, Expectation.noStream), condition(checked, Expectation.noStream)],
        command
      }
      const first = yield* appendOne(nodes[0].eventStore, append)
      yield* appendTo(nodes[0].eventStore, a, events(1))
      for (const { eventStore } of nodes) {
        const again = yield* appendOne(eventStore, { ...append, writes: [{ streamId: a, events: events(9) }] })
        assert.deepStrictEqual(again.events, first.events)
        assert.isTrue(again.repeated)
        assert.deepStrictEqual(
          new Map(again.streams.map(({ streamId, version }) => [streamId, version])),
          new Map([
            [a, 3],
            [b, 2],
            [checked, 0]
          ])
        )
        const found = yield* eventStore.readStreams([{ streamId: a }], command)
        assert.deepStrictEqual(found.appended?.events, first.events)
        assert.strictEqual(found.streams[0]!.version, 4)
      }
      assert.isUndefined((yield* nodes[0].eventStore.readStreams([{ streamId: a }], newKey())).appended)
    }
  ),

  "6 of many repeats at the same moment exactly one has an effect": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open, yield* open]
    for (let round = 0; round < 10; round++) {
      const streamId = newStream()
      const command = newKey()
      const results = yield* Effect.forEach(
        Array.from({ length: 24 }, (_, i) => i),
        (i) =>
          appendOne(nodes[i % 3]!.eventStore, { writes: [{ streamId, events: events(2) }], conditions: [], command }),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(({ repeated }) => !repeated).length, 1)
      for (const { events } of results) assert.deepStrictEqual(events, results[0]!.events)
      assert.strictEqual(yield* versionOf(nodes[0]!.eventStore, streamId), 2)
    }
  }),

  "6 the same id with another content is an error that has both fingerprints": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const command = newKey("first")
    yield* appendOne(eventStore, { writes: [{ streamId, events: events(1) }], conditions: [], command })
    const other = { ...command, fingerprint: "second" }
    const expected = new CommandIdReused({ commandId: command.id, stored: "first", given: "second" })
    const appended = yield* Effect.flip(
      appendOne(eventStore, { writes: [{ streamId, events: events(1) }], conditions: [], command: other })
    )
    assert.deepStrictEqual({ ...appended }, { ...expected })
    assert.deepStrictEqual({ ...(yield* Effect.flip(eventStore.readStreams([], other))) }, { ...expected })
    assert.strictEqual(yield* versionOf(eventStore, streamId), 1)
  }),

  "6 an append that fails leaves its command id unused": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const command = newKey()
    const append = (expected: Expectation.Expectation) =>
      appendOne(eventStore, {
        writes: [{ streamId, events: events(1) }],
        conditions: [condition(streamId, expected)],
        command
      })
    assert.strictEqual((yield* Effect.flip(append(Expectation.streamExists)))._tag, "ConcurrencyConflict")
    assert.isUndefined((yield* eventStore.readStreams([{ streamId }], command)).appended)
    assert.isFalse((yield* append(Expectation.noStream)).repeated)
  }),

  "6 an append without events is remembered too": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const command = newKey()
    const append = { writes: [], conditions: [condition(streamId, Expectation.noStream)], command }
    assert.deepStrictEqual(yield* appendOne(eventStore, append), {
      events: [],
      streams: [{ streamId, version: 0 }],
      repeated: false
    })
    yield* appendTo(eventStore, streamId, events(1))
    assert.deepStrictEqual(yield* appendOne(eventStore, append), {
      events: [],
      streams: [{ streamId, version: 0 }],
      repeated: true
    })
  }),

  "6 fresh and repeated commands, conflicts and reused ids side by side each get their own answer": Effect.gen(
    function* () {
      const { eventStore } = yield* open
      const keys = Array.from({ length: 40 }, () => newKey())
      const streams = keys.map(() => newStream())
      const append = (i: number, fingerprint = "f", expected = Expectation.any) =>
        appendOne(eventStore, {
          writes: [{ streamId: streams[i]!, events: events(1 + (i % 3)) }],
          conditions: [condition(streams[i]!, expected)],
          command: { ...keys[i]!, fingerprint }
        })
      const first = yield* Effect.forEach(streams.slice(0, 20), (_, i) => append(i), { concurrency: "unbounded" })
      const second = yield* Effect.forEach(
        streams,
        (_, i) =>
          Effect.result(
            i < 20 && i % 4 === 0
              ? append(i, "g")
              : append(i, "f", i % 5 === 0 ? Expectation.streamExists : Expectation.any)
          ),
        { concurrency: "unbounded" }
      )
      second.forEach((result, i) => {
        if (i < 20 && i % 4 === 0)
          assert.strictEqual(result._tag === "Failure" && result.failure._tag, "CommandIdReused")
        else if (i < 20) assert.deepStrictEqual(result._tag === "Success" && result.success.events, first[i]!.events)
        else if (i % 5 === 0)
          assert.strictEqual(result._tag === "Failure" && result.failure._tag, "ConcurrencyConflict")
        else assert.strictEqual(result._tag === "Success" && result.success.events.length, 1 + (i % 3))
      })
    }
  )
}
