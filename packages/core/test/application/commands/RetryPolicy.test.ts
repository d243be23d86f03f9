import { describe, expect, it } from "@effect/vitest"
import { ConcurrencyConflict, EventStoreError, Executor, Reason } from "@hexfold/core"
import { Effect, Fiber, Metric, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, Deposit, NotOpen, OpenAccount } from "../../support/account.ts"
import { unavailable, watched } from "../../support/watched.ts"

const a = AccountId.make("a")
const atA = Account.streamId(a)
const deposit = (options?: Executor.ExecuteOptions) => Executor.execute(Account, a, new Deposit({ amount: 1 }), options)

/** A watched store where the account a is open. */
const opened = Effect.tap(watched, ({ behind }) =>
  behind(Executor.execute(Account, a, new OpenAccount({ owner: "Anna" })))
)

const noAppend = Effect.fail(unavailable("append"))
const noRead = Effect.fail(unavailable("readStreams"))
const rival = Effect.orDie(deposit())
const repeat = <A>(times: number, value: A): ReadonlyArray<A> => Array.from({ length: times }, () => value)

describe("a read that fails", () => {
  it.effect("is tried again, also without a command id", () =>
    Effect.gen(function* () {
      const { beforeReads, reads, run } = yield* opened
      beforeReads.push(noRead, noRead)
      expect(yield* run(deposit({ retryStore: Schedule.recurs(2) }))).toMatchObject({ version: 2, attempts: 3 })
      expect(reads).toHaveLength(3)
    })
  )

  it.effect("is given up by the policy, with the streams and the attempts", () =>
    Effect.gen(function* () {
      const { beforeReads, reads, run } = yield* opened
      beforeReads.push(...repeat(9, noRead))
      const error = yield* Effect.flip(run(deposit({ retryStore: Schedule.recurs(2) })))
      expect(error).toMatchObject({ ...unavailable("readStreams"), streams: [atA], attempts: 3 })
      expect(reads).toHaveLength(3)
    })
  )

  it.effect("is tried again only where a policy says so", () =>
    Effect.gen(function* () {
      const { beforeReads, reads, run } = yield* opened
      beforeReads.push(...repeat(9, noRead))
      const error = yield* Effect.flip(run(deposit()))
      expect(error).toMatchObject({ _tag: "EventStoreError", streams: [atA], attempts: 1 })
      expect(reads).toHaveLength(1)
    })
  )

  it.effect("is not tried again for a reason that does not pass", () =>
    Effect.gen(function* () {
      const { beforeReads, reads, run } = yield* opened
      const reason = new Reason.Corrupt({ detail: "torn" })
      beforeReads.push(Effect.fail(new EventStoreError({ operation: "readStreams", reason })))
      const error = yield* Effect.flip(run(deposit({ retryStore: Schedule.forever })))
      expect(error).toMatchObject({ reason: { _tag: "Corrupt" } })
      expect(reads).toHaveLength(1)
    })
  )
})

describe("an append whose outcome is unknown", () => {
  it.effect("is not tried again without a command id", () =>
    Effect.gen(function* () {
      const { afterAppends, appends, run } = yield* opened
      afterAppends.push(noAppend)
      const error = yield* Effect.flip(run(deposit({ retryStore: Schedule.forever })))
      expect(error).toMatchObject({ ...unavailable("append"), streams: [atA], attempts: 1 })
      expect(appends).toHaveLength(1)
    })
  )

  it.effect("is not tried again without a command id, also after a read that was", () =>
    Effect.gen(function* () {
      const { afterAppends, appends, beforeReads, run } = yield* opened
      beforeReads.push(noRead)
      afterAppends.push(noAppend)
      const error = yield* Effect.flip(run(deposit({ retryStore: Schedule.forever })))
      expect(error).toMatchObject({ operation: "append", attempts: 2 })
      expect(appends).toHaveLength(1)
    })
  )

  it.effect("is tried again with a command id, and happens once", () =>
    Effect.gen(function* () {
      const { afterAppends, beforeAppends, run } = yield* opened
      const options = { retryStore: Schedule.recurs(2) }
      beforeAppends.push(noAppend)
      const done = yield* run(deposit({ commandId: "r-1", ...options }))
      expect(done).toMatchObject({ version: 2, attempts: 2, repeated: false })
      afterAppends.push(noAppend)
      const repeated = yield* run(deposit({ commandId: "r-2", ...options }))
      expect(repeated).toMatchObject({ version: 3, attempts: 0, repeated: true })
      expect((yield* run(Executor.load(Account, a))).version).toBe(3)
    })
  )
})

