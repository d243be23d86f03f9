import { assert } from "@effect/vitest"
import {
  EventStore,
  type EventStoreError,
  Executor,
  Projection,
  ProjectionMonitor,
  Query,
  Records,
  StateCache,
  Subscription,
  View,
  ViewStore
} from "@hexfold/core"
import { Deferred, Effect, Fiber, Option, Schema, Stream } from "effect"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { Account, Deposit, InsufficientFunds, Withdraw } from "./accounts.ts"
import { appendTo, events, newStream, open, readAfter } from "./streams.ts"

const horizonOf = ({ eventStore }: Node): Effect.Effect<EventStore.Horizon, EventStoreError> =>
  Effect.map(Stream.runHead(eventStore.horizons), Option.getOrThrow)

const on = <A, E>(
  { eventStore, viewStore }: Node,
  effect: Effect.Effect<A, E, EventStore.EventStore | ViewStore.ViewStore>
): Effect.Effect<A, E> =>
  effect.pipe(
    Effect.provideService(EventStore.EventStore, eventStore),
    Effect.provideService(ViewStore.ViewStore, viewStore)
  )

const stepsOf = ({ eventStore }: Node, options: Subscription.SubscriptionOptions) =>
  Stream.provideService(Subscription.recordedSteps(options), EventStore.EventStore, eventStore)

/** Why a read that begins after a position is refused. */
const refusalOf = ({ eventStore }: Node, after: number | EventStore.Position) =>
  Effect.map(Effect.flip(Stream.runDrain(eventStore.readAll({ after }))), ({ reason }) => reason)

/** Appends events to a new stream, and gives their positions. */
const appended = ({ eventStore }: Node, count: number) =>
  Effect.map(appendTo(eventStore, newStream(), events(count)), ({ events }) => events.map(({ position }) => position))

const deposit = (node: Node, id: string, amount: number) =>
  on(node, Executor.execute(Account, id, new Deposit({ amount })))

/** A view that no other case has. */
const newBalances = () =>
  View.make(`Balances_${crypto.randomUUID().replaceAll("-", "")}`, {
    from: [Account],
    state: Schema.Int,
    evolve: {
      Deposited: (balance = 0, { amount }) => balance + amount,
      Withdrawn: (balance = 0, { amount }) => balance - amount
    }
  })

const tagOf = (error: { readonly _tag: string; readonly reason?: unknown }) =>
  typeof error.reason === "object" && error.reason !== null && "_tag" in error.reason ? error.reason._tag : error._tag

/** The numbers that are no position of a log with this horizon. */
const wrong = (drawn: number) => [drawn + 1, drawn + 1_000_000, Number.NaN, Infinity, 0.5, -1, 2 ** 53]

