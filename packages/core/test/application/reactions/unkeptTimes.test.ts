import { assert, describe, it } from "@effect/vitest"
import { Aggregate, Deadline, Decision, EventStore, Executor, Process, Reactor } from "@hexfold/core"
import { DateTime, Duration, Effect, Schedule, Schema, Stream } from "effect"
import { stores } from "../../support/projected.ts"

const Ring = Schema.TaggedStruct("Ring", {})
const Rang = Schema.TaggedStruct("Rang", {})
const Clock = Aggregate.make("Clock", {
  id: Schema.String,
  state: Schema.Null,
  initial: null,
  commands: [Ring],
  events: [Rang],
  decide: { Ring: () => Decision.accept(Rang.make({})) },
  evolve: { Rang: () => null }
})

const streams = Effect.gen(function* () {
  const { readAll } = yield* EventStore.EventStore
  return (yield* Stream.runCollect(readAll())).map(({ streamId, type }) => `${streamId} ${type}`)
})

const last = 8.64e15
const unkept: Readonly<Record<string, Duration.Input>> = {
  "for ever": Duration.infinity,
  "for ever before": Duration.negativeInfinity,
  "beyond the last date": Duration.millis(last)
}

describe("a time that no calendar has", () => {
  for (const [what, after] of Object.entries(unkept)) {
    it.live(`is refused by Deadline.schedule, and nothing is written: ${what}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Deadline.schedule(Clock, "a", Ring.make({}), { after }))
        assert.include(error, { _tag: "InvalidCommand", target: "Clock", part: "time" })
        assert.include(error.message, "no calendar has the time")
        assert.deepStrictEqual(yield* streams, [])
      }).pipe(Effect.provide(stores))
    )
  }

  it.live("is refused by Deadline.schedule when it is an invalid date", () =>
    Effect.gen(function* () {
      const at = DateTime.add(DateTime.makeUnsafe(last), { days: 1 })
      const error = yield* Effect.flip(Deadline.schedule(Clock, "a", Ring.make({}), { at }))
      assert.include(error, { _tag: "InvalidCommand", part: "time" })
      assert.deepStrictEqual(yield* streams, [])
    }).pipe(Effect.provide(stores))
  )

  it.live("parks the key of a process with a clear error, and no step is written", () =>
    Effect.gen(function* () {
      const Waking = Process.make("Waking", {
        from: [Clock],
        to: [],
        timeouts: ["late"],
        start: "beginning",
        state: Schema.Null,
        initial: null,
        on: {
          Rang: {
            key: (_, { id }) => id,
            react: () => Process.next(null, Process.timeout("late", { after: Duration.infinity }))
          }
        },
        onTimeout: { late: () => Process.end(null) }
      })
      yield* Executor.execute(Clock, "a", Ring.make({}))
      yield* Reactor.catchUp(Waking, { retry: Schedule.recurs(0) })
      const letters = yield* Stream.runCollect(Reactor.deadLetters(Waking))
      assert.include(
        JSON.stringify(letters[0]?.error),
        "process/Waking: the timeout late: no calendar has the time Infinity ms after"
      )
      assert.deepStrictEqual(yield* streams, ["Clock-a Rang"])
    }).pipe(Effect.provide(stores))
  )

  it.live("a part of a millisecond is a whole one", () =>
    Effect.gen(function* () {
      yield* Deadline.schedule(Clock, "a", Ring.make({}), { after: Duration.micros(1_500n) })
      assert.lengthOf(yield* streams, 1)
    }).pipe(Effect.provide(stores))
  )
})
