import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Boundary, ConcurrencyConflict, Decision, EventStore, EventStoreError, Executor, Reason } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect, Metric, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, Deposit, OpenAccount, accountErrors } from "../../support/account.ts"

const id = AccountId.make("a-1")
const open = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { commandId: "r-1" })
const deposit = Executor.execute(Account, id, new Deposit({ amount: 1 }))

/** What the counters and histograms called `name` counted in the registry of the test, by the values of one label. */
const counts = (name: string, attribute: string) =>
  Effect.map(Metric.snapshot, (snapshot) =>
    snapshot.reduce<Record<string, number>>((sums, metric) => {
      if (metric.id !== name || (metric.type !== "Counter" && metric.type !== "Histogram")) return sums
      const value = metric.attributes![attribute]!
      sums[value] = (sums[value] ?? 0) + Number(metric.state.count)
      return sums
    }, {})
  )

const durations = Effect.map(Metric.snapshot, (snapshot) =>
  snapshot.flatMap((metric) =>
    metric.id === "hexfold_command_duration_seconds" && metric.type === "Histogram"
      ? [{ attributes: metric.attributes, count: metric.state.count, sum: metric.state.sum }]
      : []
  )
)

const down = new EventStoreError({
  operation: "append",
  reason: new Reason.Unavailable({ detail: "down" })
})

const conflict = new ConcurrencyConflict({
  stream: Account.streamId(id),
  expected: Expectation.exactly(0),
  actual: 1,
  attempts: 1
})

/** Runs a program on a store whose appends do something else first. */
const withAppend = (before: Effect.Effect<void, ConcurrencyConflict | EventStoreError>) =>
  Effect.provideServiceEffect(
    EventStore.EventStore,
    Effect.map(EventStore.EventStore, (store) => ({
      ...store,
      append: (append: EventStore.Append) => Effect.andThen(before, store.append(append))
    }))
  )

const failTimes = (times: number) => {
  let left = times
  return Effect.suspend(() => (left-- > 0 ? Effect.fail(conflict) : Effect.void))
}

