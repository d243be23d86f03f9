import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { ConcurrencyConflict, EventStore, EventStoreError, Executor, Reason } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect, Metric, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, Deposit, OpenAccount } from "../../support/account.ts"

const id = AccountId.make("a-1")
const open = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { commandId: "r-1" })
const deposit = Executor.execute(Account, id, new Deposit({ amount: 1 }))

/** What the counters and histograms called `name` counted in the registry of the test, by the values of one attribute. */
const counts = (name: string, attribute: string) =>
  Effect.map(Metric.snapshot, (snapshot) =>
    Object.fromEntries(
      snapshot.flatMap((metric) =>
        metric.id === name && (metric.type === "Counter" || metric.type === "Histogram")
          ? [[metric.attributes![attribute], metric.state.count]]
          : []
      )
    )
  )

const durations = Effect.map(Metric.snapshot, (snapshot) =>
  snapshot.flatMap((metric) =>
    metric.id === "hexfold_command_duration_ms" && metric.type === "Histogram"
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

describe("hexfold_command_duration_ms", () => {
  it.effect("counts commands by what came of them", () =>
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
      const outcomes = yield* counts("hexfold_command_duration_ms", "outcome")
      expect(outcomes).toEqual({ accepted: 3, repeated: 1, rejected: 1, failed: 4 })
      expect(yield* counts("hexfold_command_duration_ms", "aggregate")).toHaveProperty("Account")
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("counts a command once, however many attempts it took, as what came of it in the end", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { retry: Schedule.recurs(3) }).pipe(
        withAppend(failTimes(3))
      )
      expect(yield* counts("hexfold_command_duration_ms", "outcome")).toEqual({ accepted: 1 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("observes the time of each command by the program's clock, with all attempts", () =>
    Effect.gen(function* () {
      yield* open
      const accepted = { aggregate: "Account", outcome: "accepted" }
      expect(yield* durations).toEqual([{ attributes: accepted, count: 1, sum: 0 }])
      yield* deposit.pipe(withAppend(TestClock.adjust(30)))
      yield* Effect.flip(deposit.pipe(withAppend(Effect.andThen(TestClock.adjust(12), Effect.fail(down)))))
      expect(yield* durations).toEqual([
        { attributes: accepted, count: 2, sum: 30 },
        { attributes: { aggregate: "Account", outcome: "failed" }, count: 1, sum: 12 }
      ])
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("hexfold_conflicts", () => {
  it.effect("counts each attempt that met a conflict, also those of a command that gave up", () =>
    Effect.gen(function* () {
      const retry = Schedule.recurs(3)
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { retry }).pipe(withAppend(failTimes(2)))
      expect(yield* counts("hexfold_conflicts", "aggregate")).toEqual({ Account: 2 })
      yield* Effect.flip(
        Executor.execute(Account, id, new Deposit({ amount: 1 }), { retry }).pipe(withAppend(Effect.fail(conflict)))
      )
      expect(yield* counts("hexfold_conflicts", "aggregate")).toEqual({ Account: 6 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("hexfold_events", () => {
  it.effect("counts the events that were recorded now: not those of a repeated, rejected or failed command", () =>
    Effect.gen(function* () {
      yield* Effect.flip(deposit)
      expect(yield* counts("hexfold_events", "aggregate")).toEqual({})
      yield* open
      yield* open
      yield* deposit
      yield* Effect.flip(deposit.pipe(withAppend(Effect.fail(down))))
      expect(yield* counts("hexfold_events", "aggregate")).toEqual({ Account: 2 })
    }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
