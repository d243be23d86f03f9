import { assert, describe, it } from "@effect/vitest"
import { InvalidLogFile, LogFile, StreamId } from "@hexfold/core"
import { DateTime, Effect, Stream } from "effect"
import { TestClock } from "effect/testing"

const event = (position: number): LogFile.Event => ({
  position,
  streamId: StreamId.make("Account", "é"),
  version: position,
  id: `5f0c1d9e-0000-4000-8000-00000000000${position}`,
  type: "Opened",
  data: { text: '\u2028 \ud83d\ude00 \\ " \n' },
  metadata: { correlationId: "c", causationId: "d" },
  recordedAt: DateTime.makeUnsafe("2009-03-01T09:00:00.250Z")
})

const events = [1, 2, 3].map(event)

const written = (log = "old") =>
  Effect.map(Stream.runCollect(LogFile.encode({ log, events: Stream.fromIterable(events) })), (pieces) =>
    pieces.join("")
  )

const decoded = (file: Stream.Stream<Uint8Array | string>) => Stream.runCollect(LogFile.decode(file))

const failure = (file: Stream.Stream<Uint8Array | string>) => Effect.flip(decoded(file))

/** Lines with the hashes that belong to them, made as the page on the format says. */
const linked = (lines: ReadonlyArray<object>): string => {
  let hash = 0xcbf29ce484222325n
  return lines
    .map((line) => {
      const text = JSON.stringify(line).slice(0, -1)
      for (const byte of new TextEncoder().encode(text)) {
        hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
      }
      return `${text},"hash":"${hash.toString(16).padStart(16, "0")}"}\n`
    })
    .join("")
}

const bytesOf = (text: string) => new TextEncoder().encode(text)

