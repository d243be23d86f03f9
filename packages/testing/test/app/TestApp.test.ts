import { assert, describe, it, layer } from "@effect/vitest"
import { EventStore, Executor, Projection, ProjectionFailed, Query, Records, Subscription } from "@hexfold/core"
import { Expect, TestApp } from "@hexfold/testing"
import { Cause, Clock, DateTime, Effect, Fiber, Layer, Option, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Account, Balances, Deposit, InlineBalances, Superstitious, Transfer } from "./bank.ts"

const deposit = (id: string, amount: number) => Executor.execute(Account, id, new Deposit({ amount }))

/** Every fiber waits for something outside, for long enough that the clock could go on. */
const aMoment = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))

const everything = Effect.gen(function* () {
  yield* deposit("anna", 10)
  yield* Effect.all([deposit("anna", 1), deposit("anna", 2), deposit("ben", 3)], { concurrency: "unbounded" })
  const receipt = yield* Effect.withSpan(
    Executor.execute(Transfer, { _tag: "Transfer", from: "anna", to: "ben", amount: 4 }),
    "request"
  )
  yield* TestApp.settled
  const log = yield* Stream.runCollect((yield* EventStore.EventStore).readAll({ after: 0 }))
  return { receipt, log, spans: yield* TestApp.spans, logs: yield* TestApp.logs, now: yield* Clock.currentTimeMillis }
})

