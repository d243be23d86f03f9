import { assert, it } from "@effect/vitest"
import { type EventStore, type EventStoreError, StreamId } from "@hexfold/core"
import { Effect } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { event } from "../support/events.ts"

const one = StreamId.make("Account", "1")
const other = StreamId.make("Account", "2")
const command = { id: "c", fingerprint: "f" }
const why = "cannot be read: somebody has deleted them"

const write = (streamId: StreamId.StreamId, events: ReadonlyArray<EventStore.NewEvent>): EventStore.Append => ({
  conditions: [],
  parts: [{ writes: [{ streamId, events }] }]
})

/** A store of which events are missing: two streams, of which the first has 40 events. */
const without = (missing: string, data: EventStore.NewEvent["data"] = { n: 1 }) =>
  Effect.gen(function* () {
    const schema = yield* newSchema
    const stores = yield* openStore({ schema })
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
})
