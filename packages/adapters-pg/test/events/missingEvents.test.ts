import { assert, it } from "@effect/vitest"
import { type EventStore, type EventStoreError, StreamId } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { event } from "../support/events.ts"

const one = StreamId.make("Account", "1")
const other = StreamId.make("Account", "2")
const command = { id: "c", fingerprint: "f" }
const why = "cannot be read: they were deleted, or the log has lost them"

const write = (streamId: StreamId.StreamId, events: ReadonlyArray<EventStore.NewEvent>): EventStore.Append => ({
  conditions: [],
  parts: [{ writes: [{ streamId, events }] }]
})

/** A store of which events are missing: two streams, of which the first has 40 events. */
const without = (missing: string, data: EventStore.NewEvent["data"] = { n: 1 }, pageSize = 500) =>
  Effect.gen(function* () {
    const schema = yield* newSchema
    const stores = yield* openStore({ schema, pageSize })
    const events = Array.from({ length: 40 }, (_, i) => ({ ...event(i === 33 ? "Rare" : "Happened"), data }))
    yield* stores.store.append({ conditions: [], parts: [{ writes: [{ streamId: one, events }], command }] })
    yield* stores.store.append(write(other, [event(), event()]))
    yield* stores.sql.unsafe(`alter table ${schema}.events disable trigger user`)
    yield* stores.sql.unsafe(`delete from ${schema}.events where stream_id = 'Account-1' and ${missing}`)
    return stores
  })

const read = ({ store }: { readonly store: EventStore.EventStore["Service"] }, after = 0) =>
  store.readStreams([{ streamId: one, after }])

/** The detail of an effect's failure, which must be `Corrupt`. */
const corruption = <A, E extends EventStoreError | { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) =>
    "reason" in error && error.reason._tag === "Corrupt" ? error.reason.detail : error
  )

describe("events that are missing", () => {
  for (const [what, where, missing] of [
    ["all events of a stream", "true", 40],
    ["one event among others", "type = 'Rare'", 1],
    ["the last events", "version >= 39", 2]
  ] as const) {
    it.live(`are Corrupt, with the stream and how many are missing: ${what}`, () =>
      Effect.gen(function* () {
        const stores = yield* without(where)
        const detail = `${missing} of the events of Account-1 up to version 40 ${why}`
        for (const reading of [read(stores), stores.transaction(read(stores))]) {
          assert.strictEqual(yield* corruption(reading), detail)
        }
        // A read that shares the call is not concerned.
        const [failed, well] = yield* Effect.all(
          [Effect.exit(read(stores)), stores.store.readStreams([{ streamId: other }])],
          { concurrency: "unbounded" }
        )
        assert.strictEqual(failed._tag, "Failure")
        assert.strictEqual(well.streams[0]!.events.length, 2)
      })
    )
  }

  it.live("are Corrupt also where payloads are read one by one", () =>
    Effect.gen(function* () {
      const stores = yield* without("version = 2", { text: "x".repeat(200_000) })
      const detail = yield* corruption(read(stores))
      assert.strictEqual(detail, `1 of the events of Account-1 up to version 40 ${why}`)
      // What comes after the missing event is there.
      const { streams } = yield* read(stores, 2)
      assert.strictEqual(streams[0]!.events.length, 38)
    })
  )

  it.live("make the receipt of a repeated command Corrupt", () =>
    Effect.gen(function* () {
      const stores = yield* without("type = 'Rare'")
      const detail = `1 of the 40 events of a command that was executed before ${why}`
      const append: EventStore.Append = { conditions: [], parts: [{ writes: [], command }] }
      assert.strictEqual(yield* corruption(stores.store.append(append)), detail)
      assert.strictEqual(yield* corruption(stores.store.readStreams([], command)), detail)
    })
  )

  // Pages of 10 events: the missing events are within a page, around the edge of two, a whole page, or at an end.
  for (const [where, forwards, backwards] of [
    ["version = 5", [1, 5], [1, 5]],
    ["version in (5, 6)", [2, 5], [2, 5]],
    ["version = 10", [1, 10], [1, 10]],
    ["version = 11", [1, 11], [1, 11]],
    ["version between 11 and 20", [10, 11], [10, 11]],
    ["version between 21 and 30", [10, 21], [10, 21]],
    ["version between 8 and 33", [26, 8], [26, 8]],
    ["version = 1", [1, 1], [1, 1]],
    ["version <= 12", [12, 1], [12, 1]],
    ["version = 40", [1, 40], [1, 40]],
    ["version > 30", [10, 31], [10, 31]],
    ["true", [40, 1], [40, 1]]
  ] as const) {
    it.live(`end the read of a stream in pages with Corrupt: ${where}`, () =>
      Effect.gen(function* () {
        const { store, transaction } = yield* without(where, { n: 1 }, 10)
        for (const [direction, [count, from]] of [
          ["forwards", forwards],
          ["backwards", backwards]
        ] as const) {
          const detail = `${count} of the events of Account-1, from version ${from} on, ${why}`
          const reading = Stream.runCollect(store.readStream(one, { direction }))
          for (const read of [reading, transaction(reading)]) assert.strictEqual(yield* corruption(read), detail)
        }
        // A read by types cannot tell what is missing from what has another type.
        yield* Stream.runCollect(store.readStream(one, { types: ["Happened"] }))
        assert.strictEqual((yield* Stream.runCollect(store.readStream(other))).length, 2)
      })
    )
  }

  it.live("do not concern a read of a part of the stream that has its events", () =>
    Effect.gen(function* () {
      const { store } = yield* without("version in (20, 40)", { n: 1 }, 5)
      const versions = (options: EventStore.StreamReadOptions) =>
        Effect.map(Stream.runCollect(store.readStream(one, options)), (read) => read.map(({ version }) => version))
      const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)
      assert.deepStrictEqual(yield* versions({ limit: 19 }), from(1, 19))
      assert.deepStrictEqual(yield* versions({ after: 20, limit: 19 }), from(21, 39))
      assert.deepStrictEqual(yield* versions({ after: 40 }), [])
      assert.deepStrictEqual(yield* versions({ after: 41 }), [])
      assert.deepStrictEqual(yield* versions({ direction: "backwards", after: 20 }), from(1, 19).toReversed())
      assert.deepStrictEqual(
        yield* versions({ direction: "backwards", after: 40, limit: 19 }),
        from(21, 39).toReversed()
      )
      assert.deepStrictEqual(yield* versions({ direction: "backwards", after: 1 }), [])
      const { events } = (yield* store.readStreams([{ streamId: other }])).streams[0]!
      assert.strictEqual(events.length, 2)
    })
  )

  it.live("end a read of large payloads, whose pages end by their size", () =>
    Effect.gen(function* () {
      const { store } = yield* without("version in (7, 8)", { text: "x".repeat(500_000) })
      for (const direction of ["forwards", "backwards"] as const) {
        const detail = yield* corruption(Stream.runDrain(store.readStream(one, { direction })))
        assert.strictEqual(detail, `2 of the events of Account-1, from version 7 on, ${why}`)
      }
    })
  )
})
