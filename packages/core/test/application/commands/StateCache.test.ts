import { describe, expect, it } from "@effect/vitest"
import {
  Aggregate,
  Boundary,
  Decision,
  EventStoreError,
  Executor,
  StateCache,
  TooManyParticipants
} from "@hexfold/core"
import { Cause, Deferred, Effect, Exit, Fiber, Metric, Schedule, Schema } from "effect"
import {
  Account,
  AccountId,
  Deposit,
  InsufficientFunds,
  NotOpen,
  OpenAccount,
  Withdraw,
  accountErrors
} from "../../support/account.ts"
import { unavailable, watched } from "../../support/watched.ts"

const a = AccountId.make("a")
const b = AccountId.make("b")
const [atA, atB] = [Account.streamId(a), Account.streamId(b)]

const open = (id: AccountId) => Executor.execute(Account, id, new OpenAccount({ owner: "Anna" }))
const deposit = (id: AccountId, amount = 1) => Executor.execute(Account, id, new Deposit({ amount }))
const withdraw = (id: AccountId, amount = 1) => Executor.execute(Account, id, new Withdraw({ amount }))
const balance = (id: AccountId) =>
  Effect.map(Executor.load(Account, id), ({ state }) => (state._tag === "Open" ? state.balance : undefined))

const Move = Schema.TaggedStruct("Move", { from: AccountId, to: AccountId })
const Transfer = Boundary.make("Transfer", {
  command: Move,
  participants: ({ from, to }) => ({ from: Account.at(from), to: Account.at(to) }),
  errors: accountErrors,
  decide: (_, { from, to }) =>
    Decision.all({
      from: Account.decide(new Withdraw({ amount: 1 }), from),
      to: Account.decide(new Deposit({ amount: 1 }), to)
    })
})
const transfer = (from: AccountId, to: AccountId) => Executor.execute(Transfer, { _tag: "Move", from, to })

/** A counter that does what it is told, except that it dies at 13 and has no number above 100. */
const Add = Schema.TaggedStruct("Add", { by: Schema.Int })
const Added = Schema.TaggedStruct("Added", { total: Schema.Int.check(Schema.isLessThanOrEqualTo(100)) })
const makeCounter = (factor = 1) =>
  Aggregate.make("Counter", {
    id: Schema.String,
    state: Schema.Int,
    initial: 0,
    commands: [Add],
    events: [Added],
    errors: [],
    decide: {
      Add: ({ by }, total) => {
        if (total === 13) throw new Error("unlucky")
        return by === 0 ? Decision.nothing : Decision.accept({ _tag: "Added", total: total + by })
      }
    },
    evolve: { Added: (_, { total }) => total * factor }
  })
const Counter = makeCounter()
const add = (by: number) => Executor.execute(Counter, "c", { _tag: "Add", by })

const cached = (capacity = 10) => Effect.provide(StateCache.layer({ capacity }))

/** A watched store where the accounts a and b have 10 each. */
const opened = Effect.tap(watched, ({ behind }) =>
  behind(Effect.forEach([a, b], (id) => Effect.andThen(open(id), deposit(id, 10))))
)

