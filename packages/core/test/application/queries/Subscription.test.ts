import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Aggregate, Decision, EventStore, EventStoreError, Executor, Reason, Subscription } from "@hexfold/core"
import { Effect, Fiber, Queue, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Account, AccountId, Deposit, OpenAccount } from "../../support/account.ts"

const Ring = Schema.TaggedStruct("Ring", {})
const Rang = Schema.TaggedStruct("Rang", {})
const Bell = Aggregate.make("Bell", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Ring],
  events: [Rang],
  errors: [],
  decide: { Ring: () => Decision.accept({ _tag: "Rang" }) },
  evolve: { Rang: (count) => count + 1 }
})

const id = AccountId.make("a-1")
const open = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
const deposit = Executor.execute(Account, id, new Deposit({ amount: 1 }))
const ring = Executor.execute(Bell, "b", { _tag: "Ring" })

/** The events that a subscription delivers, to be taken one at a time. Taking waits for the next event. */
const subscribed = (options?: Subscription.SubscriptionOptions) =>
  Effect.gen(function* () {
    const delivered = yield* Queue.unbounded<EventStore.RecordedEvent>()
    yield* Subscription.recorded(options).pipe(
      Stream.runForEach((event) => Queue.offer(delivered, event)),
      Effect.forkScoped({ startImmediately: true })
    )
    return Effect.map(Queue.take(delivered), ({ position, type }) => `${position} ${type}`)
  })

