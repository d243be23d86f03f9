import { describe, expect, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import {
  Aggregate,
  Boundary,
  CommandIdReused,
  ConcurrencyConflict,
  Decision,
  EventDecodeError,
  EventStore,
  EventStoreError,
  Executor,
  InvalidCommand,
  InvalidDecision,
  Reason,
  UnknownEvent,
  StreamWrittenTwice,
  TooManyParticipants,
  ViewStoreError,
  WaitTimeout
} from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Layer, Metric, Schedule, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  Account,
  AccountId,
  AccountOpened,
  AlreadyOpen,
  Deposit,
  InsufficientFunds,
  MoneyDeposited,
  NotOpen,
  OpenAccount,
  Withdraw
} from "../../support/account.ts"
import { appendOne } from "../../support/appendOne.ts"

const id = AccountId.make("a-1")
const stream = Account.streamId(id)

const recordedTypes = EventStore.EventStore.use((store) =>
  Stream.runCollect(store.readAll()).pipe(Effect.map((events) => events.map(({ type }) => type)))
)

// A counter whose domain can misbehave: it records numbers that its event's schema forbids, throws, or does nothing.
const Emit = Schema.TaggedStruct("Emit", { by: Schema.Number, times: Schema.Int })
const Throw = Schema.TaggedStruct("Throw", {})
const Emitted = Schema.TaggedStruct("Emitted", { by: Schema.Int })
const bug = new Error("a mistake in decide")
const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Emit, Throw],
  events: [Emitted],
  errors: [],
  decide: {
    Emit: ({ by, times }) =>
      Decision.concat(...Array.from({ length: times }, () => Decision.accept({ _tag: "Emitted", by }))),
    Throw: () => {
      throw bug
    }
  },
  evolve: { Emitted: (count, { by }) => count + by }
})

