import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { type Cases, needs } from "../plan.ts"
import { appendTo, events, newStream, open } from "../eventStore/streams.ts"
import { appended, horizonOf, newBalances, on, refusalOf, stepsOf, tagOf, wrong } from "./support.ts"

/** Promise 11: the log has one history at a time, and nobody goes on from a position that it has lost. */
export const positions: Cases = {
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
  })
}