describe("a state that is remembered", () => {
  it.effect("saves the read", () =>
    Effect.gen(function* () {
      const { appends, reads, run } = yield* watched
      yield* run(open(a))
      const receipt = yield* run(deposit(a, 3))
      expect(receipt).toMatchObject({ version: 2, attempts: 1 })
      yield* run(withdraw(a, 3))
      expect(reads).toEqual([[{ streamId: atA }]])
      expect(appends).toHaveLength(3)
      expect(yield* run(balance(a))).toBe(0)
    }).pipe(cached())
  )

  it.effect("saves the read of a boundary, and of those of its streams that are known", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* opened
      yield* run(deposit(a))
      yield* run(transfer(a, b))
      yield* run(transfer(b, a))
      expect(reads).toEqual([[{ streamId: atA }], [{ streamId: atB }]])
      expect(yield* run(Effect.all([balance(a), balance(b)]))).toEqual([11, 10])
    }).pipe(cached())
  )

  it.effect("is not there without a cache", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* opened
      yield* run(deposit(a))
      yield* run(deposit(a))
      expect(reads).toHaveLength(2)
    })
  )

  it.effect("is still checked by the append, and after a conflict only newer events are read", () =>
    Effect.gen(function* () {
      const { behind, reads, run } = yield* opened
      yield* run(withdraw(a, 3))
      yield* behind(deposit(a, 2))
      const receipt = yield* run(withdraw(a, 3))
      expect(receipt).toMatchObject({ version: 5, attempts: 2 })
      expect(reads).toEqual([[{ streamId: atA }], [{ streamId: atA, after: 3 }]])
      expect(yield* run(balance(a))).toBe(6)
    }).pipe(cached())
  )

  it.effect("rejects a command only if the store's own state does", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* opened
      yield* run(withdraw(a, 10))
      expect(yield* Effect.flip(run(withdraw(a, 3)))).toEqual(new InsufficientFunds({ balance: 0, requested: 3 }))
      yield* behind(deposit(a, 2))
      expect(yield* Effect.flip(run(withdraw(a, 3)))).toEqual(new InsufficientFunds({ balance: 2, requested: 3 }))
      yield* behind(deposit(a, 5))
      expect(yield* run(withdraw(a, 3))).toMatchObject({ version: 6 })
      yield* behind(deposit(b, 5))
      yield* run(Effect.forEach([1, 2, 3, 4], () => transfer(a, b)))
      yield* behind(deposit(a, 1))
      expect(yield* run(transfer(a, b))).toMatchObject({ repeated: false })
    }).pipe(cached())
  )

  it.effect("accepts a command without an event only on the store's own state", () =>
    Effect.gen(function* () {
      const { behind, reads, run } = yield* watched
      yield* run(add(1))
      yield* behind(add(4))
      expect(yield* run(add(0))).toMatchObject({ events: [], version: 2 })
      expect(reads).toHaveLength(2)
    }).pipe(cached())
  )

  it.effect("is no reason to die if the store's own state is none", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      yield* run(add(13))
      yield* behind(Executor.execute(lucky, "c", { _tag: "Add", by: 1 }))
      expect(yield* run(add(1))).toMatchObject({ version: 3 })
    }).pipe(cached())
  )

  it.effect("is no reason to refuse an event that the store's own state does not cause", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      yield* run(add(100))
      const error = yield* Effect.flip(run(add(1)))
      expect(error).toMatchObject({ _tag: "InvalidDecision" })
      yield* behind(add(-50))
      expect(yield* run(add(1))).toMatchObject({ version: 3 })
    }).pipe(cached())
  )

  it.effect("is no reason to read too many streams", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* watched
      const limited = Boundary.make("Limited", {
        command: Schema.TaggedStruct("Limited", {}),
        participants: () =>
          Boundary.discover({ counter: Counter.at("c") }, ({ counter }) => ({
            others: Array.from({ length: counter }, (_, i) => Counter.at(`${i}`))
          })),
        decide: () => Decision.nothing,
        maxParticipants: 5
      })
      const limit = run(Executor.execute(limited, { _tag: "Limited" }))
      yield* run(add(9))
      expect(yield* Effect.flip(limit)).toEqual(new TooManyParticipants({ boundary: "Limited", limit: 5, found: 10 }))
      yield* behind(add(-7))
      expect((yield* limit).streams).toHaveLength(3)
    }).pipe(cached())
  )

  it.effect("does not hide that a command was done before", () =>
    Effect.gen(function* () {
      const { behind, run } = yield* opened
      yield* run(withdraw(a, 1))
      const all = Executor.execute(Account, a, new Withdraw({ amount: 9 }), { commandId: "r-1" })
      const first = yield* behind(all)
      const repeated = { ...first, attempts: 0, repeated: true }
      expect(yield* run(all)).toEqual(repeated)
      yield* Effect.flip(run(withdraw(a, 1)))
      expect(yield* run(all)).toEqual(repeated)
    }).pipe(cached())
  )

  it.effect("goes when it was not used for longest", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* watched
      const ids = ["1", "2", "3"].map((id) => AccountId.make(id))
      const [one, two, three] = ids as [AccountId, AccountId, AccountId]
      yield* run(Effect.forEach([one, two], open))
      yield* run(deposit(one))
      yield* run(open(three))
      reads.length = 0
      yield* run(deposit(one))
      yield* run(deposit(three))
      expect(reads).toEqual([])
      yield* run(deposit(two))
      expect(reads).toEqual([[{ streamId: Account.streamId(two) }]])
    }).pipe(cached(2))
  )

  it.effect("stays when it was used, also by a command that only reads it", () =>
    Effect.gen(function* () {
      const { reads, run } = yield* watched
      const c = AccountId.make("c")
      const watching = Boundary.make("Watching", {
        command: Schema.TaggedStruct("Watching", {}),
        participants: () => ({ seen: Boundary.readOnly(Account.at(a)), account: Account.at(b) }),
        errors: accountErrors,
        decide: (_, { account }) => Decision.all({ account: Account.decide(new Deposit({ amount: 1 }), account) })
      })
      yield* run(Effect.forEach([a, b, c], open))
      yield* run(Executor.execute(watching, { _tag: "Watching" }))
      yield* run(open(AccountId.make("d")))
      reads.length = 0
      yield* run(deposit(a))
      expect(reads).toEqual([])
    }).pipe(cached(3))
  )

  it.effect("belongs to its store", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* watched, yield* watched]
      yield* one.run(open(a))
      expect(yield* Effect.flip(other.run(deposit(a)))).toEqual(new NotOpen())
      expect(yield* other.run(open(a))).toMatchObject({ version: 1, attempts: 1 })
      expect(other.reads).toHaveLength(1)
    }).pipe(cached())
  )

  it.effect("belongs to its aggregate, also where another has the same name", () =>
    Effect.gen(function* () {
      const { run } = yield* watched
      const doubling = makeCounter(2)
      const double = (by: number) => Executor.execute(doubling, "c", { _tag: "Add", by })
      yield* run(add(1))
      yield* run(double(1))
      yield* run(add(1))
      const { events } = yield* run(double(1))
      expect(events.map(({ data }) => data.total)).toEqual([9])
    }).pipe(cached())
  )

  it.effect("is not made of events that evolve cannot take: the command has happened all the same", () =>
    Effect.gen(function* () {
      const { run } = yield* watched
      const broken = Aggregate.make("Broken", {
        id: Schema.String,
        state: Schema.Int,
        initial: 0,
        commands: [Add],
        events: [Added],
        errors: [],
        decide: { Add: ({ by }) => Decision.accept({ _tag: "Added", total: by }) },
        evolve: {
          Added: (): number => {
            throw new Error("a mistake in evolve")
          }
        }
      })
      expect(yield* run(Executor.execute(broken, "c", { _tag: "Add", by: 1 }))).toMatchObject({ version: 1 })
    }).pipe(cached())
  )

  it.effect("lets a command that dies be counted", () =>
    Effect.gen(function* () {
      const { run } = yield* watched
      yield* run(add(13))
      const exit = yield* Effect.exit(run(add(1)))
      expect(Exit.isFailure(exit) && Cause.hasDies(exit.cause)).toBe(true)
      const outcomes = (yield* Metric.snapshot).flatMap((metric) =>
        metric.type === "Histogram" ? [[metric.attributes?.["outcome"], metric.state.count]] : []
      )
      expect(outcomes).toContainEqual(["failed", 1])
    }).pipe(cached(), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

/** The counter without the mistake. */
const lucky = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add],
  events: [Added],
  errors: [],
  decide: { Add: ({ by }, total) => Decision.accept({ _tag: "Added", total: total + by }) },
  evolve: { Added: (_, { total }) => total }
})

