/** Subscriptions and live queries whose store fails or is slow: they go on, and no failure is silent. */
import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import {
  EventStore,
  Projection,
  EventStoreError,
  Query,
  Reason,
  StreamId,
  Subscription,
  ViewStore
} from "@hexfold/core"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { collecting } from "../../support/logged.ts"
import { Activity, appendRaw, away, budget, deposited, eventually, stores } from "../../support/projected.ts"

const failure = (reason: Reason.Reason) => new EventStoreError({ operation: "readAll", reason })
const timeout = failure(new Reason.Timeout({ detail: "canceling statement due to statement timeout" }))
const unavailable = failure(new Reason.Unavailable({ detail: "down" }))

/** An event store whose reads fail for some options, and the options of all reads. */
const failing = (
  failureOf: (read: { readonly positions: number; readonly count: number }) => EventStoreError | undefined
) =>
  Effect.map(EventStore.EventStore, (plain) => {
    const reads: Array<{ readonly positions: number; readonly failed: boolean }> = []
    const store: EventStore.EventStore["Service"] = {
      ...plain,
      readAll: (options = {}) =>
        Stream.suspend(() => {
          const positions = (options.upTo ?? Infinity) - (options.after as number)
          const error = failureOf({ positions, count: reads.length })
          reads.push({ positions, failed: error !== undefined })
          return error === undefined ? plain.readAll(options) : Stream.fail(error)
        })
    }
    return { reads, on: Effect.provideService(EventStore.EventStore, store) }
  })

const rare = Effect.gen(function* () {
  for (let i = 0; i < 400; i++) yield* deposited("a", 1)
  yield* budget(1, 5)
})

const found = Stream.runCollect(Subscription.recorded({ types: ["BudgetSet"], upTo: 401 }))

