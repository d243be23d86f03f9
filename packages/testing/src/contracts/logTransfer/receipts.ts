import { assert } from "@effect/vitest"
import { CommandIdReused, type EventStoreError } from "@hexfold/core"
import { DateTime, Effect, Stream } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import { appendTo, condition, events, horizonOf, newStream, versionOf } from "../eventStore/streams.ts"
import { Expectation, StoreKey } from "@hexfold/core/adapter"
import { open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { command, exported, history, imported, linesOf, logOf, newAggregate, placeOf } from "./world.ts"

const rejected = <A>(effect: Effect.Effect<A, EventStoreError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => {
    assert.strictEqual(reason._tag, "Rejected")
    return reason.detail
  })

/** An id of which a store may keep a digest and no more. */
const longId = () => `${crypto.randomUUID()}${"界".repeat(900)}`

/** Promises 2 to 5: commands and what their receipts say. */
export const receipts: Cases = {
  "a command that is repeated after the move is answered with its new events, and has no second effect": Effect.gen(
    function* () {
      const node = yield* open
      const { eventStore } = node
      const aggregate = newAggregate()
      const given = history(aggregate, 30)
      const [id, long] = [crypto.randomUUID(), longId()]
      const own = [given[3]!, given[4]!, given[9]!].map(placeOf)
      const others = given.slice(20, 22).map(placeOf)
      yield* imported(node, yield* linesOf(given, [command(id, own, own), command(long, others, others)]))
      const log = yield* logOf(node, aggregate)
      for (const [commandId, places] of [
        [id, own],
        [long, others]
      ] as const) {
        const expected = log.filter((event) =>
          places.some(({ streamId, version }) => streamId === event.streamId && version === event.version)
        )
        const again = yield* appendOne(eventStore, {
          writes: [{ streamId: given[0]!.streamId, events: events(1) }],
          conditions: [],
          command: { id: commandId, fingerprint: `fingerprint of ${commandId.slice(0, 20)}` }
        })
        assert.isTrue(again.repeated)
        assert.deepStrictEqual(again.events, expected)
        assert.deepStrictEqual(
          again.streams.toSorted((a, b) => (a.streamId < b.streamId ? -1 : 1)),
          places.toSorted((a, b) => (a.streamId < b.streamId ? -1 : 1))
        )
        const other = appendOne(eventStore, {
          writes: [],
          conditions: [],
          command: { id: commandId, fingerprint: "another" }
        })
        assert.instanceOf(yield* Effect.flip(other), CommandIdReused)
      }
      assert.deepStrictEqual(yield* logOf(node, aggregate), log)
    }
  ),

  "2 the commands of the log are exported with their fingerprints, streams, events and times": Effect.gen(function* () {
    const node = yield* open
    const { eventStore } = node
    const aggregate = newAggregate()
    const [a, b, read] = [newStream(aggregate), newStream(aggregate), newStream(aggregate)]
    yield* appendTo(eventStore, read, events(3))
    const before = yield* DateTime.now
    const ids = [crypto.randomUUID(), longId(), crypto.randomUUID()]
    for (const [i, id] of ids.entries()) {
      // The last one changes nothing.
      const writes = i === 2 ? [] : [b, a].map((streamId) => ({ streamId, events: events(1 + i) }))
      yield* appendOne(eventStore, {
        writes,
        conditions: [condition(read, Expectation.exactly(3))],
        command: { id, fingerprint: `f${i}` }
      })
    }
    const { commands } = yield* exported(node, { aggregates: [aggregate] })
    const find = (i: number) => commands.find(({ key }) => key === StoreKey.ofCommand(ids[i]!))!
    assert.strictEqual(commands.length, 3)
    assert.deepStrictEqual(
      [0, 1, 2].map((i) => {
        const { events, fingerprint, streams } = find(i)
        return { fingerprint, streams, events }
      }),
      [
        {
          fingerprint: "f0",
          streams: [
            { streamId: b, version: 1 },
            { streamId: a, version: 1 },
            { streamId: read, version: 3 }
          ],
          events: [
            { streamId: b, version: 1 },
            { streamId: a, version: 1 }
          ]
        },
        {
          fingerprint: "f1",
          streams: [
            { streamId: b, version: 3 },
            { streamId: a, version: 3 },
            { streamId: read, version: 3 }
          ],
          events: [
            { streamId: b, version: 2 },
            { streamId: b, version: 3 },
            { streamId: a, version: 2 },
            { streamId: a, version: 3 }
          ]
        },
        { fingerprint: "f2", streams: [{ streamId: read, version: 3 }], events: [] }
      ]
    )
    for (const { usedAt } of commands) {
      assert.isAtLeast(DateTime.toEpochMillis(usedAt), DateTime.toEpochMillis(before) - 60_000)
    }
  }),

  "2 a command of events above the position is not given, nor one without events that was decided on such": Effect.gen(
    function* () {
      const { eventStore, logTransfer } = yield* open
      const [streamId, other] = [newStream(), newStream()]
      const appended = (id: string, writes: boolean) =>
        appendOne(eventStore, {
          writes: writes ? [{ streamId, events: events(2) }] : [],
          conditions: [streamId, other].map((each) => condition(each, Expectation.any)),
          command: { id, fingerprint: "f" }
        })
      const ids = Array.from({ length: 4 }, () => crypto.randomUUID())
      yield* appended(ids[0]!, true)
      yield* appended(ids[1]!, false)
      const upTo = yield* horizonOf(eventStore)
      yield* appended(ids[2]!, true)
      yield* appended(ids[3]!, false)
      const given = (at: number) =>
        Effect.map(Stream.runCollect(logTransfer.commands(at)), (commands) =>
          ids.map((id) => commands.filter(({ key }) => key === StoreKey.ofCommand(id)).length)
        )
      assert.deepStrictEqual(yield* given(upTo), [1, 1, 0, 0])
      assert.deepStrictEqual(yield* given(upTo - 1), [0, 0, 0, 0])
      assert.deepStrictEqual(yield* given(yield* horizonOf(eventStore)), [1, 1, 1, 1])
    }
  ),

  "3 events are found by their places and commands by their keys, in the order of the request": Effect.gen(
    function* () {
      const { eventStore, logTransfer } = yield* open
      const [a, b] = [newStream(), newStream("Contract" + "x".repeat(50))]
      const id = crypto.randomUUID()
      const ofA = events(3)
      yield* appendOne(eventStore, {
        writes: [{ streamId: a, events: ofA }],
        conditions: [],
        command: { id, fingerprint: "f" }
      })
      const places = [3, 1, 4, 2, 1].map((version) => ({ streamId: a, version }))
      const found = yield* logTransfer.find(
        [...places, { streamId: b, version: 1 }],
        ["c:none", StoreKey.ofCommand(id)]
      )
      assert.deepStrictEqual(found.events, [ofA[2]!.id, ofA[0]!.id, undefined, ofA[1]!.id, ofA[0]!.id, undefined])
      assert.isUndefined(found.commands[0])
      assert.deepStrictEqual(found.commands[1]?.events.length, 3)
      assert.deepStrictEqual(yield* logTransfer.find([], []), { events: [], commands: [] })
    }
  ),

  "4 a command that is recorded again stays, one with another content is refused, and nothing of the call is recorded":
    Effect.gen(function* () {
      const { eventStore, logTransfer } = yield* open
      const streamId = newStream()
      yield* appendTo(eventStore, streamId, events(3))
      const place = (version: number) => [{ streamId, version }]
      const given = command(crypto.randomUUID(), place(2), place(2))
      yield* logTransfer.record([given])
      const [first] = (yield* logTransfer.find([], [given.key])).commands
      assert.deepStrictEqual(first, given)
      yield* logTransfer.record([{ ...given, usedAt: DateTime.makeUnsafe("2010-01-01T00:00:00Z") }])
      assert.deepStrictEqual((yield* logTransfer.find([], [given.key])).commands, [given])
      const beside = command(crypto.randomUUID(), place(1), place(1))
      for (const wrong of [
        { ...given, fingerprint: "other" },
        { ...given, events: place(1) },
        { ...given, streams: place(3) },
        command(crypto.randomUUID(), place(4), place(4)),
        { ...given, key: "no key" },
        { ...given, key: "c:a\0" },
        { ...given, key: "c:new", fingerprint: "\ud800" }
      ]) {
        yield* rejected(logTransfer.record([beside, wrong]))
        assert.deepStrictEqual((yield* logTransfer.find([], [beside.key])).commands, [undefined])
      }
      yield* rejected(logTransfer.record([beside, beside]))
      yield* logTransfer.record([])
    }),

  "4 of a command that is recorded and executed at one moment, one comes first": Effect.gen(function* () {
    const { eventStore, logTransfer } = yield* open
    for (let i = 0; i < 20; i++) {
      const streamId = newStream()
      yield* appendTo(eventStore, streamId, events(1))
      const given = command(crypto.randomUUID(), [{ streamId, version: 1 }], [{ streamId, version: 1 }])
      const executed = appendOne(eventStore, {
        writes: [{ streamId, events: events(1) }],
        conditions: [],
        command: { id: given.key.slice(2), fingerprint: given.fingerprint }
      })
      const [one, other] = yield* Effect.all([executed, Effect.exit(logTransfer.record([given]))], {
        concurrency: "unbounded"
      })
      assert.strictEqual(one.repeated, other._tag === "Success")
      assert.strictEqual(yield* versionOf(eventStore, streamId), one.repeated ? 1 : 2)
    }
  }),

  "5 no operation takes part in a transaction of the caller": needs("transactions")(function* () {
    const { eventStore, logTransfer, transaction } = yield* open
    const streamId = newStream()
    yield* appendTo(eventStore, streamId, events(1))
    const given = command(crypto.randomUUID(), [], [{ streamId, version: 1 }])
    const failing = Effect.andThen(Effect.orDie(logTransfer.record([given])), Effect.fail("rolled back"))
    assert.strictEqual(yield* Effect.flip(transaction(failing)), "rolled back")
    assert.deepStrictEqual((yield* logTransfer.find([], [given.key])).commands, [given])
  })
}
