import { assert, it } from "@effect/vitest"
import { type EventStore, EventStoreError, StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { DateTime, Effect, Stream } from "effect"
import { describe } from "vitest"
import { newSchema, openStore } from "../support/database.ts"
import { append, event } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"

const streamOf = (name: string) => StreamId.make("Account", name)

/** The call of a process of revision 1: it appends an event to each of these streams. */
const formerCall = (schema: string, names: ReadonlyArray<string>): string => {
  const each = (text: string) => names.map(() => text).join(", ")
  const places = names.map((_, i) => i + 1).join(", ")
  return `select o_positions, o_bases, o_recorded_at from ${schema}.append(
    array[${names.map((name) => `'${streamOf(name)}'`).join(", ")}], null, array[${each("-1")}], array[${each("1")}],
    array[${each("0")}], array[${places}], array[${each("1")}], array[${each("gen_random_uuid()")}],
    array[${each("'Happened'")}], array[${each(`'{"n":1}'::jsonb`)}], array[${each("'{}'::jsonb")}],
    '{}', '{}', '{}', false, '{}', '{}')`
}

const timesOf = (store: EventStore.EventStore["Service"], name: string) =>
  Effect.map(Stream.runCollect(store.readStream(streamOf(name))), (log) =>
    log.map(({ recordedAt }) => DateTime.formatIso(recordedAt))
  )

const opened = Effect.gen(function* () {
  const schema = yield* newSchema
  return { schema, ...(yield* openStore({ schema })) }
})

const future = "2999-01-01T00:00:00.000Z"

describe("times, where the clock was ahead before", () => {
  it.live("an event is not before the one before in its stream, which has the time of a clock that was set back", () =>
    Effect.gen(function* () {
      const { schema, sql, store } = yield* opened
      yield* append(store, streamOf("a"), 1)
      yield* sql.unsafe(`update ${schema}.streams set recorded_at = '${future}'`)
      const both = yield* appendOne(store, {
        writes: ["a", "b"].map((name) => ({ streamId: streamOf(name), events: [event()] })),
        conditions: [{ _tag: "Stream", streamId: streamOf("c"), expected: { _tag: "NoStream" } }]
      })
      assert.deepStrictEqual(
        both.events.map(({ recordedAt }) => DateTime.formatIso(recordedAt)),
        [future, future]
      )
      const past = [{ ...event(), recordedAt: DateTime.makeUnsafe("2020-01-01T00:00:00Z") }]
      const error = yield* Effect.flip(
        appendOne(store, { writes: [{ streamId: streamOf("b"), events: past }], conditions: [] })
      )
      assert.instanceOf(error, EventStoreError)
      assert.include(error.message, future)
      yield* append(store, streamOf("b"), 2)
      assert.deepStrictEqual(yield* timesOf(store, "b"), [future, future, future])
    })
  )

  it.live("an event is not before the last one of the log", () =>
    Effect.gen(function* () {
      const { schema, sql, store } = yield* opened
      for (const name of ["c", "d", "e"]) yield* append(store, streamOf(name), 1)
      yield* sql.unsafe(
        `insert into ${schema}.events (stream, stream_id, version, event_id, type, data, metadata, recorded_at)
         values (0, 'Account-x', 1, gen_random_uuid(), 'Happened', '{}', '{}', '${future}')`
      )
      yield* append(store, streamOf("a"), 1)
      yield* append(store, streamOf("a"), 1)
      yield* sql.unsafe(formerCall(schema, ["a", "b"]))
      assert.deepStrictEqual(yield* timesOf(store, "a"), [future, future, future])
      assert.deepStrictEqual(yield* timesOf(store, "b"), [future])
      // Streams that were there before, with and without another that is only checked.
      yield* append(store, streamOf("c"), 1)
      yield* appendOne(store, {
        writes: [{ streamId: streamOf("d"), events: [event()] }],
        conditions: [{ _tag: "Stream", streamId: streamOf("e"), expected: { _tag: "Exactly", version: 1 } }]
      })
      for (const name of ["c", "d"]) assert.strictEqual((yield* timesOf(store, name))[1], future)
    })
  )

  it.live("a single event is not before the last one of a stream whose head has no time yet", () =>
    Effect.gen(function* () {
      const { schema, sql, store } = yield* opened
      for (const name of ["a", "b", "c"]) yield* append(store, streamOf(name), 1)
      yield* sql.unsafe(`alter table ${schema}.events disable trigger all`)
      yield* sql.unsafe(`update ${schema}.events set recorded_at = '2999-01-01T00:00:00Z' where stream_id <> $1`, [
        streamOf("c")
      ])
      yield* sql.unsafe(`update ${schema}.streams set recorded_at = null`)
      const expected = { _tag: "Stream" as const, streamId: streamOf("b"), expected: Expectation.exactly(1) }
      yield* appendOne(store, { writes: [{ streamId: streamOf("b"), events: [event()] }], conditions: [expected] })
      assert.deepStrictEqual(yield* timesOf(store, "b"), [future, future])
      // The last event of the log has an earlier time than that of the stream.
      yield* sql.unsafe(`update ${schema}.events set recorded_at = now() where version = 2`)
      yield* append(store, streamOf("a"), 1)
      assert.deepStrictEqual(yield* timesOf(store, "a"), [future, future])
    })
  )

  it.live("a head of an older schema takes the time from its last event, whose microseconds count", () =>
    Effect.gen(function* () {
      const { schema, sql, store } = yield* opened
      yield* append(store, streamOf("a"), 1)
      yield* append(store, streamOf("b"), 1)
      yield* sql.unsafe(`alter table ${schema}.events disable trigger all`)
      yield* sql.unsafe(
        `update ${schema}.events set recorded_at = '2999-01-01 00:00:00.000456+00' where stream_id = $1`,
        [streamOf("a")]
      )
      yield* sql.unsafe(`update ${schema}.streams set recorded_at = null`)
      // What is read is imported again with the milliseconds that were read.
      const imported = [{ ...event(), recordedAt: DateTime.makeUnsafe(future) }]
      yield* appendOne(store, { writes: [{ streamId: streamOf("a"), events: imported }], conditions: [] })
      yield* append(store, streamOf("a"), 1)
      assert.deepStrictEqual(yield* timesOf(store, "a"), [future, future, future])
      const [row] = yield* sql.unsafe<{ readonly falls: boolean }>(
        `select bool_or(time < before) as falls from (
           select coalesce(original_time, recorded_at) as time,
             lag(coalesce(original_time, recorded_at)) over (partition by stream order by version) as before
           from ${schema}.events) as each`
      )
      assert.isFalse(row?.falls)
    })
  )

  it.live(
    "a process of the revision before keeps the times of the streams, and knows the time of what it appends",
    () =>
      Effect.gen(function* () {
        const { schema, sql, store } = yield* opened
        const [first] = yield* sql.unsafe<{ readonly o_recorded_at: Date }>(formerCall(schema, ["a", "b"]))
        const time = first!.o_recorded_at.toISOString()
        assert.deepStrictEqual([yield* timesOf(store, "a"), yield* timesOf(store, "b")], [[time], [time]])
        const old = [{ ...event(), recordedAt: DateTime.makeUnsafe("2020-01-01T00:00:00Z") }]
        const error = yield* Effect.flip(
          appendOne(store, { writes: [{ streamId: streamOf("b"), events: old }], conditions: [] })
        )
        assert.include(error.message, time)
        yield* appendOne(store, { writes: [{ streamId: streamOf("c"), events: old }], conditions: [] })
        yield* sql.unsafe(formerCall(schema, ["c"]))
        yield* append(store, streamOf("c"), 1)
        const [imported, ...others] = yield* timesOf(store, "c")
        assert.strictEqual(imported, "2020-01-01T00:00:00.000Z")
        assert.isTrue(others[0]! >= time && others[1]! >= others[0]!)
      })
  )
})