describe("execute", () => {
  it.effect("returns what was recorded and where", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Account, AccountId.make("other"), new OpenAccount({ owner: "Bert" }))
      const opened = yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
      expect(opened).toMatchObject({ streamId: stream, version: 1, position: 2, attempts: 1, repeated: false })
      const deposited = yield* Executor.execute(Account, id, new Deposit({ amount: 5 }))
      expect(deposited).toMatchObject({ streamId: stream, version: 2, position: 3, attempts: 1, repeated: false })
      expect(deposited.events).toHaveLength(1)
      expect(deposited.events[0]).toMatchObject({ streamId: stream, version: 2, position: 3, type: "MoneyDeposited" })
      expect(deposited.events[0]!.data).toEqual(new MoneyDeposited({ amount: 5 }))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("records all events of a command, in their order", () =>
    Effect.gen(function* () {
      const receipt = yield* Executor.execute(Counter, "c", { _tag: "Emit", by: 2, times: 3 })
      expect(receipt.events.map(({ position, version }) => [version, position])).toEqual([
        [1, 1],
        [2, 2],
        [3, 3]
      ])
      expect(receipt).toMatchObject({ version: 3, position: 3 })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("decides on the state that the recorded events make", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
      yield* Executor.execute(Account, id, new Deposit({ amount: 5 }))
      yield* Executor.execute(Account, id, new Withdraw({ amount: 3 }))
      const error = yield* Effect.flip(Executor.execute(Account, id, new Withdraw({ amount: 3 })))
      expect(error).toEqual(new InsufficientFunds({ balance: 2, requested: 3 }))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("a rejected command leaves no event behind", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(Executor.execute(Account, id, new Deposit({ amount: 1 })))).toEqual(new NotOpen())
      expect(yield* recordedTypes).toEqual([])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("a command without an event records nothing and appends nothing", () =>
    Effect.gen(function* () {
      const receipt = yield* Executor.execute(Counter, "c", { _tag: "Emit", by: 1, times: 0 })
      expect(receipt).toEqual({
        streamId: Counter.streamId("c"),
        events: [],
        version: 0,
        position: 0,
        history: 1,
        attempts: 1,
        repeated: false
      })
      expect(yield* recordedTypes).toEqual([])
    }).pipe(Effect.provide(storeWith({ append: () => Effect.die("appended") })))
  )

  it.effect("a command without an event reports the version that it saw", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Counter, "c", { _tag: "Emit", by: 1, times: 2 })
      const receipt = yield* Executor.execute(Counter, "c", { _tag: "Emit", by: 1, times: 0 })
      expect(receipt).toMatchObject({ version: 2, position: 0, events: [] })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("an event that breaks its own schema is refused with the cause, and nothing is written", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Executor.execute(Counter, "c", { _tag: "Emit", by: 1.5, times: 1 }))
      if (!(error instanceof InvalidDecision)) return expect.fail(`failed with ${error._tag}`)
      expect(error.target).toBe("Counter")
      expect(error.detail).toContain("the event Emitted does not match its schema")
      expect(Schema.isSchemaError(error.cause)).toBe(true)
      expect(yield* recordedTypes).toEqual([])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("a recorded event that cannot be decoded fails the command, and is not skipped", () =>
    Effect.gen(function* () {
      yield* appendForeignEvent
      const error = yield* Effect.flip(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" })))
      expect(error).toBeInstanceOf(UnknownEvent)
      expect(error).toMatchObject({ stream, version: 1, type: "AccountMoved", isRetryable: true })
      expect(yield* recordedTypes).toEqual(["AccountMoved"])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("an exception in decide is a defect", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Executor.execute(Counter, "c", { _tag: "Throw" }))
      expect(exit).toEqual(Exit.die(bug))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect(
    "a failure of an append comes through with its reason, streams and attempts, and is not tried again",
    () => {
      const down = new EventStoreError({
        operation: "append",
        reason: new Reason.Unavailable({ detail: "down" })
      })
      let appends = 0
      const failing = storeWith({ append: () => (appends++, Effect.fail(down)) })
      return Effect.gen(function* () {
        const error = yield* Effect.flip(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" })))
        expect(error).toMatchObject({ ...down, streams: [Account.streamId(id)], attempts: 1 })
        expect(appends).toBe(1)
      }).pipe(Effect.provide(failing))
    }
  )
})

describe("load", () => {
  it.effect("gives the state after all events, and the version", () =>
    Effect.gen(function* () {
      expect(yield* Executor.load(Account, id)).toEqual({ state: { _tag: "Unopened" }, version: 0 })
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
      yield* Executor.execute(Account, id, new Deposit({ amount: 5 }))
      expect(yield* Executor.load(Account, id)).toEqual({
        state: { _tag: "Open", owner: "Anna", balance: 5 },
        version: 2
      })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("fails on an event that cannot be decoded", () =>
    Effect.gen(function* () {
      yield* appendForeignEvent
      expect(yield* Effect.flip(Executor.load(Account, id))).toBeInstanceOf(UnknownEvent)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("executeUnknown", () => {
  it.effect("decodes the id and the command, then executes", () =>
    Effect.gen(function* () {
      const receipt = yield* Executor.executeUnknown(Account, "a-1", { _tag: "OpenAccount", owner: "Anna" })
      expect(receipt).toMatchObject({ streamId: stream, version: 1 })
      expect(receipt.events[0]!.data).toEqual(new AccountOpened({ owner: "Anna" }))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("passes its options on", () =>
    Effect.gen(function* () {
      const once = Executor.executeUnknown(Account, "a-1", { _tag: "OpenAccount", owner: "Anna" }, { commandId: "r-1" })
      expect(yield* once).toMatchObject({ repeated: false })
      expect(yield* once).toMatchObject({ repeated: true })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect.each([
    ["id", 1, { _tag: "OpenAccount", owner: "Anna" }, "string"],
    ["command", "a-1", { _tag: "Close" }, 'the _tag is "Close", expected one of OpenAccount, Deposit, Withdraw'],
    ["command", "a-1", { _tag: "Deposit", amount: -1 }, '["amount"]'],
    ["command", "a-1", null, "there is no _tag"]
  ] as const)("refuses a wrong %s and executes nothing", ([part, given, command, detail]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Executor.executeUnknown(Account, given, command))
      if (!(error instanceof InvalidCommand)) return expect.fail(`failed with ${error._tag}`)
      expect(error).toMatchObject({ target: "Account", part })
      expect(error.detail).toContain(detail)
    }).pipe(Effect.provide(storeWith({ readStreams: () => Effect.die("read") })))
  )
})

describe("a conflict", () => {
  it.effect("reloads and decides again on what is there now", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
      yield* Executor.execute(Account, id, new Deposit({ amount: 5 }))
      const rivalled = Executor.execute(Account, id, new Withdraw({ amount: 3 })).pipe(
        Effect.provideServiceEffect(
          EventStore.EventStore,
          // Between the reading and the append somebody else withdraws 4.
          EventStore.EventStore.useSync((store) => {
            let first = true
            const append: Store["append"] = (append) => {
              if (!first) return store.append(append)
              first = false
              return Effect.andThen(Effect.orDie(rival(4)), store.append(append))
            }
            const rival = (amount: number) =>
              Executor.execute(Account, id, new Withdraw({ amount })).pipe(
                Effect.provideService(EventStore.EventStore, store)
              )
            return { ...store, append }
          })
        )
      )
      expect(yield* Effect.flip(patiently(rivalled))).toEqual(new InsufficientFunds({ balance: 1, requested: 3 }))
      expect(yield* recordedTypes).toEqual(["AccountOpened", "MoneyDeposited", "MoneyWithdrawn"])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("is not seen by the caller once an attempt succeeds: the receipt says how many it took", () =>
    Effect.gen(function* () {
      const receipt = yield* patiently(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" })))
      expect(receipt).toMatchObject({ version: 1, attempts: 4, repeated: false })
      expect(yield* recordedTypes).toEqual(["AccountOpened"])
    }).pipe(Effect.provide(conflicting(3)))
  )

  it.effect("ends the command after 5 attempts if its policy says so, and the error says so", () =>
    Effect.gen(function* () {
      const opening = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { retry: fiveAttempts })
      const error = yield* Effect.flip(patiently(opening))
      expect(error).toEqual(conflict(5))
      expect(yield* recordedTypes).toEqual([])
    }).pipe(Effect.provide(conflicting(Infinity)))
  )

  it.effect("in four attempts leaves the fifth to succeed", () =>
    Effect.gen(function* () {
      const receipt = yield* patiently(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" })))
      expect(receipt.attempts).toBe(5)
    }).pipe(Effect.provide(conflicting(4)))
  )

  it.effect("is followed by the pause of the policy, here about twice as long each time", () => {
    const reads: Array<number> = []
    return Effect.gen(function* () {
      const opening = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { retry: fiveAttempts })
      yield* Effect.flip(patiently(opening))
      const pauses = reads.slice(1).map((at, i) => at - reads[i]!)
      expect(pauses).toHaveLength(4)
      for (const [i, middle] of [5, 10, 20, 40].entries()) {
        expect(pauses[i]).toBeGreaterThanOrEqual(Math.floor(middle * 0.8))
        expect(pauses[i]).toBeLessThanOrEqual(Math.ceil(middle * 1.2))
      }
    }).pipe(
      Effect.provide(
        conflicting(
          Infinity,
          Effect.map(Clock.currentTimeMillis, (now) => reads.push(now))
        )
      )
    )
  })

  it.effect(
    "is by default tried again for 10 seconds, after pauses at random below a limit that grows to 250 ms",
    () => {
      const reads: Array<number> = []
      return Effect.gen(function* () {
        const error = yield* Effect.flip(patiently(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))))
        expect(error).toEqual(conflict(reads.length))
        const pauses = reads.slice(1).map((at, i) => at - reads[i]!)
        for (const [i, pause] of pauses.entries()) expect(pause).toBeLessThanOrEqual(Math.min(5 * 2 ** i, 250) + 1)
        expect(Math.max(...pauses)).toBeGreaterThan(125)
        expect(pauses.filter((pause) => pause < 125).length).toBeGreaterThan(10)
        expect(reads.at(-1)! - reads[0]!).toBeGreaterThan(9_500)
        expect(reads.at(-1)! - reads[0]!).toBeLessThan(10_500)
      }).pipe(
        Effect.provide(
          conflicting(
            Infinity,
            Effect.map(Clock.currentTimeMillis, (now) => reads.push(now))
          )
        )
      )
    }
  )

  it.effect("follows the policy of the call", () =>
    Effect.gen(function* () {
      const retry = Schedule.recurs(1)
      const error = yield* Effect.flip(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { retry }))
      expect(error).toEqual(conflict(2))
    }).pipe(Effect.provide(conflicting(Infinity)))
  )

  it.effect("follows the policy of the program where the call has none, and the call's where it has one", () =>
    Effect.gen(function* () {
      const open = (options?: Executor.ExecuteOptions) =>
        Effect.flip(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), options))
      expect(yield* open()).toEqual(conflict(3))
      expect(yield* open({ retry: Schedule.recurs(0) })).toEqual(conflict(1))
    }).pipe(
      Effect.provideService(Executor.CurrentRetryPolicy, Schedule.recurs(2)),
      Effect.provide(conflicting(Infinity))
    )
  )

  it.effect("of each command counts for itself, also under one policy", () =>
    Effect.gen(function* () {
      const retry = Schedule.recurs(2)
      for (let i = 0; i < 3; i++) {
        const error = yield* Effect.flip(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { retry }))
        expect(error).toEqual(conflict(3))
      }
    }).pipe(Effect.provide(conflicting(Infinity)))
  )

  it.effect("never makes a lost update: of many commands at once each sees the ones before it", () =>
    Effect.gen(function* () {
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
      yield* Executor.execute(Account, id, new Deposit({ amount: 10 }))
      const retry = Schedule.forever
      const exits = yield* Effect.forEach(
        Array.from({ length: 30 }),
        () => Effect.exit(Executor.execute(Account, id, new Withdraw({ amount: 1 }), { retry })),
        { concurrency: "unbounded" }
      )
      expect(exits.filter(Exit.isSuccess)).toHaveLength(10)
      expect((yield* Executor.load(Account, id)).state).toMatchObject({ balance: 0 })
    }).pipe(Effect.provide(racing))
  )
})

describe("a command id", () => {
  it.effect("that comes again returns the first receipt, although decide would reject now", () =>
    Effect.gen(function* () {
      const open = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { commandId: "r-1" })
      const first = yield* open
      yield* Executor.execute(Account, id, new Deposit({ amount: 5 }))
      expect(yield* open).toEqual({ ...first, attempts: 0, repeated: true })
      expect(yield* recordedTypes).toEqual(["AccountOpened", "MoneyDeposited"])
      const without = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
      expect(yield* Effect.flip(without)).toEqual(new AlreadyOpen())
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("that comes again returns events of the domain, not what the store has", () =>
    Effect.gen(function* () {
      const open = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { commandId: "r-1" })
      yield* open
      expect((yield* open).events[0]!.data).toBeInstanceOf(AccountOpened)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("remembers a command without an event, too", () =>
    Effect.gen(function* () {
      const nothing = Executor.execute(Counter, "c", { _tag: "Emit", by: 1, times: 0 }, { commandId: "r-1" })
      expect(yield* nothing).toMatchObject({ events: [], version: 0, attempts: 1, repeated: false })
      yield* Executor.execute(Counter, "c", { _tag: "Emit", by: 1, times: 1 })
      expect(yield* nothing).toMatchObject({ events: [], version: 0, attempts: 0, repeated: true })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("of a rejected command is free for another attempt", () =>
    Effect.gen(function* () {
      const deposit = Executor.execute(Account, id, new Deposit({ amount: 5 }), { commandId: "r-1" })
      expect(yield* Effect.flip(deposit)).toEqual(new NotOpen())
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
      expect(yield* deposit).toMatchObject({ attempts: 1, repeated: false })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("with another command, or on another stream, is refused and writes nothing", () =>
    Effect.gen(function* () {
      const options = { commandId: "r-1" }
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), options)
      const otherCommand = yield* Effect.flip(
        Executor.execute(Account, id, new OpenAccount({ owner: "Bert" }), options)
      )
      const otherId = AccountId.make("a-2")
      const otherStream = yield* Effect.flip(
        Executor.execute(Account, otherId, new OpenAccount({ owner: "Anna" }), options)
      )
      for (const error of [otherCommand, otherStream]) {
        expect(error).toBeInstanceOf(CommandIdReused)
        expect(error).toMatchObject({ commandId: "r-1" })
      }
      expect(yield* recordedTypes).toEqual(["AccountOpened"])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("used by several at once has one effect", () =>
    Effect.gen(function* () {
      const open = Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { commandId: "r-1" })
      const receipts = yield* Effect.all(
        Array.from({ length: 10 }, () => open),
        { concurrency: "unbounded" }
      )
      expect(receipts.map(({ attempts, repeated }) => [repeated, attempts])).toEqual([
        [false, 1],
        ...Array.from({ length: 9 }, () => [true, 0])
      ])
      expect(new Set(receipts.map(({ events }) => events[0]!.id)).size).toBe(1)
      expect(yield* recordedTypes).toEqual(["AccountOpened"])
    }).pipe(Effect.provide(racing))
  )

  it.effect("that no store could keep is refused", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }), { commandId: "a\0b" })
      )
      expect(error).toMatchObject({ _tag: "InvalidCommand", target: "Account", part: "commandId" })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("of a command that breaks its schema is refused with the cause", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Executor.execute(Counter, "c", { _tag: "Emit", by: 1, times: 0.5 }, { commandId: "r-1" })
      )
      if (!(error instanceof InvalidCommand)) return expect.fail(`failed with ${error._tag}`)
      expect(error).toMatchObject({ target: "Counter", part: "command" })
      expect(error.detail).toContain('["times"]')
      expect(Schema.isSchemaError(error.cause)).toBe(true)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

// A hotel whose beds are whole numbers; a number of beds satisfies its type also if it is not.
class SetBeds extends Schema.TaggedClass<SetBeds>()("SetBeds", { beds: Schema.Int }) {}
class BedsSet extends Schema.TaggedClass<BedsSet>()("BedsSet", { beds: Schema.Int }) {}
const Added = Schema.TaggedStruct("Added", { beds: Schema.Int })
const Hotel = Aggregate.make("Hotel", {
  id: Schema.NonEmptyString,
  state: Schema.Int,
  initial: 0,
  commands: [SetBeds, Schema.TaggedStruct("Add", { beds: Schema.Int })],
  events: [BedsSet, Added],
  errors: [],
  decide: {
    SetBeds: ({ beds }) => Decision.accept(new BedsSet({ beds })),
    Add: ({ beds }) => Decision.accept({ _tag: "Added", beds })
  },
  evolve: { BedsSet: (_, { beds }) => beds, Added: (state, { beds }) => state + beds }
})
const Open = Boundary.make("Open", {
  command: Schema.TaggedStruct("Open", { hotel: Schema.String, beds: Schema.Int }),
  participants: ({ hotel }) => ({ hotel: Hotel.at(hotel) }),
  decide: ({ beds }) => Decision.all({ hotel: Decision.accept(new BedsSet({ beds })) })
})

describe("a typed command that breaks its schema", () => {
  const part = "command" as const

  it.effect.each([
    ["an event's constructor throws in decide", Executor.execute(Hotel, "h", { _tag: "SetBeds", beds: 1.5 })],
    ["an event cannot be encoded", Executor.execute(Hotel, "h", { _tag: "Add", beds: 1.5 })],
    ["a boundary's decide throws", Executor.execute(Open, { _tag: "Open", hotel: "h", beds: 1.5 })],
    ["it has an id", Executor.execute(Hotel, "h", { _tag: "SetBeds", beds: 1.5 }, { commandId: "r-1" })]
  ] as const)("fails as an invalid command, with the path, where %s", ([, executing]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip<unknown, Executor.BoundaryError, EventStore.EventStore>(executing)
      if (!(error instanceof InvalidCommand)) return expect.fail(`failed with ${error._tag}`)
      expect(error.part).toBe(part)
      expect(error.detail).toBe('Expected an integer\n  at ["beds"]')
      expect(Schema.isSchemaError(error.cause)).toBe(true)
      expect(yield* recordedTypes).toEqual([])
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("fails with InvalidCommand if an id breaks its schema", () =>
    Effect.gen(function* () {
      const execute = Executor.execute(Hotel, "", { _tag: "SetBeds", beds: 1 })
      expect(yield* Effect.flip(execute)).toMatchObject({ _tag: "InvalidCommand", target: "Hotel", part: "id" })
      expect(yield* Effect.flip(Executor.load(Hotel, ""))).toMatchObject({ _tag: "InvalidCommand", part: "id" })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("fails with InvalidCommand if a boundary cannot name the participants of an invalid command", () =>
    Effect.gen(function* () {
      const Count = Boundary.make("Count", {
        command: Schema.TaggedStruct("Count", { hotels: Schema.Array(Schema.NonEmptyString) }),
        participants: ({ hotels }) => ({ hotels: hotels.map((hotel) => Hotel.at(hotel)) }),
        decide: () => Decision.nothing
      })
      const error = yield* Effect.flip(Executor.execute(Count, { _tag: "Count", hotels: ["h", ""] }))
      expect(error).toMatchObject({ _tag: "InvalidCommand", target: "Count", part: "command" })
      expect(error.message).toContain('["hotels"][1]')
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("fails with InvalidCommand if no store keeps the name of a stream or the command id", () =>
    Effect.gen(function* () {
      const bad = "a\0b"
      const command = { _tag: "Emit", by: 1, times: 1 } as const
      const id = yield* Effect.flip(Executor.execute(Counter, bad, command))
      expect(id).toMatchObject({ _tag: "InvalidCommand", target: "Counter", part: "id" })
      const empty = yield* Effect.flip(Executor.execute(Counter, "c", command, { commandId: "" }))
      expect(empty.message).toContain("Counter: not a valid command id: ")
      const boundary = yield* Effect.flip(Executor.execute(Open, { _tag: "Open", hotel: bad, beds: 1 }))
      expect(boundary).toMatchObject({ _tag: "InvalidCommand", target: "Open", part: "command" })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("fails with InvalidCommand if the first participants of a valid command cannot be named", () =>
    Effect.gen(function* () {
      const unnamed = yield* Effect.flip(Executor.execute(Open, { _tag: "Open", hotel: "", beds: 1 }))
      expect(unnamed).toMatchObject({ _tag: "InvalidCommand", target: "Open", part: "command" })
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it.effect("leaves a mistake of the program what it is, if the command is valid", () =>
    Effect.gen(function* () {
      const Follow = Boundary.make("Follow", {
        command: Schema.TaggedStruct("Follow", { hotel: Schema.NonEmptyString }),
        participants: ({ hotel }) => Boundary.discover({ hotel: Hotel.at(hotel) }, () => ({ next: Hotel.at("") })),
        decide: () => Decision.nothing
      })
      const unnamed = yield* Effect.flip(Executor.execute(Follow, { _tag: "Follow", hotel: "h" }))
      expect(unnamed).toMatchObject({ _tag: "InvalidDecision", target: "Follow" })
      expect(yield* Effect.exit(Executor.execute(Counter, "c", { _tag: "Throw" }))).toEqual(Exit.die(bug))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("an error of a domain that has the tag of a technical one", () => {
  const tags = ["EventStoreError", "ConcurrencyConflict", "InvalidCommand"] as const
  const Refuse = Schema.TaggedStruct("Refuse", { tag: Schema.Literals(tags) })
  const Stubborn = Aggregate.make("Stubborn", {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    commands: [Refuse],
    events: [Emitted],
    errors: tags.map((tag) => Schema.TaggedStruct(tag, { isRetryable: Schema.Boolean })),
    decide: { Refuse: ({ tag }) => Decision.reject({ _tag: tag, isRetryable: true }) },
    evolve: { Emitted: (state) => state }
  })

  it.effect.each(tags)("is a rejection: %s is not tried again, counts as rejected, and is not technical", (tag) =>
    Effect.gen(function* () {
      const refuse = Executor.execute(Stubborn, "a", { _tag: "Refuse", tag }, { commandId: "r-1" })
      const error = yield* refuse.pipe(
        Executor.catchTechnical(() => Effect.die("technical")),
        Effect.flip
      )
      expect(error).toEqual({ _tag: tag, isRetryable: true })
      const series = (yield* Metric.snapshot).map(({ attributes, id }) => ({ id, ...attributes }))
      expect(series).toEqual([
        {
          id: "hexfold_command_duration_seconds",
          aggregate: "Stubborn",
          command: "Refuse",
          outcome: "rejected",
          error: tag
        }
      ])
    }).pipe(
      Effect.provideService(Executor.CurrentRetryPolicy, Schedule.forever),
      Effect.provideService(Executor.CurrentStoreRetryPolicy, Schedule.forever),
      Effect.provide(MemoryEventStore.layer()),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  )

  it.effect("is a rejection also after a conflict", () =>
    Effect.gen(function* () {
      const decided: Array<number> = []
      const Late = Aggregate.make("Late", {
        id: Schema.String,
        state: Schema.Int,
        initial: 0,
        commands: [Schema.TaggedStruct("Try", {})],
        events: [Emitted],
        errors: [Schema.TaggedStruct("ConcurrencyConflict", {})],
        decide: {
          Try: () =>
            decided.push(1) === 1
              ? Decision.accept({ _tag: "Emitted", by: 1 })
              : Decision.reject({ _tag: "ConcurrencyConflict" })
        },
        evolve: { Emitted: (state) => state }
      })
      const error = yield* Effect.flip(patiently(Executor.execute(Late, "a", { _tag: "Try" })))
      expect(error).toEqual({ _tag: "ConcurrencyConflict" })
      expect(decided).toHaveLength(2)
    }).pipe(Effect.provide(conflicting(1)))
  )
})

describe("a store that does not know its own history", () => {
  it.effect("is asked a few times, and then the command fails with what it says", () =>
    Effect.gen(function* () {
      let appends = 0
      const reason = new Reason.PositionFromAnotherHistory({
        detail: "of another server",
        history: 1,
        position: 1,
        current: 2
      })
      const lost = Effect.suspend(() => {
        appends++
        return Effect.fail(new EventStoreError({ operation: "append", reason }))
      })
      const error = yield* Effect.flip(
        EventStore.EventStore.use((store) =>
          Executor.execute(Account, id, new OpenAccount({ owner: "Anna" })).pipe(
            Effect.provideService(EventStore.EventStore, { ...store, append: () => lost })
          )
        )
      )
      expect(error).toMatchObject({ _tag: "EventStoreError", reason: { _tag: "PositionFromAnotherHistory" } })
      expect(appends).toBe(4)
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )
})

describe("catchTechnical", () => {
  it.effect("hands every technical error to one handler, and leaves those of the domain", () =>
    Effect.gen(function* () {
      const caught = <A, E, R>(executing: Effect.Effect<A, E, R>) =>
        Executor.catchTechnical(executing, (error) => Effect.succeed(error._tag))
      const deposit = Executor.execute(Account, id, new Deposit({ amount: 1 }), { retry: Schedule.recurs(0) })
      expect(yield* Effect.flip(caught(deposit))).toEqual(new NotOpen())
      yield* Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
      const failing = (error: ConcurrencyConflict | EventStoreError) =>
        EventStore.EventStore.use((store) =>
          caught(deposit).pipe(
            Effect.provideService(EventStore.EventStore, { ...store, append: () => Effect.fail(error) })
          )
        )
      expect(yield* failing(conflict(1))).toBe("ConcurrencyConflict")
      const down = new EventStoreError({ operation: "append", reason: new Reason.Unavailable({ detail: "down" }) })
      expect(yield* failing(down)).toBe("EventStoreError")
      expect(yield* Executor.executeUnknown(Account, 1, {}).pipe(caught)).toBe("InvalidCommand")
      expect(yield* Effect.exit(caught(Executor.execute(Counter, "c", { _tag: "Throw" })))).toEqual(Exit.die(bug))
    }).pipe(Effect.provide(MemoryEventStore.layer()))
  )

  it("tells apart who can mend an error", () => {
    const kinds = (error: unknown) => [
      Executor.isTechnicalError(error),
      Executor.isCallerError(error),
      Executor.isOperationalError(error),
      Executor.isProgramError(error)
    ]
    const reason = new Reason.Unavailable({ detail: "down" })
    expect(kinds(new InvalidCommand({ target: "A", part: "id", detail: "" }))).toEqual([true, true, false, false])
    expect(kinds(new CommandIdReused({ commandId: "c", stored: "a", given: "b" }))).toEqual([true, true, false, false])
    expect(kinds(conflict(1))).toEqual([true, false, true, false])
    expect(kinds(new EventStoreError({ operation: "append", reason }))).toEqual([true, false, true, false])
    expect(kinds(new ViewStoreError({ operation: "status", reason }))).toEqual([true, false, true, false])
    const undecodable = new EventDecodeError({ stream: "A-a", version: 1, type: "T", detail: "" })
    expect(kinds(undecodable)).toEqual([true, false, false, true])
    const twice = new StreamWrittenTwice({ boundary: "B", stream: "A-a", roles: ["a", "b"] })
    expect(kinds(twice)).toEqual([true, false, false, true])
    expect(kinds(new TooManyParticipants({ boundary: "B", limit: 1, found: 2 }))).toEqual([true, false, false, true])
    const late = {
      view: "V",
      wanted: 2,
      reached: 1,
      waited: Duration.seconds(1),
      reason: "late" as const,
      receipt: undefined
    }
    expect(kinds(new WaitTimeout(late))).toEqual([true, false, true, false])
    expect(kinds(new NotOpen())).toEqual([false, false, false, false])
    expect(kinds("an error")).toEqual([false, false, false, false])
  })
})

describe("interruption", () => {
  it.effect("ends the pause before the next attempt", () =>
    Effect.gen(function* () {
      const executing = yield* Effect.forkChild(Executor.execute(Account, id, new OpenAccount({ owner: "Anna" })), {
        startImmediately: true
      })
      yield* Fiber.interrupt(executing)
      const exit = yield* Fiber.await(executing)
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    }).pipe(Effect.provide(conflicting(Infinity)))
  )
})

const fiveAttempts = Schedule.max([Schedule.exponential("5 millis").pipe(Schedule.jittered), Schedule.recurs(4)])

type Store = EventStore.EventStore["Service"]

/** The store in memory with some of its operations replaced. */
function storeWith(operations: Partial<Store>): Layer.Layer<EventStore.EventStore> {
  return Layer.effect(
    EventStore.EventStore,
    Effect.map(MemoryEventStore.make(), (store) => ({ ...store, ...operations }))
  )
}

/** A store whose first `times` appends find a conflict; `onRead` runs before each reading of a stream. */
function conflicting(times: number, onRead: Effect.Effect<unknown> = Effect.void): Layer.Layer<EventStore.EventStore> {
  let left = times
  return Layer.effect(
    EventStore.EventStore,
    Effect.map(MemoryEventStore.make(), (store) => ({
      ...store,
      readStreams: (...request) => Effect.andThen(onRead, store.readStreams(...request)),
      append: (append) => Effect.suspend(() => (left-- > 0 ? Effect.fail(conflict(1)) : store.append(append)))
    }))
  )
}

function conflict(attempts: number): ConcurrencyConflict {
  return new ConcurrencyConflict({ stream, expected: Expectation.exactly(0), actual: 7, attempts })
}

/** A store where every command that runs at the same time reads before any of them appends. */
const racing = Layer.effect(
  EventStore.EventStore,
  Effect.map(MemoryEventStore.make(), (store): Store => ({
    ...store,
    append: (append) => Effect.andThen(Effect.yieldNow, store.append(append))
  }))
)

const appendForeignEvent = EventStore.EventStore.use((store) =>
  appendOne(store, {
    writes: [
      {
        streamId: stream,
        events: [
          {
            id: "01890a5d-ac96-774b-bcce-b302099a8057",
            type: "AccountMoved",
            data: {},
            metadata: { correlationId: "c", causationId: "c" }
          }
        ]
      }
    ],
    conditions: []
  })
)

/** Runs a program while the clock goes on whenever it waits. */
function patiently<A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
  return Effect.gen(function* () {
    const running = yield* Effect.forkChild(program)
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(running)
  })
}