describe("recorded", () => {
  it.effect("delivers the present events, and then each new one", () =>
    Effect.gen(function* () {
      yield* open
      yield* deposit
      const next = yield* subscribed()
      expect([yield* next, yield* next]).toEqual(["1 AccountOpened", "2 MoneyDeposited"])
      yield* deposit
      expect(yield* next).toBe("3 MoneyDeposited")
      yield* ring
      yield* ring
      expect([yield* next, yield* next]).toEqual(["4 Rang", "5 Rang"])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("from now on delivers the events that come later, and says first where it has begun", () =>
    Effect.gen(function* () {
      yield* open
      yield* deposit
      const begun = yield* Queue.unbounded<Subscription.Step>()
      yield* Subscription.recordedSteps({ from: "now" }).pipe(
        Stream.runForEach((step) => Queue.offer(begun, step)),
        Effect.forkScoped({ startImmediately: true })
      )
      expect(yield* Queue.take(begun)).toEqual({ event: undefined, resume: { history: 1, position: 2 } })
      yield* ring
      const { event, resume } = yield* Queue.take(begun)
      expect([event?.position, resume.position]).toEqual([3, 3])
      expect(yield* Stream.runCollect(Subscription.events([Bell], { from: "now", upTo: 3 }))).toEqual([])
      const both = yield* Effect.flip(Stream.runDrain(Subscription.recorded({ from: "now", after: 0 })))
      expect(both.message).toContain("both `from` and `after` are given")
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("ends after the events up to a position, also if the last of them are still to come", () =>
    Effect.gen(function* () {
      yield* open
      yield* deposit
      yield* ring
      const positions = (options: Subscription.SubscriptionOptions) =>
        Effect.map(Stream.runCollect(Subscription.recorded(options)), (events) =>
          events.map(({ position }) => position)
        )
      expect(yield* positions({ upTo: 2 })).toEqual([1, 2])
      expect(yield* positions({ upTo: 3, aggregates: ["Account"] })).toEqual([1, 2])
      expect(yield* positions({ after: 2, upTo: 2 })).toEqual([])
      const waiting = yield* Effect.forkChild(positions({ after: 1, upTo: 4 }), { startImmediately: true })
      yield* ring
      yield* ring
      expect(yield* Fiber.join(waiting)).toEqual([2, 3, 4])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("ends at its last position also if the store fails right after the event there was delivered", () =>
    Effect.gen(function* () {
      yield* open
      yield* deposit
      const store = yield* EventStore.EventStore
      let isFirst = true
      const away = new EventStoreError({ operation: "readAll", reason: new Reason.Unavailable({ detail: "away" }) })
      const failing = EventStore.EventStore.of({
        ...store,
        readAll: (options) =>
          Stream.concat(
            store.readAll(options),
            Stream.suspend(() => (isFirst ? ((isFirst = false), Stream.fail(away)) : Stream.empty))
          )
      })
      const events = yield* Stream.runCollect(Subscription.recorded({ upTo: 2 })).pipe(
        Effect.provideService(EventStore.EventStore, failing),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(events)).map(({ position }) => position)).toEqual([1, 2])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("waits for the first event in an empty store", () =>
    Effect.gen(function* () {
      const next = yield* subscribed()
      yield* open
      expect(yield* next).toBe("1 AccountOpened")
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("delivers only the events of the given aggregates, past and new", () =>
    Effect.gen(function* () {
      yield* ring
      yield* open
      const next = yield* subscribed({ aggregates: ["Account"] })
      yield* ring
      yield* deposit
      expect([yield* next, yield* next]).toEqual(["2 AccountOpened", "4 MoneyDeposited"])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("delivers only the events of the given types", () =>
    Effect.gen(function* () {
      yield* open
      yield* deposit
      const next = yield* subscribed({ types: ["MoneyDeposited", "Rang"] })
      yield* ring
      expect([yield* next, yield* next]).toEqual(["2 MoneyDeposited", "3 Rang"])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("begins after the given position", () =>
    Effect.gen(function* () {
      yield* open
      const last = yield* deposit
      yield* deposit
      const next = yield* subscribed({ after: last.position })
      yield* ring
      expect([yield* next, yield* next]).toEqual(["3 MoneyDeposited", "4 Rang"])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("delivers nothing twice after the position of the last event", () =>
    Effect.gen(function* () {
      const last = yield* open
      const next = yield* subscribed({ after: last.position })
      yield* deposit
      expect(yield* next).toBe("2 MoneyDeposited")
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("begins anew for each run", () =>
    Effect.gen(function* () {
      yield* open
      yield* deposit
      const two = Subscription.recorded().pipe(Stream.take(2), Stream.runCollect)
      expect(yield* two).toEqual(yield* two)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("misses and repeats nothing while events come faster than they are consumed", () =>
    Effect.gen(function* () {
      yield* open
      const consuming = yield* Subscription.recorded().pipe(
        Stream.tap(() => Effect.yieldNow),
        Stream.take(501),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      for (let i = 0; i < 500; i++) {
        yield* deposit
        if (i % 7 === 0) yield* Effect.yieldNow
      }
      const positions = (yield* Fiber.join(consuming)).map(({ position }) => position)
      expect(positions).toEqual(Array.from({ length: 501 }, (_, i) => i + 1))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("events", () => {
  const taken = <S extends Subscription.Source>(
    aggregates: ReadonlyArray<S>,
    n: number,
    options?: Subscription.EventsOptions<Subscription.EventOf<S>["_tag"]>
  ) =>
    Subscription.events(aggregates, options).pipe(
      Stream.take(n),
      Stream.map(({ data, position }) => [position, data] as const),
      Stream.runCollect
    )

  it.effect("delivers the decoded events of the aggregates, past and new", () =>
    Effect.gen(function* () {
      yield* ring
      yield* open
      const fiber = yield* Effect.forkChild(taken([Account], 2), { startImmediately: true })
      yield* ring
      yield* deposit
      const [opened, deposited] = yield* Fiber.join(fiber)
      expect(opened).toEqual([2, expect.objectContaining({ _tag: "AccountOpened", owner: "Anna" })])
      expect(deposited).toEqual([4, expect.objectContaining({ _tag: "MoneyDeposited", amount: 1 })])
      expect((yield* taken([Account, Bell], 4)).map(([position, { _tag }]) => [position, _tag])).toEqual([
        [1, "Rang"],
        [2, "AccountOpened"],
        [3, "Rang"],
        [4, "MoneyDeposited"]
      ])
      expect(
        (yield* taken([Account, Bell], 2, { after: 1, types: ["Rang", "MoneyDeposited"] })).map(([at]) => at)
      ).toEqual([3, 4])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("fails at an event that this program does not know; a new stream can begin after it", () =>
    Effect.gen(function* () {
      yield* ring
      yield* open
      const Older = { ...Bell, schemas: { ...Bell.schemas, events: new Map() as never } }
      const error = yield* Effect.flip(taken([Older], 1))
      expect(error).toMatchObject({ _tag: "UnknownEvent", stream: "Bell-b", version: 1, position: 1, type: "Rang" })
      expect((yield* taken([Account], 1, { after: 1 })).length).toBe(1)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it("takes only types that the aggregates have", () => {
    // @ts-expect-error a bell has no such events
    Subscription.events([Bell], { types: ["MoneyDeposited"] })
    Subscription.events([Bell, Account], { types: ["MoneyDeposited"] })
  })
})
