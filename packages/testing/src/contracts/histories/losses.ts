import { assert } from "@effect/vitest"
import { type EventStore, Executor, Projection, ProjectionMonitor, Query, Records, StateCache } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { type Cases, needs } from "../plan.ts"
import { monitored } from "../monitored.ts"
import { Account, Deposit, InsufficientFunds, Withdraw } from "../executing/accounts.ts"
import { appendTo, condition, events, newStream, open, readAfter } from "../eventStore/streams.ts"
import { appended, deposit, horizonOf, newBalances, on, stepsOf, tagOf } from "./support.ts"

/** Promise 11: readers, views and commands across the end of a history. */
export const losses: Cases = {
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
      const status = yield* on(node, monitored(Balances))
      assert.strictEqual(status.state, "failed")
      assert.strictEqual(status.refusal?._tag, "PositionFromAnotherHistory")
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

  "11 a view that catches up while a history ends goes on to the end of the next one": needs("lostCommits")(
    function* () {
      const node = yield* open
      const Balances = newBalances()
      const id = crypto.randomUUID()
      for (const amount of [1, 2, 4]) yield* deposit(node, id, amount)
      let isLost = false
      const losing = Effect.suspend(() => {
        if (isLost) return Effect.void
        isLost = true
        return Effect.orDie(node.loseLast(2))
      })
      const commit: typeof node.projectionStore.commit = (batch) =>
        Effect.andThen(node.projectionStore.commit(batch), losing)
      const projectionStore = { ...node.projectionStore, commit }
      const { position } = yield* on({ ...node, projectionStore }, Projection.catchUp(Balances, { batch: 1 }))
      assert.strictEqual(position, (yield* horizonOf(node)).position)
      yield* deposit(node, id, 8)
      yield* on(node, Projection.catchUp(Balances))
      assert.deepStrictEqual(yield* on(node, Records.get(Balances, id)), Option.some(9))
    }
  ),

  "11 a read of a stream tells if the log has lost the event after which it goes on, also where nobody has noticed":
    needs(
      "otherProcesses",
      "lostCommits"
    )(function* () {
      const [node, other] = [yield* open, yield* open]
      const streamId = newStream()
      const places = (yield* appendTo(node.eventStore, streamId, events(3))).events.map(({ position }) => position)
      const { history } = yield* node.eventStore.readStreams([])
      const at = (version: number) => ({
        streamId,
        after: version,
        position: { history, position: places[version - 1]! }
      })
      const read = (command: boolean, ...requests: ReadonlyArray<EventStore.StreamRequest>) =>
        Effect.map(
          command
            ? node.eventStore.readStreams(requests, { id: crypto.randomUUID(), fingerprint: "f" })
            : node.eventStore.readStreams(requests),
          ({ streams }) =>
            streams.map(({ events, lost, version }) => [version, events.map((each) => each.version), lost])
        )
      for (const command of [false, true]) {
        assert.deepStrictEqual(yield* read(command, at(1), at(3)), [
          [3, [2, 3], undefined],
          [3, [], undefined]
        ])
      }
      yield* node.loseLast(1)
      yield* appendTo(other.eventStore, streamId, events(2))
      const later = { streamId, after: 1, position: { history: history + 2 ** 33, position: 1 } }
      for (const command of [false, true]) {
        assert.deepStrictEqual(yield* read(command, at(1), at(2), at(3), { streamId, after: 3 }, later), [
          [4, [2, 3, 4], undefined],
          [4, [3, 4], undefined],
          [4, [1, 2, 3, 4], true],
          [4, [4], undefined],
          [4, [1, 2, 3, 4], true]
        ])
      }
      const wrong = { streamId, after: 1, position: { history: 0, position: 1 } }
      assert.strictEqual(tagOf(yield* Effect.flip(node.eventStore.readStreams([wrong]))), "Rejected")
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
  }),

  "11 a state of an earlier history is never decided on, also where the log has the same version again": needs(
    "otherProcesses",
    "lostCommits"
  )(function* () {
    const [node, other] = [yield* open, yield* open]
    const cache = StateCache.make({ capacity: 10 })
    const id = crypto.randomUUID()
    const execute = (command: Deposit | Withdraw, commandId?: string) =>
      Effect.provideService(
        on(node, Executor.execute(Account, id, command, commandId === undefined ? {} : { commandId })),
        StateCache.Current,
        cache
      )
    for (const amount of [10, 100]) yield* execute(new Deposit({ amount }))
    yield* node.loseLast(1)
    yield* deposit(other, id, 1)
    for (const commandId of [undefined, crypto.randomUUID()]) {
      const poor = yield* Effect.flip(execute(new Withdraw({ amount: 100 }), commandId))
      assert.deepStrictEqual({ ...poor }, { ...new InsufficientFunds({ balance: 11 }) })
    }
    assert.strictEqual((yield* execute(new Withdraw({ amount: 11 }))).version, 3)
  }),

  "11 an append on what was read in an earlier history is refused, and the others are not": needs("lostCommits")(
    function* () {
      const { eventStore, loseLast } = yield* open
      const streamId = newStream()
      yield* appendTo(eventStore, streamId, events(2))
      const { history, streams } = yield* eventStore.readStreams([{ streamId }])
      yield* loseLast(1)
      yield* appendTo(eventStore, streamId, events(1))
      const append = (from?: number) => ({
        conditions: [condition(streamId, Expectation.exactly(streams[0]!.version))],
        parts: [{ writes: [{ streamId, events: events(1) }] }],
        ...(from === undefined ? {} : { history: from })
      })
      assert.strictEqual(tagOf(yield* Effect.flip(eventStore.append(append(history)))), "PositionFromAnotherHistory")
      const again = yield* eventStore.readStreams([{ streamId }])
      assert.strictEqual(again.streams[0]!.version, 2)
      assert.strictEqual((yield* eventStore.append(append(again.history)))._tag, "Appended")
    }
  )
}