describe("LogFile", () => {
  it.effect("writes the lines that its page describes", () =>
    Effect.gen(function* () {
      const lines = (yield* written()).split("\n")
      assert.strictEqual(lines.length, 6)
      assert.strictEqual(
        lines[0],
        '{"log":{"format":1,"log":"old","writtenAt":"1970-01-01T00:00:00.000Z"},"hash":"550cbd12996854ee"}'
      )
      assert.strictEqual(
        lines[1]?.replace(/,"hash":"[0-9a-f]{16}"\}$/, "}"),
        '{"event":{"position":1,"stream":"Account-é","version":1,"id":"5f0c1d9e-0000-4000-8000-000000000001","type":"Opened",' +
          '"data":{"text":"\u2028 😀 \\\\ \\" \\n"},"metadata":{"correlationId":"c","causationId":"d"},"recordedAt":"2009-03-01T09:00:00.250Z"}}'
      )
      assert.match(lines[4]!, /^\{"end":\{"events":3,"commands":0\},"hash":"[0-9a-f]{16}"\}$/)
    })
  )

  it.effect("reads a file in chunks of any size, as bytes and as text", () =>
    Effect.gen(function* () {
      const text = yield* written()
      const bytes = bytesOf(text)
      for (const size of [1, 2, 3, 7, 64, 1_000_000]) {
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size)
        )
        for (const file of [Stream.fromIterable(chunks), Stream.rechunk(Stream.fromIterable(chunks), 1)]) {
          const read = (yield* decoded(file)).flatMap((entry) => (entry._tag === "Event" ? [entry.event] : []))
          assert.deepStrictEqual(read, events)
        }
        const texts = text.match(new RegExp(`[^]{1,${Math.min(size, 60_000)}}`, "g"))!
        assert.strictEqual((yield* decoded(Stream.fromIterable(texts))).length, 5)
      }
    })
  )

  it.effect("gives the same file each time it runs", () =>
    Effect.gen(function* () {
      const file = LogFile.encode({ log: "old", events: Stream.fromIterable(events) })
      const first = yield* Stream.runCollect(file)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* Stream.runCollect(file), first)
    })
  )

  it.effect("finds each change of one character, and each line that is left out, doubled or moved", () =>
    Effect.gen(function* () {
      const text = yield* written()
      for (let i = 0; i < text.length; i++) {
        const other = text[i] === "a" ? "b" : "a"
        const changed = yield* failure(Stream.make(text.slice(0, i) + other + text.slice(i + 1)))
        assert.instanceOf(changed, InvalidLogFile)
        assert.isAtMost(changed.line, text.slice(0, i + 1).split("\n").length)
        if (i > 0) assert.instanceOf(yield* failure(Stream.make(text.slice(0, i))), InvalidLogFile)
      }
      const lines = text.match(/[^\n]*\n/g)!
      for (let i = 0; i < lines.length; i++) {
        assert.instanceOf(yield* failure(Stream.make(lines.toSpliced(i, 1).join(""))), InvalidLogFile)
        assert.instanceOf(yield* failure(Stream.make(lines.toSpliced(i, 0, lines[i]!).join(""))), InvalidLogFile)
        if (i === 0) continue
        const swapped = lines
          .with(i, lines[i - 1]!)
          .with(i - 1, lines[i]!)
          .join("")
        assert.instanceOf(yield* failure(Stream.make(swapped)), InvalidLogFile)
      }
    })
  )

  it.effect("refuses lines that are linked rightly and say something else", () =>
    Effect.gen(function* () {
      const log = { log: { format: 1, log: "old", writtenAt: "2026-01-31T10:00:00.000Z" } }
      const { metadata } = events[0]!
      const [id, recordedAt] = [events[0]!.id, "2009-03-01T09:00:00.250Z"]
      const one = { position: 1, stream: "Account-7", version: 1, id, type: "Opened", data: null, metadata, recordedAt }
      const used = { id: "c", fingerprint: "f", streams: [], events: [], usedAt: recordedAt }
      const end = (events: number, commands: number) => ({ end: { events, commands } })
      const whole = [log, { event: one }, { command: used }, end(1, 1)]
      assert.strictEqual((yield* decoded(Stream.make(linked(whole)))).length, 4)
      const wrong: ReadonlyArray<readonly [line: number, lines: ReadonlyArray<object>]> = [
        [4, [log, { event: one }, { command: used }, end(2, 1)]],
        [4, [log, { event: one }, { command: used }, end(1, 0)]],
        [1, [{ log: { ...log.log, format: 2 } }]],
        [1, [{ log: { ...log.log, writtenAt: "yesterday" } }]],
        [1, [{ event: one }]],
        [2, [log, log]],
        [2, [log, { something: {} }]],
        [2, [log, { constructor: {} }]],
        [2, [log, { event: one, more: 1 }]],
        [2, [log, {}]],
        [3, [log, { event: one }, { event: one }]],
        [3, [log, { command: used }, { event: one }]],
        [2, [log, { command: { ...used, digest: "d" } }]],
        [2, [log, { command: { ...used, id: undefined } }]],
        [2, [log, { command: { ...used, streams: [{ stream: "a" }] } }]],
        ...[
          { position: 1.5 },
          { version: "1" },
          { id: 7 },
          { data: undefined },
          { metadata: null },
          { metadata: "text" },
          { schemaVersion: 1.5 },
          { recordedAt: "2009-03-01" },
          { recordedAt: "2009-02-31T00:00:00.000Z" },
          { schema_version: 2 }
        ].map((change) => [2, [log, { event: { ...one, ...change } }]] as const)
      ]
      for (const [line, lines] of wrong) {
        const refused = yield* failure(Stream.make(linked(lines)))
        assert.instanceOf(refused, InvalidLogFile)
        assert.strictEqual(refused.line, line, `${refused.message}: ${JSON.stringify(lines.at(-1))}`)
      }
    })
  )

  it.effect("compresses, decompresses, and hands the failure of its source on", () =>
    Effect.gen(function* () {
      const text = yield* written()
      const compressed = yield* Stream.runCollect(LogFile.gzip(Stream.make(text, "", bytesOf("more"))))
      const bytes = yield* Stream.runCollect(LogFile.gunzip(Stream.fromIterable(compressed)))
      const decoder = new TextDecoder()
      assert.strictEqual(bytes.map((chunk) => decoder.decode(chunk, { stream: true })).join(""), `${text}more`)
      const failing = Stream.concat(Stream.make(text), Stream.fail("gone"))
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(LogFile.gzip(failing))), "gone")
      const cut = Stream.concat(Stream.fromIterable(compressed), Stream.fail("gone"))
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(LogFile.gunzip(cut))), "gone")
      // A reader that stops early leaves nothing behind that runs on.
      const endless = Stream.forever(Stream.make(text))
      assert.isAbove((yield* Stream.runCollect(Stream.take(LogFile.gzip(endless), 1))).length, 0)
    })
  )
})