describe("the policies", () => {
  it.effect("of the program count where the call has none", () =>
    Effect.gen(function* () {
      const { beforeReads, run } = yield* opened
      beforeReads.push(...repeat(4, noRead))
      const error = yield* Effect.flip(run(deposit()))
      expect(error).toMatchObject({ attempts: 3 })
      const own = yield* Effect.flip(run(deposit({ retryStore: Schedule.recurs(0) })))
      expect(own).toMatchObject({ attempts: 1 })
    }).pipe(Effect.provideService(Executor.CurrentStoreRetryPolicy, Schedule.recurs(2)))
  )

  it.effect("are one for conflicts and one for the store", () =>
    Effect.gen(function* () {
      const { beforeAppends, beforeReads, run } = yield* opened
      beforeAppends.push(rival, rival)
      const conflict = yield* Effect.flip(run(deposit({ retry: Schedule.recurs(1), retryStore: Schedule.forever })))
      expect(conflict).toBeInstanceOf(ConcurrencyConflict)
      expect(conflict).toMatchObject({ stream: atA, attempts: 2 })
      beforeReads.push(noRead, noRead)
      const down = yield* Effect.flip(run(deposit({ retry: Schedule.forever, retryStore: Schedule.recurs(1) })))
      expect(down).toMatchObject({ _tag: "EventStoreError", attempts: 2 })
    })
  )

  it.effect("count each for itself, also where conflicts and failures of the store take turns", () =>
    Effect.gen(function* () {
      const { beforeAppends, beforeReads, run } = yield* opened
      // Attempts: conflict, no read, conflict, no read, conflict, success.
      beforeReads.push(Effect.void, noRead, Effect.void, noRead)
      beforeAppends.push(rival, rival, rival)
      const error = yield* Effect.flip(run(deposit({ retry: Schedule.recurs(2), retryStore: Schedule.recurs(2) })))
      expect(error).toBeInstanceOf(ConcurrencyConflict)
      expect(error).toMatchObject({ attempts: 5 })
    })
  )

  it.effect("leave what the domain says alone", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* watched
      const options = { retry: Schedule.forever, retryStore: Schedule.forever }
      expect(yield* Effect.flip(run(deposit(options)))).toEqual(new NotOpen())
      expect(reads).toHaveLength(1)
    })
  )

  it.effect("leave what the domain says alone, also after a failure of the store", () =>
    Effect.gen(function* () {
      const { beforeReads, reads, run } = yield* watched
      beforeReads.push(noRead)
      const options = { retry: Schedule.forever, retryStore: Schedule.forever }
      expect(yield* Effect.flip(run(deposit(options)))).toEqual(new NotOpen())
      expect(reads).toHaveLength(2)
    })
  )

  it.effect("say how long the pauses are", () =>
    Effect.gen(function* () {
      const { beforeReads, reads, run } = yield* opened
      beforeReads.push(noRead, noRead)
      const executing = yield* Effect.forkChild(run(deposit({ retryStore: Schedule.spaced("1 second") })), {
        startImmediately: true
      })
      yield* TestClock.adjust("999 millis")
      expect(reads).toHaveLength(1)
      yield* TestClock.adjust("1 millis")
      expect(reads).toHaveLength(2)
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(executing)).toMatchObject({ attempts: 3 })
    })
  )
})

it.effect("a command is counted once, whatever it met", () =>
  Effect.gen(function* () {
    const { beforeAppends, beforeReads, run } = yield* opened
    const options = { commandId: "r-1", retry: Schedule.recurs(1), retryStore: Schedule.recurs(2) }
    beforeReads.push(noRead)
    beforeAppends.push(Effect.provideService(rival, Metric.MetricRegistry, new Map()), noAppend)
    yield* Effect.gen(function* () {
      expect(yield* run(deposit(options))).toMatchObject({ attempts: 4 })
      beforeReads.push(noRead, noRead, noRead)
      yield* Effect.flip(run(deposit({ ...options, commandId: "r-2" })))
      const outcomes = (yield* Metric.snapshot).flatMap((metric) =>
        metric.id === "hexfold_command_duration_seconds" && metric.type === "Histogram"
          ? [[metric.attributes?.["outcome"], metric.state.count]]
          : []
      )
      expect(outcomes).toEqual([
        ["accepted", 1],
        ["failed", 1]
      ])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  })
)