describe("a subscription", () => {
  for (const most of [100, 1]) {
    it.effect(`whose server ends a statement over more than ${most} positions goes on in smaller steps`, () =>
      Effect.gen(function* () {
        const { into, lines } = collecting()
        yield* rare
        const { on, reads } = yield* failing(({ positions }) => (positions > most ? timeout : undefined))
        const finding = yield* Effect.forkChild(found.pipe(on, into))
        yield* eventually(
          Effect.sync(() => finding.pollUnsafe() !== undefined),
          "10 seconds"
        )
        expect((yield* Fiber.join(finding)).map(({ position }) => position)).toEqual([401])
        const failed = reads.filter(({ failed }) => failed).length
        expect(failed).toBeLessThan(20)
        expect(lines.slice(0, 2)).toEqual([
          "Warn a subscription to all events tries again, and delivers nothing meanwhile; it has come to position 0: " +
            "readAll: canceling statement due to statement timeout",
          "Info a subscription to all events goes on"
        ])
      }).pipe(Effect.provide(MemoryEventStore.layer()))
    )
  }

  it.effect("whose store was away reads as much at once as before", () =>
    Effect.gen(function* () {
      yield* rare
      const { on, reads } = yield* failing(({ count }) => (count < 3 ? unavailable : undefined))
      const finding = yield* Effect.forkChild(on(found))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(finding)
      expect(reads.map(({ positions }) => positions)).toEqual([401, 401, 401, 401])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("warns together with its like, at growing intervals, and says when it goes on", () =>
    Effect.gen(function* () {
      const { into, lines } = collecting()
      yield* deposited("a", 1)
      let isAway = true
      const { on } = yield* failing(() => (isAway ? unavailable : undefined))
      const following = Stream.runDrain(Subscription.recorded({ aggregates: ["Account", "Budget"] })).pipe(on, into)
      yield* Effect.all(
        Array.from({ length: 50 }, () => Effect.forkChild(following)),
        { discard: true }
      )
      yield* TestClock.adjust("10 minutes")
      isAway = false
      yield* TestClock.adjust("10 seconds")
      const text = "a subscription to Account, Budget tries again, and delivers nothing meanwhile"
      expect(lines).toEqual([
        `Warn ${text}; it has come to position 0: readAll: down`,
        expect.stringContaining(`Warn ${text} (for 1m`),
        expect.stringContaining(`Warn ${text} (for 3m`),
        expect.stringContaining(`Warn ${text} (for 7m`),
        "Info a subscription to Account, Budget goes on"
      ])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

it.effect("a live query whose store is away warns once, and says when it goes on", () =>
  Effect.gen(function* () {
    yield* Projection.catchUp(Activity)
    const { into, lines } = collecting()
    const plain = yield* ViewStore.ViewStore
    let isAway = true
    const store: ViewStore.ViewStore["Service"] = {
      ...plain,
      status: Effect.suspend(() => (isAway ? Effect.fail(away()) : plain.status))
    }
    let answers = 0
    yield* Subscription.query(Activity, Query.from(Activity)).pipe(
      Stream.runForEach(() => Effect.sync(() => answers++)),
      Effect.provideService(ViewStore.ViewStore, store),
      into,
      Effect.forkChild
    )
    yield* eventually(Effect.sync(() => lines.length > 0))
    yield* TestClock.adjust("30 seconds")
    isAway = false
    yield* eventually(Effect.sync(() => answers === 1))
    expect(lines.filter((line) => line.includes("a live query"))).toEqual([
      "Warn a live query of Activity tries again, and shows nothing new meanwhile: commit: down",
      "Info a live query of Activity goes on"
    ])
  }).pipe(Effect.provide(stores))
)

it.effect("a live query whose store does not answer warns, and goes on when it does", () =>
  Effect.gen(function* () {
    yield* Projection.catchUp(Activity)
    const { into, lines } = collecting()
    const plain = yield* ViewStore.ViewStore
    let isSilent = true
    const status = Effect.suspend(() => (isSilent ? Effect.never : plain.status))
    let answers = 0
    yield* Subscription.query(Activity, Query.from(Activity)).pipe(
      Stream.runForEach(() => Effect.sync(() => answers++)),
      Effect.provideService(ViewStore.ViewStore, { ...plain, status }),
      into,
      Effect.forkChild
    )
    yield* eventually(Effect.sync(() => lines.length > 0))
    isSilent = false
    yield* eventually(Effect.sync(() => answers === 1))
    expect(lines).toEqual([
      "Warn a live query of Activity tries again, and shows nothing new meanwhile: status: no answer in time",
      "Info a live query of Activity goes on"
    ])
  }).pipe(Effect.provide(stores))
)

it.effect("a live query asks nothing after its store has come back, and tries again soon when it goes again", () =>
  Effect.gen(function* () {
    yield* Projection.catchUp(Activity)
    const plain = yield* ViewStore.ViewStore
    let isAway = true
    let asked = 0
    const status = Effect.suspend(() => (asked++, isAway ? Effect.fail(away()) : plain.status))
    let answers = 0
    yield* Subscription.query(Activity, Query.from(Activity)).pipe(
      Stream.runForEach(() => Effect.sync(() => answers++)),
      Effect.provideService(ViewStore.ViewStore, { ...plain, status }),
      Effect.forkChild
    )
    const comesBack = Effect.gen(function* () {
      yield* TestClock.adjust("1 minute")
      isAway = false
      yield* TestClock.adjust("10 seconds")
      expect(answers).toBe(1)
      asked = 0
      yield* TestClock.adjust("1 minute")
      expect(asked).toBe(0)
    })
    yield* comesBack
    isAway = true
    // An event that changes no record, so that there is no other answer.
    yield* appendRaw(StreamId.make("Other", "a"), "Happened", {})
    yield* Projection.catchUp(Activity)
    yield* TestClock.adjust("99 millis")
    expect(asked).toBe(1)
    yield* TestClock.adjust("1 millis")
    expect(asked).toBe(2)
    yield* comesBack
  }).pipe(Effect.provide(stores))
)
