import { assert } from "@effect/vitest"
import { type ConcurrencyConflict } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect, Exit } from "effect"
import { type Cases, needs } from "../plan.ts"
import { appendTo, condition, events, foldable, horizonOf, newStream, open, readAfter, versionOf } from "./streams.ts"
import { appendOne } from "./appendOne.ts"

const both = { concurrency: "unbounded" } as const

const isConflict = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.every(
    (reason) => reason._tag === "Fail" && (reason.error as { _tag?: string })._tag === "ConcurrencyConflict"
  )

/** Promises 1 to 3: atomic appends, checks of every stream, expectations. */
export const appending: Cases = {
  "1 an append over many streams happens whole": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streams = Array.from({ length: 20 }, () => newStream())
    const appended = yield* appendOne(eventStore, {
      writes: streams.map((streamId, i) => ({ streamId, events: events(i + 1) })),
      conditions: streams.map((streamId) => condition(streamId, Expectation.noStream))
    })
    assert.strictEqual(appended.events.length, 210)
    assert.isFalse(appended.repeated)
    assert.deepStrictEqual(
      new Map(appended.streams.map(({ streamId, version }) => [streamId, version])),
      new Map(streams.map((streamId, i) => [streamId, i + 1]))
    )
    const read = yield* eventStore.readStreams(streams.map((streamId) => ({ streamId })))
    assert.deepStrictEqual(foldable(read.streams.flatMap(({ events }) => events)), foldable(appended.events))
  }),

  "1 an append over many streams whose last check fails leaves nothing behind": Effect.gen(function* () {
    const { eventStore } = yield* open
    const start = yield* horizonOf(eventStore)
    const streams = Array.from({ length: 20 }, () => newStream())
    const conflict = yield* Effect.flip(
      appendOne(eventStore, {
        writes: streams.map((streamId) => ({ streamId, events: events(3) })),
        conditions: streams.map((streamId, i) =>
          condition(streamId, i === 19 ? Expectation.streamExists : Expectation.any)
        )
      })
    )
    assert.strictEqual(conflict._tag, "ConcurrencyConflict")
    const read = yield* eventStore.readStreams(streams.map((streamId) => ({ streamId })))
    assert.isTrue(read.streams.every(({ events, version }) => version === 0 && events.length === 0))
    assert.deepStrictEqual(yield* readAfter(eventStore, start), [])
    // The append that failed has left the streams new.
    yield* Effect.forEach(streams, (streamId) => appendTo(eventStore, streamId, events(1), Expectation.noStream))
  }),

  "1 of many appends at once, those that fail do not make others fail": Effect.gen(function* () {
    const { eventStore } = yield* open
    const taken = newStream()
    yield* appendTo(eventStore, taken, events(1))
    const fresh = Array.from({ length: 200 }, () => newStream())
    const exits = yield* Effect.forEach(
      fresh,
      (streamId, i) =>
        Effect.exit(
          i % 3 === 0
            ? appendOne(eventStore, {
                writes: [{ streamId, events: events(2) }],
                conditions: [condition(taken, Expectation.noStream)]
              })
            : appendTo(eventStore, streamId, events(2), Expectation.noStream)
        ),
      both
    )
    const read = yield* eventStore.readStreams(fresh.map((streamId) => ({ streamId })))
    exits.forEach((exit, i) => {
      assert.strictEqual(isConflict(exit), i % 3 === 0)
      assert.strictEqual(read.streams[i]!.version, i % 3 === 0 ? 0 : 2)
      assert.strictEqual(read.streams[i]!.events.length, i % 3 === 0 ? 0 : 2)
    })
  }),

  "2 what each expectation means, and that a conflict has the stream, the expected and the actual version": Effect.gen(
    function* () {
      const { eventStore } = yield* open
      const present = newStream()
      const absent = newStream()
      yield* appendTo(eventStore, present, events(3))
      const expectations: ReadonlyArray<readonly [Expectation.Expectation, present: boolean, absent: boolean]> = [
        [Expectation.any, true, true],
        [Expectation.noStream, false, true],
        [Expectation.streamExists, true, false],
        [Expectation.exactly(0), false, true],
        [Expectation.exactly(2), false, false],
        [Expectation.exactly(3), true, false],
        [Expectation.exactly(4), false, false]
      ]
      const check = (
        streamId: typeof present,
        expected: Expectation.Expectation,
        holds: boolean,
        actual: number,
        writes: boolean
      ) =>
        Effect.gen(function* () {
          const other = newStream()
          const exit = yield* Effect.result(
            appendOne(eventStore, {
              writes: [{ streamId: writes ? streamId : other, events: holds && writes ? [] : events(1) }],
              conditions: [condition(streamId, expected)]
            })
          )
          assert.strictEqual(exit._tag, holds ? "Success" : "Failure", `${expected._tag} at ${actual}`)
          if (exit._tag === "Failure") {
            const { actual: found, attempts, expected: wanted, stream } = exit.failure as ConcurrencyConflict
            assert.deepStrictEqual(
              { stream, wanted, found, attempts },
              { stream: streamId, wanted: expected, found: actual, attempts: 1 }
            )
          }
          assert.strictEqual(yield* versionOf(eventStore, streamId), actual)
        })
      for (const [expected, holdsPresent, holdsAbsent] of expectations) {
        for (const writes of [true, false]) {
          yield* check(present, expected, holdsPresent, 3, writes)
          yield* check(absent, expected, holdsAbsent, 0, writes)
        }
      }
    }
  ),

  "2 an append without events is checked too": Effect.gen(function* () {
    const { eventStore } = yield* open
    const streamId = newStream()
    yield* appendTo(eventStore, streamId, events(2))
    const good = yield* appendOne(eventStore, { writes: [], conditions: [condition(streamId, Expectation.exactly(2))] })
    assert.deepStrictEqual(good, { events: [], streams: [{ streamId, version: 2 }], repeated: false })
    const bad = yield* Effect.flip(
      appendOne(eventStore, { writes: [], conditions: [condition(streamId, Expectation.exactly(1))] })
    )
    assert.strictEqual(bad._tag, "ConcurrencyConflict")
  }),

  "2 no write skew: of two appends that each read what the other writes, one fails": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open] as const
      for (let round = 0; round < 40; round++) {
        const [x, y] = [newStream(), newStream()]
        const before = round % 4 < 2 ? 0 : 1
        for (const streamId of [x, y]) yield* appendTo(nodes[0].eventStore, streamId, events(before))
        const oneSide = (node: number, writes: typeof x, reads: typeof x) =>
          Effect.exit(
            appendOne(nodes[node]!.eventStore, {
              writes: [{ streamId: writes, events: events(1) }],
              conditions: [condition(reads, Expectation.exactly(before))]
            })
          )
        const exits = yield* Effect.all([oneSide(0, x, y), oneSide(round % 2, y, x)], both)
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        assert.strictEqual(exits.filter(isConflict).length, 1)
      }
    }
  ),

  "2 appends that name many streams in opposite orders do not block each other for ever": needs("otherProcesses")(
    function* () {
      const nodes = [yield* open, yield* open] as const
      const streams = Array.from({ length: 10 }, () => newStream())
      const appended = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, i) => i),
        (i) => {
          const order = i % 2 === 0 ? streams : streams.toReversed()
          return appendOne(nodes[i % 2]!.eventStore, {
            writes: order.slice(0, 6).map((streamId) => ({ streamId, events: events(1) })),
            conditions: order
              .slice(4)
              .map((streamId) => condition(streamId, i % 3 === 0 ? Expectation.any : Expectation.exactly(0)))
          }).pipe(Effect.exit)
        },
        both
      )
      const done = appended.filter(Exit.isSuccess).length
      assert.isTrue(appended.every((exit) => Exit.isSuccess(exit) || isConflict(exit)))
      const { streams: slices } = yield* nodes[0].eventStore.readStreams(streams.map((streamId) => ({ streamId })))
      assert.strictEqual(
        slices.reduce((sum, { version }) => sum + version, 0),
        6 * done
      )
    }
  ),

  "3 Any never conflicts, and no event is lost or doubled": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open, yield* open]
    const streamId = newStream()
    yield* Effect.forEach(
      Array.from({ length: 150 }, (_, i) => i),
      (i) => appendTo(nodes[i % 3]!.eventStore, streamId, events(2, "Happened", 2 * i)),
      both
    )
    const { streams } = yield* nodes[0]!.eventStore.readStreams([{ streamId }])
    assert.strictEqual(streams[0]!.version, 300)
    assert.deepStrictEqual(
      streams[0]!.events.map(({ version }) => version),
      Array.from({ length: 300 }, (_, i) => i + 1)
    )
    const numbers = streams[0]!.events.map(({ data }) => (data as { n: number }).n)
    assert.deepStrictEqual(
      [...numbers].sort((a, b) => a - b),
      Array.from({ length: 300 }, (_, i) => i)
    )
    for (let i = 0; i < 300; i += 2) assert.strictEqual(numbers[i]! + 1, numbers[i + 1]!)
  }),

  "3 NoStream on 200 new streams by 4 racers gives exactly one winner for each": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open, yield* open, yield* open]
    const streams = Array.from({ length: 200 }, () => newStream())
    const wins = yield* Effect.forEach(
      streams.flatMap((streamId) => nodes.map(({ eventStore }) => ({ eventStore, streamId }))),
      ({ eventStore, streamId }) =>
        Effect.map(Effect.exit(appendTo(eventStore, streamId, events(1), Expectation.noStream)), (exit) => {
          assert.isTrue(Exit.isSuccess(exit) || isConflict(exit))
          return Exit.isSuccess(exit) ? [streamId] : []
        }),
      // The racers of 20 streams at a time. A store that makes one call at a time answers all of them within its limit, also on a slow machine.
      { concurrency: 80 }
    )
    assert.deepStrictEqual(wins.flat().sort(), [...streams].sort())
  }),

  "3 Exactly lets one of many racers in at each version": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open]
    const streamId = newStream()
    for (let version = 0; version < 10; version++) {
      const exits = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => i),
        (i) => Effect.exit(appendTo(nodes[i % 2]!.eventStore, streamId, events(1), Expectation.exactly(version))),
        both
      )
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      for (const exit of exits) {
        if (Exit.isSuccess(exit)) continue
        const [reason] = exit.cause.reasons
        assert.strictEqual(
          reason?._tag === "Fail" && reason.error._tag === "ConcurrencyConflict" && reason.error.actual,
          version + 1
        )
      }
    }
  })
}
