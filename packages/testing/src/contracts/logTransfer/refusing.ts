import { assert } from "@effect/vitest"
import { Import, ImportRefused, InvalidLogFile, LogFile } from "@hexfold/core"
import { DateTime, Effect, Stream } from "effect"
import { appendTo, events, versionOf } from "../eventStore/streams.ts"
import { appendOne } from "../eventStore/appendOne.ts"
import { type Node, open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { chunks, command, history, imported, linesOf, logOf, newAggregate, on, placeOf, refusal } from "./world.ts"

const count = 30

type Lines = ReadonlyArray<string>

/** What may happen to a file, and the line at which it is found out. The file has a header, 30 events, 2 commands and an end. */
const damages: Readonly<Record<string, readonly [line: number, damage: (lines: Lines) => Lines]>> = {
  "a letter was changed": [8, (lines) => lines.with(7, lines[7]!.replace('"type":"', '"type":"x'))],
  "a digit of a hash was changed": [
    9,
    (lines) =>
      lines.with(
        8,
        lines[8]!.replace(/.("}\n)$/, (end) => (end[0] === "0" ? "1" : "0") + end.slice(1))
      )
  ],
  "two lines have changed places": [12, (lines) => lines.with(11, lines[12]!).with(12, lines[11]!)],
  "a line is missing": [12, (lines) => lines.toSpliced(11, 1)],
  "a line is there twice": [13, (lines) => lines.toSpliced(12, 0, lines[11]!)],
  "a line was cut": [12, (lines) => lines.with(11, `${lines[11]!.slice(0, 40)}\n`)],
  "a line is empty": [12, (lines) => lines.toSpliced(11, 0, "\n")],
  "the first line is missing": [1, (lines) => lines.slice(1)],
  "the last line is missing": [34, (lines) => lines.slice(0, -1)],
  "the end of the last line is missing": [34, (lines) => lines.with(33, lines[33]!.slice(0, -5))],
  "only the header is left": [2, (lines) => lines.slice(0, 1)],
  "the file is empty": [1, () => []],
  "a line comes after the end": [35, (lines) => [...lines, lines[5]!]],
  "another file follows": [35, (lines) => [...lines, ...lines]]
}

const nothingOf = (node: Node, aggregate: string) =>
  Effect.map(logOf(node, aggregate), (log) => assert.deepStrictEqual(log, []))

/** What an import refuses, and that it has written nothing then. */
export const refusing: Cases = {
  "a file that was cut, changed, reordered or doubled is refused with the line, and nothing is written": Effect.gen(
    function* () {
      const node = yield* open
      const aggregate = newAggregate()
      const given = history(aggregate, count)
      const commands = given.slice(0, 2).map((event) => command(`${event.id}`, [placeOf(event)], [placeOf(event)]))
      const lines = yield* linesOf(given, commands)
      for (const [name, [line, damage]] of Object.entries(damages)) {
        const refused = yield* refusal(node, damage(lines))
        assert.instanceOf(refused, InvalidLogFile, name)
        assert.strictEqual(refused.line, line, name)
      }
      yield* nothingOf(node, aggregate)
    }
  ),

  "a file of an unknown format, a compressed one, and one that is not text are refused": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const lines = yield* linesOf(history(aggregate, count))
    const bytes = new TextEncoder().encode(lines.join(""))
    const of = (file: Stream.Stream<Uint8Array, InvalidLogFile>) => Effect.flip(on(node, Import.run(file)))
    const compressed = LogFile.gzip(chunks(lines))
    assert.include((yield* of(compressed)).message, "gunzip")
    const broken = bytes.slice()
    broken[bytes.length - 300] = 0xff
    assert.include((yield* of(Stream.make(broken))).message, "UTF-8")
    const whole = yield* Stream.runCollect(compressed)
    const all = new Uint8Array(yield* Effect.promise(() => new Blob(whole.map((part) => part.slice())).arrayBuffer()))
    const cut = yield* of(LogFile.gunzip(Stream.make(all.slice(0, all.length - 50))))
    assert.instanceOf(cut, InvalidLogFile)
    yield* nothingOf(node, aggregate)
    yield* on(node, Import.run(LogFile.gunzip(Stream.make(all))))
    assert.strictEqual((yield* logOf(node, aggregate)).length, count)
  }),

  "events that no log can have are refused with the line, and nothing is written": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const given = history(aggregate, count)
    const at = 20
    const event = given[at]!
    const wrong: ReadonlyArray<readonly [line: number, events: ReadonlyArray<LogFile.Event>]> = [
      { data: { a: "\0" } },
      { data: { a: "\ud800" } },
      { type: "" },
      { type: "x".repeat(1_001) },
      { id: event.id.toUpperCase() },
      { id: given[2]!.id },
      { streamId: "no dash" as LogFile.Event["streamId"] },
      { version: event.version + 1 },
      { version: event.version - 1 },
      { schemaVersion: 0 },
      { recordedAt: DateTime.makeUnsafe("2001-01-01T00:00:00Z") },
      { recordedAt: DateTime.makeUnsafe("2999-01-01T00:00:00Z") },
      { metadata: { correlationId: "a\0", causationId: "b" } },
      { metadata: { ...event.metadata, origin: { log: "", position: 1 } } },
      { position: given[at - 1]!.position }
    ].map((change) => [at + 2, given.with(at, { ...event, ...change })])
    for (const [line, events] of wrong) {
      for (const check of ["first", "along"] as const) {
        if (check === "along") continue
        const refused = yield* refusal(node, yield* linesOf(events), { check })
        assert.strictEqual(refused.line, line, refused.message)
      }
    }
    yield* nothingOf(node, aggregate)
  }),

  "a stream that has other events is refused before anything is written": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const given = history(aggregate, count)
    const last = given.findLastIndex(({ version }) => version === 1)
    const { streamId } = given[last]!
    yield* appendTo(node.eventStore, streamId, events(1))
    const refused = yield* refusal(node, yield* linesOf(given))
    assert.instanceOf(refused, ImportRefused)
    assert.strictEqual(refused.line, last + 2)
    assert.include(refused.message, streamId)
    assert.strictEqual((yield* logOf(node, aggregate)).length, 1)
  }),

  "a stream to which something was appended after a part of it was imported is not imported further": Effect.gen(
    function* () {
      const node = yield* open
      const aggregate = newAggregate()
      const given = history(aggregate, count)
      yield* imported(node, yield* linesOf(given.slice(0, 15)))
      const { streamId } = given[15]!
      yield* appendTo(node.eventStore, streamId, events(1))
      const refused = yield* refusal(node, yield* linesOf(given))
      assert.instanceOf(refused, ImportRefused)
      assert.strictEqual(refused.events, 15)
      assert.strictEqual((yield* logOf(node, aggregate)).length, 16)
    }
  ),

  "events that were imported by another file, not in the order of this one, are refused": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const given = history(aggregate, count)
    const { streamId } = given[3]!
    yield* imported(node, yield* linesOf(given.filter((event) => event.streamId === streamId)))
    const before = yield* logOf(node, aggregate)
    const refused = yield* refusal(node, yield* linesOf(given))
    assert.instanceOf(refused, ImportRefused)
    assert.include(refused.message, "was imported already")
    assert.deepStrictEqual(yield* logOf(node, aggregate), before)
  }),

  "a command id that the log knows is refused before anything is written": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const given = history(aggregate, count)
    const id = crypto.randomUUID()
    yield* appendOne(node.eventStore, { writes: [], conditions: [], command: { id, fingerprint: "f" } })
    const places = [placeOf(given[0]!)]
    const commands = [command(crypto.randomUUID(), places, places), command(id, places, places)]
    const refused = yield* refusal(node, yield* linesOf(given, commands))
    assert.instanceOf(refused, ImportRefused)
    assert.strictEqual(refused.line, count + 3)
    yield* nothingOf(node, aggregate)
  }),

  "a file that is checked along is imported up to the first batch that is wrong": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const given = history(aggregate, count)
    const lines = yield* linesOf(given.with(25, { ...given[25]!, version: 99 }))
    const refused = yield* refusal(node, lines, { check: "along" })
    assert.instanceOf(refused, ImportRefused)
    assert.deepStrictEqual([refused.line, refused.events], [27, 20])
    assert.deepStrictEqual(
      (yield* logOf(node, aggregate)).map(({ id }) => id),
      given.slice(0, 20).map(({ id }) => id)
    )
  }),

  "a check writes nothing, and an import takes sound batches only": Effect.gen(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const lines = yield* linesOf(history(aggregate, count))
    const checked = yield* on(node, Import.check(chunks(lines)))
    assert.deepStrictEqual([checked.phase, checked.events], ["checking", count])
    yield* nothingOf(node, aggregate)
    for (const batchSize of [0, 1.5, 10_001]) {
      const refused = yield* Effect.flip(imported(node, lines, { batchSize }))
      assert.strictEqual(refused._tag, "EventStoreError")
    }
  }),

  "an import inside a transaction of the caller is refused": needs("transactions")(function* () {
    const node = yield* open
    const aggregate = newAggregate()
    const { streamId } = history(aggregate, 1)[0]!
    const importing = imported(node, yield* linesOf(history(aggregate, count)))
    const refused = yield* Effect.flip(node.transaction(Effect.mapError(importing, String)))
    assert.include(String(refused), "transaction")
    assert.strictEqual(yield* versionOf(node.eventStore, streamId), 0)
  })
}
