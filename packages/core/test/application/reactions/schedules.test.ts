import { assert, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Decision, Executor, Process, Query, Records, Schedules } from "@hexfold/core"
import { DateTime, type Duration, Effect, Exit, Layer, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { describe } from "vitest"

const Close = Schema.TaggedStruct("Close", { at: Schema.String })
const Closed = Schema.TaggedStruct("Closed", { at: Schema.String })
const Refused = Schema.TaggedStruct("Refused", {})

const Day = Aggregate.make("Day", {
  id: Schema.String,
  state: Schema.Array(Schema.String),
  initial: [],
  commands: [Close],
  events: [Closed],
  errors: [Refused],
  decide: {
    Close: ({ at }) =>
      at.includes("T02:") ? Decision.reject({ _tag: "Refused" }) : Decision.accept({ _tag: "Closed", at })
  },
  evolve: { Closed: (all, { at }) => [...all, at] }
})

const hourly = (options: Schedules.Options = {}) =>
  Schedules.cron("hourly", "0 * * * *", options, ({ at }) =>
    Process.send(Day, "d", { _tag: "Close", at: DateTime.formatIso(at) })
  )

const hours = Effect.map(Executor.load(Day, "d"), ({ state }) => state.map((at) => Number(at.slice(11, 13))))

// What is due runs at the present time of the test clock.
const settled = Effect.repeat(TestClock.adjust(1), { times: 50 })

const pass = (time: Duration.Input) => Effect.andThen(TestClock.adjust(time), settled)

/** Lets a process run until its scope is closed. */
const running = (schedule: Schedules.Scheduled) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Layer.buildWithScope(Schedules.layer([schedule]), scope)
    yield* settled
    return Scope.close(scope, Exit.void)
  })

const begin = TestClock.setTime(Date.parse("2026-03-01T02:30:00Z"))

describe("schedules", () => {
  it.effect("execute one command a tick over all processes", () =>
    Effect.gen(function* () {
      yield* begin
      yield* running(hourly())
      yield* running(hourly())
      assert.deepStrictEqual(yield* hours, [])
      yield* pass("30 minutes")
      assert.deepStrictEqual(yield* hours, [3])
      for (let i = 0; i < 3; i++) yield* pass("1 hour")
      assert.deepStrictEqual(yield* hours, [3, 4, 5, 6])
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  for (const [missed, expected] of [
    ["once", [3, 7, 8]],
    ["all", [3, 4, 5, 6, 7, 8]],
    ["skip", [3, 8]]
  ] as const) {
    it.effect(`make up for ticks at which nobody has run: ${missed}`, () =>
      Effect.gen(function* () {
        yield* begin
        const stop = yield* running(hourly({ missed }))
        yield* pass("30 minutes")
        yield* stop
        yield* pass("270 minutes")
        yield* running(hourly({ missed }))
        yield* pass("30 minutes")
        assert.deepStrictEqual(yield* hours, [...expected])
      }).pipe(Effect.provide(MemoryStores.layer()))
    )
  }

  it.effect("with skip, a tick that is late by less than the grace time is made up for", () =>
    Effect.gen(function* () {
      yield* begin
      yield* yield* running(hourly({ missed: "skip" }))
      yield* pass("30 minutes")
      yield* TestClock.adjust("20 seconds")
      yield* running(hourly({ missed: "skip" }))
      assert.deepStrictEqual(yield* hours, [3])
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it.effect("go on after a command that is rejected", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-03-01T01:30:00Z"))
      yield* running(hourly())
      for (let i = 0; i < 3; i++) yield* pass("1 hour")
      assert.deepStrictEqual(yield* hours, [3, 4])
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it.effect("are records of a view, with the next tick", () =>
    Effect.gen(function* () {
      yield* begin
      yield* running(hourly())
      yield* pass("30 minutes")
      yield* pass("2 seconds")
      const { rows } = yield* Records.query(Schedules.Status, Query.from(Schedules.Status))
      assert.deepStrictEqual(
        rows.map(({ key, state: { last, next } }) => [
          key,
          new Date(last!).getUTCHours(),
          new Date(next).getUTCHours()
        ]),
        [["hourly", 3, 4]]
      )
    }).pipe(Effect.provide(MemoryStores.layer()))
  )

  it("refuse an expression, a zone or a name that is not valid", () => {
    const of = (name: string, expression: string, zone?: string) => () =>
      Schedules.cron(name, expression, zone === undefined ? {} : { zone }, () =>
        Process.send(Day, "d", { _tag: "Close", at: "" })
      )
    assert.throws(of("", "0 * * * *"))
    assert.throws(of("a", "61 * * * *"))
    assert.throws(of("a", "0 * * * *", "Nowhere"))
    assert.throws(() => Schedules.layer([hourly(), hourly()]), /two schedules are called/)
  })
})