const many = <A, E, R>(times: number, effect: (i: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: times }, (_, i) => i),
    effect,
    { concurrency: "unbounded" }
  )

describe("commands of one process", () => {
  it.effect("on one stream queue", () =>
    Effect.gen(function* () {
      const { appends, reads, run } = yield* opened
      const receipts = yield* run(many(50, () => deposit(a)))
      expect(receipts.map(({ attempts }) => attempts)).toEqual(Array.from({ length: 50 }, () => 1))
      expect(receipts.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, i) => i + 3))
      expect(reads).toHaveLength(1)
      // The first command alone, and then all that have waited for it.
      expect(appends.map(({ parts }) => parts.length)).toEqual([1, 49])
    }).pipe(cached())
  )

  it.effect("on two streams do not wait for each other, in whatever order they name them", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const receipts = yield* run(many(50, (i) => (i % 2 === 0 ? transfer(a, b) : transfer(b, a))))
      expect(receipts.map(({ attempts }) => attempts)).toEqual(Array.from({ length: 50 }, () => 1))
      expect(yield* run(Effect.all([balance(a), balance(b)]))).toEqual([10, 10])
    }).pipe(cached())
  )

  it.effect("queue on a stream that is read-only in one role and writable in another", () =>
    Effect.gen(function* () {
      const { run } = yield* opened
      const both = Boundary.make("Both", {
        command: Schema.TaggedStruct("Both", {}),
        participants: () => ({ seen: Boundary.readOnly(Account.at(a)), account: Account.at(a) }),
        errors: accountErrors,
        decide: (_, { account }) => Decision.all({ account: Account.decide(new Deposit({ amount: 1 }), account) })
      })
      const receipts = yield* run(many(10, () => Executor.execute(both, { _tag: "Both" })))
      expect(receipts.map(({ attempts }) => attempts)).toEqual(Array.from({ length: 10 }, () => 1))
    }).pipe(cached())
  )

  it.effect("on other streams do not queue", () =>
    Effect.gen(function* () {
      const { beforeAppends, run } = yield* opened
      const gate = yield* Deferred.make<void>()
      beforeAppends.push(Deferred.await(gate))
      const first = yield* Effect.forkChild(run(deposit(a)), { startImmediately: true })
      expect(yield* run(deposit(b))).toMatchObject({ attempts: 1 })
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(first)
    }).pipe(cached())
  )

  it.effect("that are interrupted let the next one go on", () =>
    Effect.gen(function* () {
      const { appends, beforeAppends, run } = yield* opened
      const gate = yield* Deferred.make<void>()
      const reached = yield* Deferred.make<void>()
      beforeAppends.push(Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(gate)))
      const fork = () => Effect.forkChild(run(deposit(a)), { startImmediately: true })
      const [first, second, third] = [yield* fork(), yield* fork(), yield* fork()]
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(second)
      expect(appends).toHaveLength(1)
      yield* Fiber.interrupt(first)
      expect(yield* Fiber.join(third)).toMatchObject({ version: 3, attempts: 1 })
      expect(yield* run(deposit(a))).toMatchObject({ version: 4, attempts: 1 })
    }).pipe(cached())
  )

  it.effect("that fail let the next one go on", () =>
    Effect.gen(function* () {
      const { beforeAppends, run } = yield* opened
      beforeAppends.push(Effect.fail(unavailable("append")))
      const exits = yield* run(many(3, () => Effect.result(deposit(a))))
      expect(exits.map(({ _tag }) => _tag)).toEqual(["Failure", "Success", "Success"])
    }).pipe(cached())
  )
})

it.effect("a state is as true after an append whose outcome was unknown", () =>
  Effect.gen(function* () {
    const { afterAppends, run } = yield* opened
    yield* run(withdraw(a, 4))
    afterAppends.push(Effect.fail(unavailable("append")))
    const error = yield* Effect.flip(run(withdraw(a, 4)))
    expect(error).toBeInstanceOf(EventStoreError)
    const rejected = yield* Effect.flip(
      run(Executor.execute(Account, a, new Withdraw({ amount: 4 }), { retry: Schedule.recurs(1) }))
    )
    expect(rejected).toEqual(new InsufficientFunds({ balance: 2, requested: 4 }))
  }).pipe(cached())
)
