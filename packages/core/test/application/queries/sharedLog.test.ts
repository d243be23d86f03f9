import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore, MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, EventStoreError, Executor, Reason, StreamId, Subscription } from "@hexfold/core"
import { Deferred, Effect, Fiber, type Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, OpenAccount } from "../../support/account.ts"
import { appendOne } from "../../support/appendOne.ts"

const append = (aggregate: string, count: number, type = "Happened", data: Schema.Json = {}) =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore
    const events = Array.from({ length: count }, () => {
      const id = crypto.randomUUID()
      return { id, type, data, metadata: { correlationId: id, causationId: id } }
    })
    const streamId = StreamId.make(aggregate, crypto.randomUUID())
    const appended = yield* appendOne(store, { writes: [{ streamId, events }], conditions: [] })
    return appended.events.map(({ position }) => position)
  })

/** The event store, which counts its reads. */
const counting = Effect.gen(function* () {
  const plain = yield* EventStore.EventStore
  const reads = { count: 0, last: undefined as EventStore.AllReadOptions | undefined }
  const store = EventStore.EventStore.of({
    ...plain,
    readAll: (options) =>
      Stream.suspend(() => {
        reads.count++
        reads.last = options
        return plain.readAll(options)
      })
  })
  return { reads, store }
})

const following = (
  options: Subscription.SubscriptionOptions,
  consume: (step: Subscription.Step) => Effect.Effect<unknown> = () => Effect.void
) =>
  Effect.gen(function* () {
    const got: Array<number> = []
    const fiber = yield* Subscription.recordedSteps(options).pipe(
      Stream.runForEach((step) => {
        if (step.event !== undefined) got.push(step.event.position)
        return consume(step)
      }),
      Effect.forkScoped({ startImmediately: true })
    )
    return { got, fiber }
  })

/** Other fibers have done all that they can. */
const settled = Effect.repeat(Effect.yieldNow, { times: 300 })

const until = (holds: () => boolean) =>
  Effect.gen(function* () {
    for (let tries = 0; !holds(); tries++) {
      if (tries === 20_000) throw new Error("the condition never held")
      yield* Effect.yieldNow
    }
  })

