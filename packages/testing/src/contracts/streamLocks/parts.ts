import { assert } from "@effect/vitest"
import { CommandIdReused, type EventStore, EventStoreError, type StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { DateTime, Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import {
  appendTo,
  condition,
  event,
  events,
  horizonOf,
  newStream,
  open,
  readAfter,
  versionOf
} from "../eventStore/streams.ts"

const newKey = (fingerprint = "f"): EventStore.CommandKey => ({ id: `part-${crypto.randomUUID()}`, fingerprint })

const write = (streamId: StreamId.StreamId, count = 1): EventStore.Write => ({ streamId, events: events(count) })

/** A part with a command id. */
const keyed = (writes: ReadonlyArray<EventStore.Write>, command = newKey()) => ({ writes, command })

const done = (answer: EventStore.Appended | EventStore.Repeated): EventStore.Appended => {
  assert.strictEqual(answer._tag, "Appended")
  return answer as EventStore.Appended
}

const repeats = (answer: EventStore.Appended | EventStore.Repeated): EventStore.Repeated["repeats"] => {
  assert.strictEqual(answer._tag, "Repeated")
  return (answer as EventStore.Repeated).repeats
}

/** What of a result does not depend on the streams' names, the positions and the time. */
const shapeOf = ({ events, streams }: EventStore.PartAppended, names: ReadonlyArray<StreamId.StreamId>) => ({
  events: events.map(({ data, streamId, type, version }) => [names.indexOf(streamId), version, type, data]),
  streams: streams.map(({ streamId, version }) => [names.indexOf(streamId), version])
})

/** Appends of many parts. */
export const parts: Cases = {
  "an append of many parts is the same parts appended one by one": Effect.gen(function* () {
    const { eventStore } = yield* open
    const partsOn = ([a, b, c, d]: ReadonlyArray<StreamId.StreamId>): ReadonlyArray<EventStore.Part> => [
      keyed([write(a!, 2)]),
      keyed([write(b!), write(a!, 3)]),
      { ...keyed([write(a!)]), reads: [c!, b!] },
      { writes: [write(d!)], reads: [] },
      keyed([]),
      { ...keyed([{ streamId: c!, events: [] }, write(b!, 2)]), reads: [d!, a!] },
      { writes: [] }
    ]
    const [names, apart] = [Array.from({ length: 4 }, () => newStream()), Array.from({ length: 4 }, () => newStream())]
    for (const each of [names, apart]) yield* appendTo(eventStore, each[1]!, events(4))
    const start = yield* horizonOf(eventStore)
    const together = partsOn(names)
    const conditions = names.map((streamId, i) => condition(streamId, Expectation.exactly(i === 1 ? 4 : 0)))
    const appended = done(yield* eventStore.append({ conditions, parts: together }))
    const log = yield* readAfter(eventStore, start)
    assert.deepStrictEqual(
      appended.parts.flatMap(({ events }) => events),
      log
    )
    const single: Array<EventStore.PartAppended> = []
    for (const part of partsOn(apart)) {
      const present = yield* Effect.forEach(apart, (streamId) => versionOf(eventStore, streamId))
      const exact = apart.map((streamId, i) => condition(streamId, Expectation.exactly(present[i]!)))
      single.push(done(yield* eventStore.append({ conditions: exact, parts: [part] })).parts[0]!)
    }
    assert.deepStrictEqual(
      appended.parts.map((part) => shapeOf(part, names)),
      single.map((part) => shapeOf(part, apart))
    )
    // Each part has a receipt of its own, and repeats alone or among others.
    for (const [i, { command }] of together.entries()) {
      if (command === undefined) continue
      assert.deepStrictEqual((yield* eventStore.readStreams([], command)).appended, asRepeat(appended, i))
      const alone = yield* eventStore.append({ conditions: [], parts: [{ writes: [write(names[0]!)], command }] })
      assert.deepStrictEqual(repeats(alone), [{ part: 0, appended: asRepeat(appended, i) }])
      const others = [keyed([write(names[0]!)]), { writes: [], command }, { writes: [write(names[1]!)] }]
      assert.deepStrictEqual(repeats(yield* eventStore.append({ conditions: [], parts: others })), [
        { part: 1, appended: asRepeat(appended, i) }
      ])
    }
    assert.deepStrictEqual(yield* Effect.forEach(names, (streamId) => versionOf(eventStore, streamId)), [6, 7, 0, 1])
  }),

  "a repeat among the parts writes nothing, names all repeats, and leaves the other keys new": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streams = Array.from({ length: 6 }, () => newStream())
    const given = streams.map((streamId) => keyed([write(streamId)]))
    const first = done(yield* eventStore.append({ conditions: [], parts: [given[1]!, given[4]!, given[3]!] }))
    const start = yield* horizonOf(eventStore)
    const wrong = condition(streams[0]!, Expectation.streamExists)
    const again = yield* eventStore.append({ conditions: [wrong], parts: given })
    assert.deepStrictEqual(repeats(again), [
      { part: 1, appended: asRepeat(first, 0) },
      { part: 3, appended: asRepeat(first, 2) },
      { part: 4, appended: asRepeat(first, 1) }
    ])
    assert.deepStrictEqual(yield* readAfter(eventStore, start), [])
    const fresh = [given[0]!, given[2]!, given[5]!]
    for (const { command } of fresh) assert.isUndefined((yield* eventStore.readStreams([], command)).appended)
    const rest = done(yield* eventStore.append({ conditions: [], parts: fresh }))
    assert.deepStrictEqual(
      rest.parts.map(({ streams }) => streams[0]!.version),
      [1, 1, 1]
    )
  }),

  "a part with another fingerprint fails the append, and the error names its id": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [used, repeated] = [newKey("first"), newKey()]
    const streamId = newStream()
    yield* eventStore.append({ conditions: [], parts: [keyed([write(streamId)], used), keyed([], repeated)] })
    const other = { ...used, fingerprint: "second" }
    const parts = [keyed([write(streamId)], repeated), keyed([write(newStream())]), keyed([write(streamId)], other)]
    const error = yield* Effect.flip(eventStore.append({ conditions: [], parts }))
    const expected = new CommandIdReused({ commandId: used.id, stored: "first", given: "second" })
    assert.deepStrictEqual({ ...error }, { ...expected })
    assert.strictEqual(yield* versionOf(eventStore, streamId), 1)
    assert.isUndefined((yield* eventStore.readStreams([], parts[1]!.command)).appended)
  }),

  "two parts with one command id are refused": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [streamId, command] = [newStream(), newKey()]
    const parts = [keyed([write(streamId)], command), keyed([write(newStream())], { ...command, fingerprint: "g" })]
    const error = yield* Effect.flip(eventStore.append({ conditions: [], parts }))
    assert.instanceOf(error, EventStoreError)
    assert.strictEqual(error.reason._tag, "Rejected")
    assert.isUndefined((yield* eventStore.readStreams([], command)).appended)
    assert.strictEqual(yield* versionOf(eventStore, streamId), 0)
  }),

  "conditions are those before the append, whatever the parts write": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [streamId, only] = [newStream(), newStream()]
    const conditions = [condition(streamId, Expectation.noStream), condition(only, Expectation.noStream)]
    const parts = [keyed([write(streamId, 2)]), keyed([write(streamId, 3)])]
    done(yield* eventStore.append({ conditions, parts }))
    const more = [keyed([write(streamId)]), keyed([write(only)]), keyed([])]
    const late = yield* Effect.flip(
      eventStore.append({ conditions: [condition(streamId, Expectation.exactly(6))], parts: more })
    )
    assert.deepInclude(late, { _tag: "ConcurrencyConflict", stream: streamId, actual: 5 })
    for (const { command } of more) assert.isUndefined((yield* eventStore.readStreams([], command)).appended)
    done(yield* eventStore.append({ conditions: [condition(streamId, Expectation.exactly(5))], parts: more }))
    assert.deepStrictEqual(yield* Effect.forEach([streamId, only], (each) => versionOf(eventStore, each)), [6, 1])
  }),

  "an append without parts only checks": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const check = (expected: Expectation.Expectation) =>
      eventStore.append({ conditions: [condition(streamId, expected)], parts: [] })
    assert.deepStrictEqual(done(yield* check(Expectation.noStream)).parts, [])
    assert.strictEqual((yield* Effect.flip(check(Expectation.streamExists)))._tag, "ConcurrencyConflict")
  }),

  "parts of one append have one time, and an imported event follows those of earlier parts": Effect.gen(function* () {
    const { eventStore } = yield* open
    const [a, b] = [newStream(), newStream()]
    const plain = [keyed([write(a), write(b)]), keyed([write(b, 2)]), keyed([write(a)])]
    const { parts } = done(yield* eventStore.append({ conditions: [], parts: plain }))
    const times = parts.flatMap(({ events }) => events.map(({ recordedAt }) => DateTime.toEpochMillis(recordedAt)))
    assert.strictEqual(new Set(times).size, 1)
    const imported = (streamId: StreamId.StreamId, year: number): EventStore.Write => ({
      streamId,
      events: [{ ...event({}), recordedAt: DateTime.makeUnsafe({ year, month: 1, day: 1 }) }]
    })
    const [c, d] = [newStream(), newStream()]
    const falling = [keyed([imported(c, 2001)]), keyed([imported(d, 2001)]), keyed([imported(c, 2000)])]
    const error = yield* Effect.flip(eventStore.append({ conditions: [], parts: falling }))
    assert.instanceOf(error, EventStoreError)
    assert.include(error.message, "2001-01-01T00:00:00.000Z, the time of the event before in its stream")
    const rising = [keyed([imported(c, 2000)]), keyed([imported(d, 2001)]), keyed([imported(c, 2001)])]
    const appended = done(yield* eventStore.append({ conditions: [], parts: rising }))
    for (const [i, { command }] of rising.entries()) {
      assert.deepStrictEqual((yield* eventStore.readStreams([], command)).appended, asRepeat(appended, i))
    }
  }),

  "256 parts race with single appends under the same command ids: each has an effect once": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open]
      const hot = newStream()
      const commands = Array.from({ length: 256 }, () => newKey())
      const writesOf = (i: number) => [write(i % 4 === 0 ? newStream() : hot)]
      // A group appends what is left of it until no part of it is a repeat.
      const group = (node: number, mine: ReadonlyArray<number>): Effect.Effect<void, unknown> =>
        Effect.gen(function* () {
          let left = mine
          while (left.length > 0) {
            const parts = left.map((i) => keyed(writesOf(i), commands[i]!))
            const answer = yield* nodes[node]!.eventStore.append({ conditions: [], parts })
            if (answer._tag === "Appended") return
            const repeated = new Set(answer.repeats.map(({ part }) => part))
            assert.isAbove(repeated.size, 0)
            left = left.filter((_, part) => !repeated.has(part))
          }
        })
      const all = commands.map((_, i) => i)
      const alone = all.map((i) =>
        nodes[i % 2]!.eventStore.append({ conditions: [], parts: [keyed(writesOf(i), commands[i]!)] })
      )
      const groups = [group(0, all), group(1, all.toReversed()), group(1, all.slice(64, 192)), group(0, all.slice(100))]
      yield* Effect.all([...groups, ...alone], { concurrency: "unbounded", discard: true })
      const receipts = yield* Effect.forEach(commands, (command) => nodes[0]!.eventStore.readStreams([], command))
      const positions = receipts.flatMap(({ appended }) => appended!.events.map(({ position }) => position))
      assert.strictEqual(new Set(positions).size, 256)
      assert.strictEqual(yield* versionOf(nodes[1]!.eventStore, hot), 192)
    }
  )
}

/** A part of an append, as a repeat names it. */
const asRepeat = ({ history, parts }: EventStore.Appended, part: number): EventStore.RepeatedPart => ({
  ...parts[part]!,
  history
})
