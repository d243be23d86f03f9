import { assert } from "@effect/vitest"
import { StreamId, type StreamDirectory } from "@hexfold/core"
import { DirectoryCheck, Expectation, QueryEvaluation } from "@hexfold/core/adapter"
import { Effect, Fiber } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import { appendTo, condition, events, open } from "../eventStore/streams.ts"
import { type Cases, needs } from "../plan.ts"

type Directory = StreamDirectory.StreamDirectory["Service"]

let made = 0

// A name that no other case uses. One of them is the beginning of another.
const newAggregate = (): string => `Listed_${prefix}_${++made}`

const prefix = crypto.randomUUID().replaceAll("-", "")

const ids = (listed: ReadonlyArray<{ readonly streamId: StreamId.StreamId }>) => listed.map(({ streamId }) => streamId)

/** All streams of an aggregate, in pages of some size. */
const pages = (directory: Directory, aggregate: string, limit: number) =>
  Effect.gen(function* () {
    const found: Array<StreamId.StreamId> = []
    for (;;) {
      const after = found.at(-1)
      const page = yield* directory.list({ aggregate, limit, ...(after === undefined ? {} : { after }) })
      found.push(...ids(page))
      if (page.length < limit) return found
    }
  })

// Ids of all kinds: with the signs that separate and that end, of characters of two units, and longer than an index takes.
const allKinds = [
  "",
  "-",
  "a",
  "a-b",
  "a.b",
  "A",
  "ä",
  "%",
  "_",
  "\uffff",
  "😀",
  "sha256:1",
  "x".repeat(1_000),
  `${"x".repeat(999)}y`,
  "😀".repeat(900),
  "é".repeat(1_000)
]

