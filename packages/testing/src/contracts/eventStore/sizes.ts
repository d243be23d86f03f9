import { assert } from "@effect/vitest"
import { Aggregate, Decision, EventStore, Executor } from "@hexfold/core"
import { AppendCheck } from "@hexfold/core/adapter"
import { Effect, Schema, Stream } from "effect"
import { appendOne } from "./appendOne.ts"
import type { Cases } from "../plan.ts"
import { appendTo, event, newStream, open } from "./streams.ts"

const { jsonBytes, maxAppendBytes, maxEventBytes, maxFingerprintBytes } = AppendCheck

const many = <A>(count: number, make: (i: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, i) => make(i))

/** JSON of about 7 MiB whose size is easily taken for another one. */
const kinds: Readonly<Record<string, () => Schema.Json>> = {
  "characters of several bytes": () => "é😀".repeat(1_200_000),
  "characters that are escaped": () => '"\\\n\u0001'.repeat(600_000),
  "names that are escaped": () => Object.fromEntries(many(14_200, (i) => [`${"\u0001".repeat(95)}${i}`, null])),
  "numbers that are written out": () => many(25_490, () => -2.2250738585072014e-308)
}

/** An event of a size in bytes, with a payload of this kind in its data or in its metadata. */
const eventOf = (bytes: number, kind: Schema.Json, place: "data" | "metadata"): EventStore.NewEvent => {
  const make = (pad: string) => {
    const { metadata, ...rest } = event({ pad, ...(place === "data" ? { kind } : {}) })
    return { ...rest, metadata: place === "data" ? metadata : { ...metadata, fields: { kind } } }
  }
  const empty = make("")
  const size = jsonBytes(empty.data) + jsonBytes(empty.metadata as unknown as Schema.Json)
  return make("x".repeat(bytes - size))
}

const Filled = Schema.TaggedStruct("Filled", { pad: Schema.String })

/** Each event of a command is about as large as an event may be. */
const Store = Aggregate.make("Store", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Schema.TaggedStruct("Fill", { times: Schema.Int })],
  events: [Filled],
  errors: [],
  decide: {
    Fill: ({ times }) => Decision.accept(...many(times, () => Filled.make({ pad: "x".repeat(maxEventBytes - 1_000) })))
  },
  evolve: { Filled: (count) => count + 1 }
})

const small: Schema.Json = {
  text: 'é😀"\\\n\u0001'.repeat(100_000),
  numbers: many(2_000, (i) => (i % 2 === 0 ? 1e300 : -2.2250738585072014e-308)),
  texts: many(10_000, () => ""),
  keys: Object.fromEntries(many(10_000, (i) => [`k${i}`, null]))
}

/** Promise 12: an event has a largest size, which is the same on every store, and what is smaller can be read back. */
export const sizes: Cases = {
  "12 an event of the largest size is read back, also as part of a receipt": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const largest = eventOf(maxEventBytes, small, "data")
    const command = { id: `largest ${largest.id}`, fingerprint: "f" }
    yield* appendOne(eventStore, { writes: [{ streamId, events: [largest] }], conditions: [], command })
    const { appended, streams } = yield* eventStore.readStreams([{ streamId }], command)
    const [read] = yield* Stream.runCollect(eventStore.readStream(streamId))
    for (const each of [read!, appended!.events[0]!, streams[0]!.events[0]!]) {
      assert.strictEqual(jsonBytes(each.data), jsonBytes(largest.data))
    }
    assert.strictEqual(streams[0]!.version, 1)
  }),

  "12 an event that is a byte larger than the largest is refused, whatever it consists of": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    for (const make of Object.values(kinds)) {
      const tooLarge = eventOf(maxEventBytes + 1, make(), "data")
      const error = yield* Effect.flip(appendTo(eventStore, streamId, [event({ n: 1 }), tooLarge]))
      assert.strictEqual(error._tag === "EventStoreError" && error.reason._tag, "Rejected")
    }
    const tooLarge = eventOf(maxEventBytes + 1, small, "metadata")
    const error = yield* Effect.flip(appendTo(eventStore, streamId, [tooLarge]))
    assert.strictEqual(error._tag === "EventStoreError" && error.reason._tag, "Rejected")
    assert.strictEqual((yield* eventStore.readStreams([{ streamId }])).streams[0]!.version, 0)
  }),

  "12 a command's fingerprint of the largest size is read back, and a longer one is refused": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    const append = (command: EventStore.CommandKey) =>
      appendOne(eventStore, { writes: [{ streamId, events: [event({ n: 1 })] }], conditions: [], command })
    const id = `fingerprint ${streamId}`
    const tooLong = { id, fingerprint: "é".repeat(maxFingerprintBytes / 2) + "x" }
    const errors = [yield* Effect.flip(append(tooLong)), yield* Effect.flip(eventStore.readStreams([], tooLong))]
    for (const error of errors) {
      assert.strictEqual(error._tag === "EventStoreError" && error.reason._tag, "Rejected")
    }
    assert.strictEqual((yield* eventStore.readStreams([{ streamId }])).streams[0]!.version, 0)
    const longest = { id, fingerprint: "é".repeat(maxFingerprintBytes / 2) }
    const first = yield* append(longest)
    assert.deepStrictEqual(yield* append(longest), { ...first, repeated: true })
    assert.deepStrictEqual((yield* eventStore.readStreams([], longest)).appended?.events, first.events)
    const error = yield* Effect.flip(append({ id, fingerprint: "another" }))
    assert.strictEqual(error._tag, "CommandIdReused")
  }),

  "12 an append whose events are larger together than the largest is refused, and nothing is written": Effect.gen(
    function* () {
      const { eventStore } = yield* open
      const [a, b] = [newStream(), newStream()]
      const large = "x".repeat(maxEventBytes - 1_000)
      const { metadata, ...small } = event({ n: 1 })
      const inMetadata = { ...small, metadata: { ...metadata, fields: { large } } }
      const events = [inMetadata, ...many(maxAppendBytes / maxEventBytes, () => event({ large }))]
      const half = events.length / 2
      const command = { id: `larger ${a}`, fingerprint: "f" }
      const writes = [
        { streamId: a, events: events.slice(0, half) },
        { streamId: b, events: events.slice(half) }
      ]
      const parts = [{ writes: [writes[0]!], command }, { writes: [writes[1]!] }]
      const error = yield* Effect.flip(eventStore.append({ conditions: [], parts }))
      assert.strictEqual(error._tag === "EventStoreError" && error.reason._tag, "Rejected")
      const read = yield* eventStore.readStreams([{ streamId: a }, { streamId: b }], command)
      assert.deepStrictEqual(
        read.streams.map(({ version }) => version),
        [0, 0]
      )
      assert.isUndefined(read.appended)
    }
  ),

  "12 a command whose events are larger together than an append is refused": Effect.gen(function* () {
    const { eventStore } = yield* open
    const id = newStream()
    const stores = Effect.provideService(EventStore.EventStore, eventStore)
    const fill = (times: number) => stores(Executor.execute(Store, id, { _tag: "Fill", times }))
    yield* fill(1)
    const error = yield* Effect.flip(fill(maxAppendBytes / maxEventBytes + 1))
    assert.strictEqual(error._tag === "EventStoreError" && error.reason._tag, "Rejected")
    assert.strictEqual((yield* stores(Executor.load(Store, id))).state, 1)
  })
}