/** Promise 11: the log has one history at a time, and nobody goes on from a position that it has lost. */
export const histories: Cases = {
  "11 a number that is no position of the log is rejected wherever a reader begins": Effect.gen(function* () {
    const node = yield* open
    yield* appended(node, 1)
    const { drawn, history } = yield* horizonOf(node)
    const Balances = newBalances()
    for (const after of wrong(drawn)) {
      assert.strictEqual((yield* refusalOf(node, after))._tag, "Rejected", `readAll after ${after}`)
      assert.strictEqual((yield* refusalOf(node, { history, position: after }))._tag, "Rejected")
      for (const upTo of [Infinity, 0]) {
        const options = upTo === 0 ? { after, upTo } : { after }
        const live = yield* Effect.flip(Stream.runDrain(stepsOf(node, options)))
        assert.strictEqual(live.reason._tag, "Rejected", `a subscription after ${after}`)
      }
      const waiting = yield* Effect.flip(on(node, Projection.waitUntil(Balances, after)))
      assert.strictEqual(tagOf(waiting), "Rejected", `a wait for ${after}`)
    }
    for (const history of [0, -1, 0.5, Number.NaN]) {
      assert.strictEqual((yield* refusalOf(node, { history, position: 0 }))._tag, "Rejected")
    }
    assert.strictEqual(yield* Stream.runCount(node.eventStore.readAll({ after: drawn })), 0)
  }),

  "11 a position of a later history than the log's is refused": Effect.gen(function* () {
    const node = yield* open
    const { drawn, history } = yield* horizonOf(node)
    const reason = yield* refusalOf(node, { history: history + 1, position: drawn })
    assert.strictEqual(reason._tag, "PositionFromAnotherHistory")
    assert.deepInclude({ ...reason }, { history: history + 1, position: drawn, current: history })
    assert.notProperty(reason, "endedAt")
  }),

  "11 a read that names another history than the log's is refused": Effect.gen(function* () {
    const node = yield* open
    const { history } = yield* horizonOf(node)
    const named = (history: number) => Stream.runCount(node.eventStore.readAll({ history, limit: 1 }))
    yield* named(history)
    assert.strictEqual(tagOf(yield* Effect.flip(named(history + 1))), "PositionFromAnotherHistory")
  }),

  "11 a position of an earlier history is valid up to its end, and refused beyond it": needs("lostCommits")(
    function* () {
      const node = yield* open
      const positions = yield* appended(node, 5)
      const { history } = yield* horizonOf(node)
      yield* node.loseLast(2)
      const now = yield* horizonOf(node)
      assert.isAbove(now.history, history)
      const [kept, lost] = [positions[2]!, positions[3]!]
      const isRefused = Effect.gen(function* () {
        const reason = yield* refusalOf(node, { history, position: lost })
        assert.strictEqual(reason._tag, "PositionFromAnotherHistory")
        assert.deepInclude({ ...reason }, { history, position: lost, endedAt: kept, current: now.history })
      })
      yield* isRefused
      assert.strictEqual(yield* Stream.runCount(node.eventStore.readAll({ after: { history, position: kept } })), 0)
      const later = yield* appended(node, 4)
      // The log has grown beyond the lost position, with other events.
      yield* isRefused
      const read = yield* Stream.runCollect(node.eventStore.readAll({ after: { history, position: kept } }))
      assert.deepStrictEqual(
        read.map(({ position }) => position),
        later
      )
      const waiting = Projection.waitUntil(newBalances(), { history, position: lost })
      assert.strictEqual(tagOf(yield* Effect.flip(on(node, waiting))), "PositionFromAnotherHistory")
    }
  ),

  "11 of several histories that have ended, the one that ended first counts": needs("lostCommits")(function* () {
    const node = yield* open
    const first = yield* appended(node, 4)
    const { history } = yield* horizonOf(node)
    yield* node.loseLast(1)
    yield* node.loseLast(2)
    yield* appended(node, 5)
    const reason = yield* refusalOf(node, { history, position: first[1]! })
    assert.deepInclude({ ...reason }, { _tag: "PositionFromAnotherHistory", endedAt: first[0]! })
    assert.strictEqual(yield* Stream.runCount(node.eventStore.readAll({ after: { history, position: first[0]! } })), 5)
  }),

  "11 the horizons tell that a history has ended, also where nothing was lost": needs("lostCommits")(function* () {
    const node = yield* open
    yield* appended(node, 1)
    const { drawn, history } = yield* horizonOf(node)
    const seen = yield* Deferred.make<void>()
    const live = yield* node.eventStore.horizons.pipe(
      Stream.tap(() => Deferred.succeed(seen, undefined)),
      Stream.takeUntil((horizon) => horizon.history > history),
      Stream.runLast,
      Effect.forkChild({ startImmediately: true })
    )
    yield* Deferred.await(seen)
    yield* node.loseLast(0)
    yield* appended(node, 1)
    const last = Option.getOrThrow(yield* Fiber.join(live))
    assert.isAtLeast(last.drawn, drawn)
    assert.strictEqual(yield* Stream.runCount(node.eventStore.readAll({ after: { history, position: drawn } })), 1)
  }),

  "11 a live reader whose position the log has lost is told so": needs("lostCommits")(function* () {
    const node = yield* open
    const start = yield* horizonOf(node)
    const atEnd = yield* Deferred.make<EventStore.Position>()
    const live = yield* stepsOf(node, { after: start }).pipe(
      Stream.tap(({ resume }) =>
        resume.position >= start.position + 3 ? Deferred.succeed(atEnd, resume) : Effect.void
      ),
      Stream.runCollect,
      Effect.flip,
      Effect.forkChild({ startImmediately: true })
    )
    yield* appended(node, 3)
    const resume = yield* Deferred.await(atEnd)
    yield* node.loseLast(2)
    yield* appended(node, 4)
    const failed = yield* Fiber.join(live)
    assert.strictEqual(failed.reason._tag, "PositionFromAnotherHistory")
    const again = yield* Effect.flip(Stream.runDrain(stepsOf(node, { after: resume })))
    assert.strictEqual(again.reason._tag, "PositionFromAnotherHistory")
  }),

  "11 a live reader whose position the log still has goes on in the next history, and misses nothing": needs(
    "lostCommits"
  )(function* () {
    const node = yield* open
    const start = yield* horizonOf(node)
    const atEnd = yield* Deferred.make<void>()
    const live = yield* stepsOf(node, { after: start }).pipe(
      Stream.tap(({ resume }) =>
        resume.position >= start.position + 3 ? Deferred.succeed(atEnd, undefined) : Effect.void
      ),
      Stream.filter(({ event }) => event !== undefined),
      Stream.take(5),
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true })
    )
    const before = yield* appended(node, 3)
    yield* Deferred.await(atEnd)
    yield* node.loseLast(0)
    const after = yield* appended(node, 2)
    const read = yield* Fiber.join(live)
    assert.deepStrictEqual(
      read.map(({ event }) => event!.position),
      [...before, ...after]
    )
    const { history } = yield* horizonOf(node)
    assert.strictEqual(read.at(-1)!.resume.history, history)
  }),

  "11 a reader of rare events is told how far it has read": Effect.gen(function* () {
    const node = yield* open
    const start = yield* horizonOf(node)
    const aggregates = ["ContractRare"]
    const [rare] = (yield* appendTo(node.eventStore, newStream("ContractRare"), events(1))).events
    const others = yield* appended(node, 3)
    const steps = yield* stepsOf(node, { after: start, aggregates, upTo: others.at(-1)! }).pipe(Stream.runCollect)
    const { history } = start
    assert.deepStrictEqual(
      steps.map(({ event, resume }) => [event?.position, resume]),
      [
        [rare!.position, { history, position: rare!.position }],
        [undefined, { history, position: others.at(-1)! }]
      ]
    )
  }),

  "11 a view whose position the log has lost stops and says so, however far the log has grown since": needs(
    "lostCommits"
  )(function* () {
    const node = yield* open
    const Balances = newBalances()
    const id = crypto.randomUUID()
    for (let i = 0; i < 4; i++) yield* deposit(node, id, 10)
    yield* on(node, Projection.catchUp(Balances))
    yield* node.loseLast(2)
    for (const grown of [0, 1, 5]) {
      for (let i = 0; i < grown; i++) yield* deposit(node, id, 1)
      assert.strictEqual(
        tagOf(yield* Effect.flip(on(node, Projection.catchUp(Balances)))),
        "PositionFromAnotherHistory",
        `after ${grown} more events`
      )
      assert.strictEqual(tagOf(yield* Effect.flip(on(node, Projection.run(Balances)))), "PositionFromAnotherHistory")
      const [status] = yield* on(node, ProjectionMonitor.status([Balances]))
      assert.strictEqual(status!.state, "failed")
      assert.strictEqual(status!.refusal?._tag, "PositionFromAnotherHistory")
      const unhealthy = yield* Effect.flip(on(node, ProjectionMonitor.health([Balances])))
      assert.strictEqual(unhealthy._tag, "Unhealthy")
      const { drawn } = yield* horizonOf(node)
      const waiting = yield* Effect.flip(on(node, Projection.waitUntil(Balances, drawn)))
      assert.strictEqual(tagOf(waiting), "PositionFromAnotherHistory")
    }
  }),

  "11 a view whose position the log has lost is rebuilt, and serves before the log has reached that position": needs(
    "lostCommits"
  )(function* () {
    const node = yield* open
    const Balances = newBalances()
    const id = crypto.randomUUID()
    for (let i = 0; i < 4; i++) yield* deposit(node, id, 10)
    yield* on(node, Projection.catchUp(Balances))
    yield* node.loseLast(2)
    yield* on(node, Projection.rebuild(Balances))
    const rows = (yield* on(node, Records.query(Balances, Query.from(Balances)))).rows
    assert.deepStrictEqual(
      rows.flatMap(({ key, state }) => (key.endsWith(id) ? [state] : [])),
      [20]
    )
    yield* on(node, Projection.waitFor([Balances])(Effect.as(Projection.catchUp(Balances), yield* horizonOf(node))))
    yield* on(node, ProjectionMonitor.health([Balances]))
  }),

  "11 a view goes on in the next history from a position that the log still has": needs("lostCommits")(function* () {
    const node = yield* open
    const Balances = newBalances()
    const id = crypto.randomUUID()
    const running = yield* Effect.forkChild(on(node, Projection.run(Balances, { pause: "10 millis" })))
    yield* on(node, Projection.waitFor([Balances])(Executor.execute(Account, id, new Deposit({ amount: 10 }))))
    yield* node.loseLast(0)
    yield* on(node, Projection.waitFor([Balances])(Executor.execute(Account, id, new Deposit({ amount: 1 }))))
    const [row] = (yield* on(node, Records.query(Balances, Query.from(Balances)))).rows.filter(({ key }) =>
      key.endsWith(id)
    )
    assert.strictEqual(row?.state, 11)
    yield* Fiber.interrupt(running)
  }),

  "11 a command is decided on what the log still has": needs("lostCommits")(function* () {
    const node = yield* open
    const cache = StateCache.make({ capacity: 10 })
    const id = crypto.randomUUID()
    const execute = (command: Deposit | Withdraw) =>
      Effect.provideService(on(node, Executor.execute(Account, id, command)), StateCache.Current, cache)
    for (const amount of [10, 100, 100]) yield* execute(new Deposit({ amount }))
    yield* node.loseLast(2)
    const poor = yield* Effect.flip(execute(new Withdraw({ amount: 150 })))
    assert.deepStrictEqual({ ...poor }, { ...new InsufficientFunds({ balance: 10 }) })
    yield* execute(new Withdraw({ amount: 10 }))
    assert.strictEqual((yield* readAfter(node.eventStore, 0)).filter(({ streamId }) => streamId.endsWith(id)).length, 2)
  })
}
