import { assert } from "@effect/vitest"
import { Effect, Ref, Stream } from "effect"
import { Export } from "@hexfold/core"
import { appendTo, events as someEvents, horizonOf, newStream } from "../eventStore/streams.ts"
import { open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import {
  command,
  exported,
  history,
  imported,
  linesOf,
  logOf,
  newAggregate,
  oldLog,
  on,
  placeOf,
  unmoved
} from "./world.ts"

/** What an import and an export keep. */
export const moving: Cases = {
  "1 a log has the same identity in every process": needs("otherProcesses")(function* () {
    const [one, other] = [yield* open, yield* open]
    const log = yield* one.logTransfer.log
    assert.isAbove(log.length, 10)
    assert.strictEqual(yield* other.logTransfer.log, log)
  }),

  "imported events keep streams, versions, ids, types, data, metadata and times, and have their old position as origin":
    Effect.gen(function* () {
      const node = yield* open
      for (const batchSize of [1, 7, 1_000]) {
        const aggregate = newAggregate()
        const given = history(aggregate, 40)
        const done = yield* imported(node, yield* linesOf(given), { batchSize })
        assert.deepStrictEqual(
          { ...done },
          { phase: "writing", events: 40, commands: 0, written: 40, total: { events: 40, commands: 0 } }
        )
        const log = yield* logOf(node, aggregate)
        assert.deepStrictEqual(log.map(unmoved), given.map(unmoved))
        assert.deepStrictEqual(
          log.map(({ imported, metadata }) => [imported, metadata.origin]),
          given.map(({ position }) => [true, { log: oldLog, position }])
        )
        const [first] = log
        const stream = yield* Stream.runCollect(node.eventStore.readStream(first!.streamId))
        assert.deepStrictEqual(
          stream,
          log.filter(({ streamId }) => streamId === first!.streamId)
        )
      }
    }),

  "new positions are drawn in the order of the old ones, also where streams take turns": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const given = history(aggregate, 300, 40)
    yield* imported(node, yield* linesOf(given), { batchSize: 100 })
    const log = yield* logOf(node, aggregate)
    assert.deepStrictEqual(
      log.map(({ id }) => id),
      given.map(({ id }) => id)
    )
  }),

  "what was imported is exported as it was, with its origin": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const given = history(aggregate, 60)
    yield* imported(node, yield* linesOf(given))
    const { events, header } = yield* exported(node, { aggregates: [aggregate] })
    assert.deepStrictEqual(header.aggregates, [aggregate])
    assert.strictEqual(header.log, yield* node.logTransfer.log)
    assert.deepStrictEqual(events.map(unmoved), given.map(unmoved))
    assert.deepStrictEqual(
      events.map(({ position }) => position),
      (yield* logOf(node, aggregate)).map(({ position }) => position)
    )
  }),

  "the events of a conversation are found after the move": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const correlationId = `request ${aggregate}`
    const given = history(aggregate, 60).map((event, i) =>
      i % 4 === 0 ? { ...event, metadata: { ...event.metadata, correlationId } } : event
    )
    yield* imported(node, yield* linesOf(given))
    const found = yield* Stream.runCollect(node.eventStore.readAll({ correlationId }))
    assert.deepStrictEqual(found.map(unmoved), given.filter((_, i) => i % 4 === 0).map(unmoved))
  }),

  "an event that is moved again has the origin of its origin": Effect.gen(function* () {
    const node = yield* open
    const [aggregate, before] = [newAggregate(), { log: "older", position: 99 }]
    const given = history(aggregate, 3).map((event) => ({ ...event, metadata: { ...event.metadata, origin: before } }))
    yield* imported(node, yield* linesOf(given))
    assert.deepStrictEqual(
      (yield* logOf(node, aggregate)).map(({ metadata }) => metadata.origin),
      given.map(({ position }) => ({ log: oldLog, position, origin: before }))
    )
  }),

  "an export of aggregates or streams has their events and nothing else": Effect.gen(function* () {
    const node = yield* open
    const [a, b, c] = [newAggregate(), newAggregate(), newAggregate()]
    const merged = [...history(a, 20), ...history(b, 20), ...history(c, 20)]
      .toSorted((x, y) => x.position - y.position)
      .map((event, i) => ({ ...event, position: i }))
    const of = (...names: ReadonlyArray<string>) =>
      merged.filter(({ streamId }) => names.some((name) => streamId.startsWith(`${name}-`)))
    const [first, second] = [of(a)[0]!, of(b)[0]!]
    const both = [placeOf(first), placeOf(second)]
    const commands = [command(`both ${a}`, both, both), command(`a ${a}`, [placeOf(first)], [placeOf(first)])]
    yield* imported(node, yield* linesOf(merged, commands))
    const ofTwo = yield* exported(node, { aggregates: [a, c] })
    assert.deepStrictEqual(ofTwo.events.map(unmoved), of(a, c).map(unmoved))
    assert.deepStrictEqual(
      ofTwo.commands.toSorted((x, y) => (x.key < y.key ? 1 : -1)),
      [{ ...commands[0]!, streams: [placeOf(first)], events: [placeOf(first)] }, commands[1]!]
    )
    const named = [second.streamId, of(c)[1]!.streamId]
    const ofStreams = yield* exported(node, { streams: named })
    assert.deepStrictEqual(
      ofStreams.events.map(unmoved),
      merged.filter(({ streamId }) => named.includes(streamId)).map(unmoved)
    )
    assert.deepStrictEqual(ofStreams.commands, [
      { ...commands[0]!, streams: [placeOf(second)], events: [placeOf(second)] }
    ])
    // Long streams that end at different places, one that does not exist, so many that their pages are short, and more than are read side by side.
    const long = newAggregate()
    const many = history(long, 1_600, 3).filter(({ position, streamId }) => position < 3_000 || streamId < `${long}-1`)
    yield* imported(node, yield* linesOf(many), { batchSize: 400 })
    const streams = [...new Set(many.map(({ streamId }) => streamId)), newStream(long)]
    for (const others of [0, 400, 600]) {
      const named = streams.slice(1)
      const { events } = yield* exported(node, {
        streams: [...named, ...Array.from({ length: others }, () => newStream(long))]
      })
      assert.deepStrictEqual(
        events.map(({ id }) => id),
        many.flatMap(({ id, streamId }) => (named.includes(streamId) ? [id] : []))
      )
    }
    const nothing = yield* exported(node, { aggregates: [newAggregate()] })
    assert.deepStrictEqual([nothing.events, nothing.commands], [[], []])
  }),

  "an export ends at the horizon of its beginning, and tells how far it has come": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const given = history(aggregate, 30)
    yield* imported(node, yield* linesOf(given))
    const upTo = yield* horizonOf(node.eventStore)
    const told = yield* Ref.make<ReadonlyArray<Export.Progress>>([])
    const lines = Export.lines({
      aggregates: [aggregate],
      onProgress: (progress) =>
        Effect.andThen(
          Ref.update(told, (before) => [...before, progress]),
          // What is appended meanwhile is not in it.
          Effect.orDie(appendTo(node.eventStore, given[0]!.streamId, someEvents(1)))
        )
    })
    const pieces = yield* on(node, Stream.runCollect(lines))
    assert.strictEqual(pieces.join("").split("\n").length, 30 + 3)
    const last = (yield* Ref.get(told)).at(-1)!
    assert.deepStrictEqual([last.events, last.commands], [30, 0])
    assert.isAtLeast(last.upTo, upTo)
    assert.isAtMost(last.position, last.upTo)
  })
}