describe("TestApp", () => {
  it.effect("records are there after settled, and not before", () =>
    Effect.gen(function* () {
      yield* deposit("anna", 10)
      assert.deepStrictEqual(yield* Records.get(Balances, "anna"), Option.none())
      yield* Executor.execute(Transfer, { _tag: "Transfer", from: "anna", to: "ben", amount: 4 })
      yield* TestApp.settled
      yield* Expect.records(Balances, { anna: { balance: 6 }, ben: { balance: 4 } })
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(Effect.provide(TestApp.layer({ views: [Balances] })))
  )

  it("runs without a test runner's clock", async () => {
    const test = Effect.gen(function* () {
      yield* deposit("anna", 10)
      yield* TestApp.settled
      yield* Expect.records(Balances, { anna: { balance: 10 } })
    })
    await Effect.runPromise(Effect.provide(test, TestApp.layer({ views: [Balances] })))
  })

  it.effect("a program that waits for its views needs nobody who adjusts the clock", () =>
    Effect.gen(function* () {
      yield* deposit("anna", 10).pipe(Projection.waitFor([Balances]))
      yield* Expect.records(Balances, { anna: { balance: 10 } })
    }).pipe(Effect.provide(TestApp.layer({ views: [Balances] })))
  )

  it.effect("retries after conflicts run in virtual time", () =>
    Effect.gen(function* () {
      const amounts = Array.from({ length: 200 }, (_, i) => i)
      const receipts = yield* Effect.forEach(amounts, (i) => deposit(`a${i % 3}`, 1), { concurrency: "unbounded" })
      assert.isTrue(receipts.some(({ attempts }) => attempts > 1))
      assert.isAbove(yield* Clock.currentTimeMillis, 0)
      yield* TestApp.settled
      yield* Expect.records(Balances, { a0: { balance: 67 }, a1: { balance: 67 }, a2: { balance: 66 } })
    }).pipe(Effect.provide(TestApp.layer({ views: [Balances], conflictEvery: 2, yields: 3 })))
  )

  it.effect("ids, times, pauses, spans and logs are the same in each run", () =>
    Effect.gen(function* () {
      const run = Effect.provide(everything, TestApp.layer({ views: [Balances], conflictEvery: 3, yields: 2 }))
      const [one, other] = [yield* run, yield* run]
      assert.isAbove(one.now, 0)
      assert.deepStrictEqual(one, other)
      const another = TestApp.layer({ views: [Balances], conflictEvery: 3, yields: 2, seed: "another" })
      assert.notStrictEqual((yield* Effect.provide(everything, another)).now, one.now)
    })
  )

  it.effect("ids count up, and the correlation of a command is its trace", () =>
    Effect.gen(function* () {
      yield* deposit("anna", 1)
      const { events } = yield* deposit("anna", 2).pipe(Effect.withSpan("request"))
      const [span] = (yield* TestApp.spans).filter(({ name }) => name === "request")
      assert.deepStrictEqual(
        events.map(({ id, metadata }) => [id, metadata.causationId, metadata.correlationId]),
        [["00000000-0000-7000-8000-000000000002", "00000000-0000-7000-8000-000000000002", span?.traceId]]
      )
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("events have the time of the test clock", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const { events } = yield* deposit("anna", 10)
      assert.deepStrictEqual(
        events.map(({ recordedAt }) => DateTime.formatIso(recordedAt)),
        ["1970-01-01T01:00:00.000Z"]
      )
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("long sleeps wait for the test, short ones do not", () =>
    Effect.gen(function* () {
      const reminder = yield* Effect.forkChild(Effect.andThen(Effect.sleep("1 day"), deposit("anna", 1)))
      yield* Effect.sleep("1 second")
      yield* Effect.sleep("300 millis")
      yield* aMoment
      assert.strictEqual(yield* Clock.currentTimeMillis, 1300)
      assert.strictEqual(reminder.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* Fiber.join(reminder)).version, 1)
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("sleeps end in their order, also a long one that ends before a short one", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const sleeper = (name: string, ...pauses: ReadonlyArray<number>) =>
        Effect.forEach(pauses, (pause) =>
          Effect.andThen(
            Effect.sleep(pause),
            Effect.map(Clock.currentTimeMillis, (now) => ended.push(`${name} ${now}`))
          )
        )
      const all = [sleeper("short", 700, 700, 700), sleeper("long", 1500), sleeper("shorter", 300)]
      yield* Effect.all(all, { concurrency: "unbounded" })
      assert.deepStrictEqual(ended, ["shorter 300", "short 700", "short 1400", "long 1500", "short 2100"])
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("a sleep ends only when no fiber has anything else to do", () =>
    Effect.gen(function* () {
      const sleeper = yield* Effect.forkChild(Effect.sleep("1 milli"))
      yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      assert.strictEqual(sleeper.pollUnsafe(), undefined)
      yield* Fiber.join(sleeper)
      assert.strictEqual(yield* Clock.currentTimeMillis, 1)
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("with pauses of 0 every sleep waits for the test", () =>
    Effect.gen(function* () {
      const sleeper = yield* Effect.forkChild(Effect.sleep("1 milli"))
      yield* aMoment
      assert.strictEqual(sleeper.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 milli")
      yield* Fiber.join(sleeper)
    }).pipe(Effect.provide(TestApp.layer({ pauses: 0 })))
  )

  it.effect("an event that a view cannot apply fails settled, and not the other views", () =>
    Effect.gen(function* () {
      yield* deposit("anna", 12)
      yield* TestApp.settled
      yield* deposit("anna", 13)
      const failed = yield* Effect.flip(TestApp.settled)
      assert.instanceOf(failed, ProjectionFailed)
      assert.strictEqual(failed.view, "Superstitious")
      yield* Expect.records(Balances, { anna: { balance: 25 } })
      yield* Expect.records(Superstitious, { anna: 12 })
      yield* deposit("anna", 5).pipe(Projection.waitFor([Balances]))
      yield* Expect.records(Balances, { anna: { balance: 30 } })
      const warnings = (yield* TestApp.logs).filter(({ level }) => level === "Warn")
      assert.isTrue(warnings.some(({ message }) => String(message).includes("Superstitious")))
    }).pipe(Effect.provide(TestApp.layer({ views: [Superstitious, Balances] })))
  )

  it.effect("appends maintain the inline views", () =>
    Effect.gen(function* () {
      yield* deposit("anna", 10)
      yield* Expect.records(InlineBalances, { anna: 10 })
    }).pipe(Effect.provide(TestApp.layer({ views: [InlineBalances] })))
  )

  it.effect("a view that is not in views does not answer", () =>
    Effect.gen(function* () {
      yield* deposit("anna", 10)
      yield* TestApp.settled
      const error = yield* Effect.flip(Records.get(Balances, "anna"))
      assert.strictEqual(error._tag, "NotServing")
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("a program may run its own projections beside those of the layer", () =>
    Effect.gen(function* () {
      yield* deposit("anna", 10)
      yield* TestApp.settled
      yield* Expect.records(Balances, { anna: { balance: 10 } })
      yield* deposit("anna", 5).pipe(Projection.waitFor([Balances]))
      yield* Expect.records(Balances, { anna: { balance: 15 } })
    }).pipe(Effect.provide(Projection.layer([Balances]).pipe(Layer.provideMerge(TestApp.layer({ views: [Balances] })))))
  )

  it.effect("a wait that cannot end comes to its end in virtual time", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(deposit("anna", 10).pipe(Projection.waitFor([Balances])))
      assert.strictEqual(error._tag, "WaitTimeout")
      assert.isAtLeast(yield* Clock.currentTimeMillis, 5000)
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("live queries follow the views", () =>
    Effect.gen(function* () {
      const pages = Subscription.query(Balances, Query.from(Balances)).pipe(Stream.take(2), Stream.runCollect)
      const fiber = yield* Effect.forkChild(pages, { startImmediately: true })
      // The first page is there before the deposit.
      yield* Effect.sleep("100 millis")
      yield* deposit("anna", 10)
      const rows = (yield* Fiber.join(fiber)).map((page) => page.rows)
      assert.deepStrictEqual(rows, [[], [{ key: "anna", state: { balance: 10 } }]])
    }).pipe(Effect.provide(TestApp.layer({ views: [Balances] })))
  )

  it.effect("logs are recorded as plain data", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 minute")
      yield* Effect.logWarning("low", { balance: 3 }).pipe(Effect.annotateLogs("account", "anna"))
      yield* Effect.logError(Cause.fail("broken"))
      const [warning, error] = yield* TestApp.logs
      assert.include(error?.cause, "broken")
      assert.deepStrictEqual(
        [warning],
        [{ level: "Warn", message: ["low", { balance: 3 }], annotations: { account: "anna" }, at: new Date(60_000) }]
      )
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("spans are recorded with their parents and how they ended", () =>
    Effect.gen(function* () {
      const sometimes = Effect.fail("no").pipe(Effect.withSpan("inner", { attributes: { n: 1 } }), Effect.ignore)
      yield* Effect.withSpan(sometimes, "outer")
      yield* Effect.never.pipe(Effect.withSpan("never"), Effect.forkChild({ startImmediately: true }))
      const fiber = yield* Effect.never.pipe(Effect.withSpan("stopped"), Effect.forkChild({ startImmediately: true }))
      yield* Fiber.interrupt(fiber)
      const spans = yield* TestApp.spans
      assert.deepStrictEqual(
        spans.map(({ attributes, name, parent, spanId, status }) => [
          spanId.slice(-2),
          name,
          parent,
          attributes,
          status
        ]),
        [
          ["01", "outer", undefined, {}, "ok"],
          ["02", "inner", "outer", { n: 1 }, "failed"],
          ["03", "never", undefined, {}, "open"],
          ["04", "stopped", undefined, {}, "interrupted"]
        ]
      )
      assert.strictEqual(spans[0]?.traceId, spans[1]?.traceId)
    }).pipe(Effect.provide(TestApp.layer()))
  )

  it.effect("a retry of the program itself runs in virtual time", () =>
    Effect.gen(function* () {
      let tries = 0
      const flaky = Effect.suspend(() => (++tries < 4 ? Effect.fail("not yet") : Effect.succeed(tries)))
      const retried = yield* Effect.retry(flaky, Schedule.spaced("500 millis"))
      assert.deepStrictEqual([retried, yield* Clock.currentTimeMillis], [4, 1500])
    }).pipe(Effect.provide(TestApp.layer()))
  )
})

layer(TestApp.layer({ views: [Balances] }))("TestApp as the layer of several tests", (it) => {
  it.effect("has its own clock", () =>
    Effect.gen(function* () {
      yield* deposit("anna", 10).pipe(Effect.delay("10 millis"))
      yield* TestApp.settled
      yield* Expect.records(Balances, { anna: { balance: 10 } })
    })
  )
})