describe("subscriptions of one process", () => {
  it.effect("read each event once together, and none that nobody follows", () =>
    Effect.gen(function* () {
      const { reads, store } = yield* counting
      const on = Effect.provideService(EventStore.EventStore, store)
      const all = yield* Effect.all(Array.from({ length: 50 }, () => following({ aggregates: ["A"] }).pipe(on)))
      const rare = yield* following({ aggregates: ["B"], types: ["Rare", "Other"] }).pipe(on)
      yield* settled
      const before = reads.count
      const positions: Array<number> = []
      for (let i = 0; i < 10; i++) {
        positions.push(...(yield* append("A", 2)))
        yield* append("Foreign", 1)
        yield* until(() => all.every(({ got }) => got.length === positions.length))
      }
      expect(all.every(({ got }) => String(got) === String(positions))).toBe(true)
      // An append may be read in two steps, but never once for each subscription.
      expect(reads.count - before).toBeLessThanOrEqual(20)
      expect(reads.last).toMatchObject({ aggregates: ["A", "B"] })
      expect(rare.got).toEqual([])
      const [position] = yield* append("B", 1, "Rare")
      yield* append("B", 1)
      yield* until(() => rare.got.length === 1)
      expect(rare.got).toEqual([position])
      // The filters of those that have left are not read for any more.
      for (const { fiber } of all) yield* Fiber.interrupt(fiber)
      yield* append("A", 1)
      yield* append("B", 1, "Rare")
      yield* until(() => rare.got.length === 2)
      expect(reads.last).toMatchObject({ aggregates: ["B"], types: ["Rare", "Other"] })
      yield* Fiber.interrupt(rare.fiber)
      const { count } = reads
      yield* append("B", 1, "Rare")
      yield* settled
      expect(reads.count).toBe(count)
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )

  for (const foreign of [true, false]) {
    const events = foreign ? "events of others" : "events of its own"
    it.effect(`do not wait for one that is stuck; it misses nothing after thousands of ${events}`, () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const quick = yield* following({})
        const stuck = yield* following({ aggregates: ["A"] }, ({ event }) =>
          event === undefined ? Effect.void : Deferred.await(gate)
        )
        yield* settled
        const own = [...(yield* append("A", 1))]
        yield* until(() => stuck.got.length === 1)
        own.push(...(yield* append("A", 1)))
        for (let i = 0; i < 6; i++) {
          const more = yield* append(foreign ? "B" : "A", 1_000)
          if (!foreign) own.push(...more)
          yield* until(() => quick.got.length === 2 + (i + 1) * 1_000)
        }
        expect(stuck.got.length).toBe(1)
        yield* Deferred.succeed(gate, undefined)
        yield* until(() => stuck.got.length >= own.length)
        own.push(...(yield* append("A", 1)))
        yield* until(() => stuck.got.length >= own.length)
        expect(stuck.got).toEqual(own)
      }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
    )
  }

  for (const { appends, data, each, what } of [
    { what: "4,096 events", appends: 5, each: 1_000, data: {} },
    { what: "16 MiB", appends: 20, each: 1, data: "x".repeat(1 << 20) }
  ]) {
    it.effect(`keep at most ${what} for one that is stuck; it reads older events again`, () =>
      Effect.gen(function* () {
        const { reads, store } = yield* counting
        const on = Effect.provideService(EventStore.EventStore, store)
        const gate = yield* Deferred.make<void>()
        const quick = yield* following({}).pipe(on)
        const stuck = yield* following({}, () => Deferred.await(gate)).pipe(on)
        yield* settled
        yield* append("A", 1)
        yield* until(() => stuck.got.length === 1)
        for (let i = 1; i <= appends; i++) {
          yield* append("A", each, "Happened", data)
          yield* until(() => quick.got.length === 1 + i * each)
        }
        const { count } = reads
        yield* Deferred.succeed(gate, undefined)
        yield* until(() => stuck.got.length === quick.got.length)
        expect(stuck.got).toEqual(quick.got)
        expect(reads.count).toBeGreaterThan(count)
      }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
    )
  }

  it.effect("decode an event once for all that follow its aggregate", () =>
    Effect.gen(function* () {
      const got: Array<ReadonlyArray<unknown>> = [[], [], []]
      yield* Effect.forEach(got, (events) =>
        Subscription.events([Account]).pipe(
          Stream.runForEach(({ data }) => Effect.sync(() => (events as Array<unknown>).push(data))),
          Effect.forkScoped({ startImmediately: true })
        )
      )
      yield* settled
      yield* Executor.execute(Account, AccountId.make("a"), new OpenAccount({ owner: "Anna" }))
      yield* until(() => got.every(({ length }) => length === 1))
      expect(new Set(got.flat()).size).toBe(1)
      expect(got[0]![0]).toMatchObject({ _tag: "AccountOpened", owner: "Anna" })
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("that are further than the shared reading get nothing twice", () =>
    Effect.gen(function* () {
      const plain = yield* EventStore.EventStore
      const gate = yield* Deferred.make<void>()
      // Whoever waits for a new horizon hears of it only when the gate is open.
      const horizons = Stream.suspend(() => {
        let isFirst = true
        return Stream.mapEffect(plain.horizons, (horizon) => {
          const present = isFirst
          isFirst = false
          return present ? Effect.succeed(horizon) : Effect.as(Deferred.await(gate), horizon)
        })
      })
      const on = Effect.provideService(EventStore.EventStore, { ...plain, horizons })
      const early = yield* following({}).pipe(on)
      yield* settled
      const positions = [...(yield* append("A", 3))]
      const late = yield* following({}).pipe(on)
      yield* until(() => late.got.length === 3)
      yield* settled
      expect(early.got).toEqual([])
      yield* Deferred.succeed(gate, undefined)
      yield* until(() => early.got.length === 3)
      positions.push(...(yield* append("A", 1)))
      yield* until(() => early.got.length === 4 && late.got.length >= 4)
      expect([early.got, late.got]).toEqual([positions, positions])
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("are each told when the log has lost their position", () =>
    Effect.gen(function* () {
      const { loseLast, open } = yield* MemoryStores.lossy
      yield* Effect.gen(function* () {
        const all = yield* Effect.all([
          following({}),
          following({ aggregates: ["A"] }),
          following({ aggregates: ["B"] })
        ])
        yield* settled
        yield* append("B", 1)
        yield* append("A", 3)
        yield* until(() => all.map(({ got }) => got.length).join() === "4,3,1")
        yield* settled
        yield* loseLast(2)
        yield* append("A", 4)
        for (const { fiber } of all.slice(0, 2)) {
          expect((yield* Effect.flip(Fiber.join(fiber))).reason._tag).toBe("PositionFromAnotherHistory")
        }
      }).pipe(Effect.provide(open({})))
    }).pipe(Effect.scoped)
  )

  it.effect("say how far the log has been read, though no event is for them", () =>
    Effect.gen(function* () {
      let resume = 0
      const rare = yield* following({ aggregates: ["Rare"] }, (step) =>
        Effect.sync(() => void (resume = step.resume.position))
      )
      yield* settled
      for (let n = 1; n <= 10; n++) yield* append("A", 100)
      yield* TestClock.adjust("1 second")
      yield* until(() => resume === 1_000)
      yield* append("A", 1)
      yield* TestClock.adjust("1 second")
      yield* until(() => resume === 1_001)
      expect(rare.got).toEqual([])
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("go on when the shared reading fails for a while, and each fails by itself if it fails for good", () =>
    Effect.gen(function* () {
      const plain = yield* EventStore.EventStore
      let failure: EventStoreError | undefined
      const store = EventStore.EventStore.of({
        ...plain,
        readAll: (options) =>
          Stream.suspend(() => (failure === undefined ? plain.readAll(options) : Stream.fail(failure)))
      })
      const on = Effect.provideService(EventStore.EventStore, store)
      const two = [yield* following({}).pipe(on), yield* following({ aggregates: ["A"] }).pipe(on)]
      yield* settled
      failure = new EventStoreError({ operation: "readAll", reason: new Reason.Unavailable({ detail: "down" }) })
      yield* append("A", 3)
      yield* TestClock.adjust("1 minute")
      expect(two.map(({ got }) => got)).toEqual([[], []])
      failure = undefined
      yield* TestClock.adjust("10 seconds")
      yield* until(() => two.every(({ got }) => got.length === 3))
      failure = new EventStoreError({ operation: "readAll", reason: new Reason.Rejected({ detail: "no right" }) })
      yield* append("A", 1)
      yield* until(() => two.every(({ fiber }) => fiber.pollUnsafe() !== undefined))
      for (const { fiber } of two) expect(yield* Effect.flip(Fiber.join(fiber))).toBe(failure)
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("try again soon after a failure, however many failures came before the last success", () =>
    Effect.gen(function* () {
      const plain = yield* EventStore.EventStore
      let isAway = false
      let failed = 0
      const away = new EventStoreError({ operation: "readAll", reason: new Reason.Unavailable({ detail: "down" }) })
      const store = EventStore.EventStore.of({
        ...plain,
        readAll: (options) => Stream.suspend(() => (isAway ? Stream.fail((failed++, away)) : plain.readAll(options)))
      })
      const { got } = yield* following({}).pipe(Effect.provideService(EventStore.EventStore, store))
      yield* settled
      for (const events of [1, 2]) {
        isAway = true
        failed = 0
        yield* append("A", 1)
        yield* until(() => failed === 1)
        yield* TestClock.adjust("99 millis")
        expect(failed).toBe(1)
        yield* TestClock.adjust("1 millis")
        yield* until(() => failed === 2)
        yield* TestClock.adjust("1 minute")
        isAway = false
        yield* TestClock.adjust("10 seconds")
        yield* until(() => got.length === events)
      }
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("are not shared with one inside a transaction of its caller", () =>
    Effect.gen(function* () {
      const { reads, store } = yield* counting
      const joined = { ...store, inTransaction: () => true }
      const inside = yield* following({}).pipe(Effect.provideService(EventStore.EventStore, joined))
      const outside = yield* following({}).pipe(Effect.provideService(EventStore.EventStore, store))
      yield* settled
      const before = reads.count
      yield* append("A", 1)
      yield* until(() => inside.got.length + outside.got.length === 2)
      expect(reads.count - before).toBe(2)
    }).pipe(Effect.scoped, Effect.provide(MemoryEventStore.layer()))
  )
})