describe("hexfold_command_duration_seconds", () => {
  it.effect("counts commands by their outcome", () =>
    Effect.gen(function* () {
      yield* Effect.flip(deposit)
      yield* open
      yield* deposit
      yield* deposit
      yield* open
      yield* Effect.flip(deposit.pipe(withAppend(Effect.fail(down))))
      yield* Effect.flip(
        Executor.execute(Account, id, new Deposit({ amount: 1 }), { retry: Schedule.recurs(1) }).pipe(
          withAppend(Effect.fail(conflict))
        )
      )
      yield* Effect.flip(Executor.execute(Account, id, new Deposit({ amount: 1 }), { commandId: "r-1" }))
      yield* Effect.exit(deposit.pipe(withAppend(Effect.die("a defect"))))
      const outcomes = yield* counts("hexfold_command_duration_seconds", "outcome")
      expect(outcomes).toEqual({ accepted: 3, repeated: 1, rejected: 1, failed: 4 })
      expect(yield* counts("hexfold_command_duration_seconds", "aggregate")).toEqual({ Account: 9 })
      expect(yield* counts("hexfold_command_duration_seconds", "command")).toEqual({ OpenAccount: 2, Deposit: 7 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("counts a command once, however many attempts it took, by its last outcome", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { retry: Schedule.recurs(3) }).pipe(
        withAppend(failTimes(3))
      )
      expect(yield* counts("hexfold_command_duration_seconds", "outcome")).toEqual({ accepted: 1 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("observes the time of each command by the program's clock, with all attempts", () =>
    Effect.gen(function* () {
      yield* open
      const labels = (command: string, outcome: string) => ({ aggregate: "Account", command, outcome })
      const opened = { attributes: labels("OpenAccount", "accepted"), count: 1, sum: 0 }
      expect(yield* durations).toEqual([opened])
      yield* deposit.pipe(withAppend(TestClock.adjust(30)))
      yield* Effect.flip(deposit.pipe(withAppend(Effect.andThen(TestClock.adjust(12), Effect.fail(down)))))
      expect(yield* durations).toEqual([
        opened,
        { attributes: labels("Deposit", "accepted"), count: 1, sum: 0.03 },
        { attributes: labels("Deposit", "failed"), count: 1, sum: 0.012 }
      ])
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("the labels", () => {
  const rejected = (error: string) => ({ command: "Give", outcome: "rejected", error })

  it.effect("of a rejected command have the tag of the error", () =>
    Effect.gen(function* () {
      yield* Effect.flip(deposit)
      yield* open
      yield* Effect.flip(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" })))
      expect((yield* durations).map(({ attributes }) => attributes)).toEqual([
        { aggregate: "Account", command: "Deposit", outcome: "rejected", error: "NotOpen" },
        { aggregate: "Account", command: "OpenAccount", outcome: "accepted" },
        { aggregate: "Account", command: "OpenAccount", outcome: "rejected", error: "AlreadyOpen" }
      ])
      expect(yield* counts("hexfold_command_duration_seconds", "outcome")).toEqual({ accepted: 1, rejected: 2 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("of a command over a boundary name the boundary", () =>
    Effect.gen(function* () {
      const Give = Boundary.make("Gift", {
        command: Schema.TaggedStruct("Give", { to: AccountId }),
        participants: ({ to }) => ({ to: Account.at(to) }),
        errors: accountErrors,
        decide: (_give, { to }) => Decision.all({ to: Account.decide(new Deposit({ amount: 1 }), to) })
      })
      const give = Executor.execute(Give, { _tag: "Give", to: id })
      yield* Effect.flip(give)
      yield* open
      yield* give
      expect((yield* durations).map(({ attributes }) => attributes)).toEqual([
        { boundary: "Gift", ...rejected("NotOpen") },
        { aggregate: "Account", command: "OpenAccount", outcome: "accepted" },
        { boundary: "Gift", command: "Give", outcome: "accepted" }
      ])
      expect(yield* counts("hexfold_events_total", "command")).toEqual({ OpenAccount: 1, Give: 1 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("have a bounded number of values, whatever a command or an error is called", () =>
    Effect.gen(function* () {
      const Anything = Boundary.make("Anything", {
        command: Schema.Struct({ _tag: Schema.String, error: Schema.String }),
        participants: () => ({}),
        decide: ({ error }) => Decision.reject({ _tag: error })
      })
      const tags = Array.from({ length: 150 }, (_, i) => `T${i}`)
      for (const _tag of tags) yield* Effect.flip(Executor.execute(Anything, { _tag, error: "No" }))
      const commands = yield* counts("hexfold_command_duration_seconds", "command")
      expect([Object.keys(commands).length, commands["other"]]).toEqual([101, 50])
      for (const error of tags) yield* Effect.flip(Executor.execute(Anything, { _tag: "T0", error }))
      const errors = yield* counts("hexfold_command_duration_seconds", "error")
      expect([Object.keys(errors).length, errors["other"]]).toEqual([101, 51])
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("hexfold_conflicts_total", () => {
  it.effect("counts each attempt that met a conflict, also those of a command that gave up", () =>
    Effect.gen(function* () {
      const retry = Schedule.recurs(3)
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { retry }).pipe(withAppend(failTimes(2)))
      expect(yield* counts("hexfold_conflicts_total", "aggregate")).toEqual({ Account: 2 })
      yield* Effect.flip(
        Executor.execute(Account, id, new Deposit({ amount: 1 }), { retry }).pipe(withAppend(Effect.fail(conflict)))
      )
      expect(yield* counts("hexfold_conflicts_total", "aggregate")).toEqual({ Account: 6 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("hexfold_events_total", () => {
  it.effect("counts the events that were recorded now: not those of a repeated, rejected or failed command", () =>
    Effect.gen(function* () {
      yield* Effect.flip(deposit)
      expect(yield* counts("hexfold_events_total", "aggregate")).toEqual({})
      yield* open
      yield* open
      yield* deposit
      yield* Effect.flip(deposit.pipe(withAppend(Effect.fail(down))))
      expect(yield* counts("hexfold_events_total", "aggregate")).toEqual({ Account: 2 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