/** The promises of `StreamDirectory`. */
export const listing: Cases = {
  "the list has each stream with its version, in the order of the ids, whatever they are made of": Effect.gen(
    function* () {
      const { eventStore, streamDirectory } = yield* open
      const aggregate = newAggregate()
      const expected = allKinds.map((id, i) => ({ streamId: StreamId.make(aggregate, id), version: (i % 3) + 1 }))
      for (const { streamId, version } of expected.toReversed()) yield* appendTo(eventStore, streamId, events(version))
      expected.sort((a, b) => QueryEvaluation.compareTexts(a.streamId, b.streamId))
      assert.deepStrictEqual(yield* streamDirectory.list({ aggregate }), expected)
      for (const limit of [1, 3, expected.length]) {
        assert.deepStrictEqual(yield* pages(streamDirectory, aggregate, limit), ids(expected))
      }
    }
  ),

  "the list has no stream of an aggregate whose name begins alike, or differs in case": Effect.gen(function* () {
    const { eventStore, streamDirectory } = yield* open
    const aggregate = newAggregate()
    const own = StreamId.make(aggregate, "b")
    const long = StreamId.make(aggregate, "y".repeat(1_000))
    const others = [`${aggregate}s`, `${aggregate}_`, aggregate.slice(0, -1), aggregate.toUpperCase()]
    for (const other of others) {
      yield* appendTo(eventStore, StreamId.make(other, "a"), events(1))
      yield* appendTo(eventStore, StreamId.make(other, "y".repeat(1_000)), events(1))
    }
    assert.deepStrictEqual(yield* streamDirectory.list({ aggregate }), [])
    yield* appendTo(eventStore, own, events(1))
    yield* appendTo(eventStore, long, events(1))
    assert.deepStrictEqual(ids(yield* streamDirectory.list({ aggregate })), [own, long])
    assert.deepStrictEqual(yield* streamDirectory.list({ aggregate: newAggregate() }), [])
  }),

  "the list has no stream that was only checked, or got no event": Effect.gen(function* () {
    const { eventStore, streamDirectory } = yield* open
    const aggregate = newAggregate()
    const [written, checked, empty] = ["w", "c", "e"].map((id) => StreamId.make(aggregate, id)) as [
      StreamId.StreamId,
      StreamId.StreamId,
      StreamId.StreamId
    ]
    yield* appendOne(eventStore, {
      writes: [
        { streamId: written, events: events(2) },
        { streamId: empty, events: [] }
      ],
      conditions: [written, checked, empty].map((streamId) => condition(streamId, Expectation.noStream))
    })
    assert.deepStrictEqual(yield* streamDirectory.list({ aggregate }), [{ streamId: written, version: 2 }])
  }),

  "a page begins after any stream of the aggregate, and need not find it": Effect.gen(function* () {
    const { eventStore, streamDirectory } = yield* open
    const aggregate = newAggregate()
    const [a, c, e] = ["a", "c", "e"].map((id) => StreamId.make(aggregate, id))
    for (const streamId of [a!, c!, e!]) yield* appendTo(eventStore, streamId, events(1))
    const after = (id: string) => streamDirectory.list({ aggregate, after: StreamId.make(aggregate, id) })
    assert.deepStrictEqual(ids(yield* after("")), [a, c, e])
    assert.deepStrictEqual(ids(yield* after("a")), [c, e])
    assert.deepStrictEqual(ids(yield* after("b")), [c, e])
    assert.deepStrictEqual(ids(yield* after("e")), [])
    assert.deepStrictEqual(ids(yield* after("😀".repeat(900))), [])
  }),

  "an append that has returned is in the list of every node": needs("otherProcesses")(function* () {
    const [one, other] = [yield* open, yield* open]
    const aggregate = newAggregate()
    for (let i = 0; i < 20; i++) {
      const streamId = StreamId.make(aggregate, String(i % 10))
      yield* appendTo(one.eventStore, streamId, events(1))
      const listed = yield* other.streamDirectory.list({ aggregate })
      assert.deepInclude(listed, { streamId, version: Math.floor(i / 10) + 1 })
    }
  }),

  "a listing in pages misses no stream that was there before, while others come": needs("otherProcesses")(function* () {
    const [one, other] = [yield* open, yield* open]
    const aggregate = newAggregate()
    const append = (id: string) => appendTo(one.eventStore, StreamId.make(aggregate, id), events(1))
    const before = Array.from({ length: 30 }, (_, i) => String(i))
    yield* Effect.forEach(before, append, { concurrency: 10 })
    const coming = Array.from({ length: 60 }, (_, i) => `${i % 40}-${i}`)
    const adding = yield* Effect.forkChild(Effect.forEach(coming, append))
    const found = yield* pages(other.streamDirectory, aggregate, 7)
    yield* Fiber.join(adding)
    assert.strictEqual(new Set(found).size, found.length)
    assert.includeMembers(
      found,
      before.map((id) => StreamId.make(aggregate, id))
    )
  }),

  "a list of other things than streams of one aggregate is refused": Effect.gen(function* () {
    const { streamDirectory } = yield* open
    const aggregate = newAggregate()
    const stream = StreamId.make(aggregate, "a")
    for (const wrong of [
      { aggregate: "" },
      { aggregate: "Account-1" },
      { aggregate: "%" },
      { aggregate, after: StreamId.make(`${aggregate}s`, "a") },
      { aggregate, after: "nothing" as StreamId.StreamId },
      { aggregate, after: `${stream}\0` as StreamId.StreamId },
      { aggregate, limit: 0 },
      { aggregate, limit: -1 },
      { aggregate, limit: 1.5 },
      { aggregate, limit: Number.NaN },
      { aggregate, limit: DirectoryCheck.maxLimit + 1 }
    ]) {
      const { operation, reason } = yield* Effect.flip(streamDirectory.list(wrong))
      assert.deepStrictEqual([operation, reason._tag], ["list", "Rejected"])
    }
    assert.deepStrictEqual(
      yield* streamDirectory.list({ aggregate, after: stream, limit: DirectoryCheck.maxLimit }),
      []
    )
  })
}
