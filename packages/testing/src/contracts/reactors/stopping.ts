import { assert } from "@effect/vitest"
import { Reactor, UnknownEvent } from "@hexfold/core"
import { Deferred, Effect, Fiber } from "effect"
import { eventually } from "../eventually.ts"
import { until } from "../projections/tallies.ts"
import { two } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { copier, job, newJournals, note, noteAtOnce, numbersOf, reacting, reactorOf } from "./journals.ts"

/** A reactor that is stopped lets its handlers end within a limit. */
export const stopping: Cases = {
  "when it is stopped, what is under way ends, and is written": Effect.gen(function* () {
    const journals = newJournals()
    const [owner, other] = yield* two
    yield* note(owner, journals.source, "a", 1, 2, 3)
    const gate = yield* Deferred.make<void>()
    let runs = 0
    const handle = () => {
      runs++
      return runs === 1 ? Deferred.await(gate) : Effect.void
    }
    const running = yield* reacting(owner, copier(journals, handle), { lease: "30 seconds" })
    yield* until("a handler runs", () => runs === 1)
    const stopping = yield* Effect.forkScoped(Fiber.interrupt(running), { startImmediately: true })
    yield* Deferred.succeed(gate, undefined)
    yield* Fiber.join(stopping)
    assert.deepStrictEqual(yield* numbersOf(other, journals.target, "a"), [1])
    const again: Array<number> = []
    yield* other.run(
      Reactor.catchUp(
        copier(journals, (n) => Effect.sync(() => again.push(n))),
        job
      )
    )
    assert.deepStrictEqual(again, [2, 3])
    assert.deepStrictEqual(yield* numbersOf(other, journals.target, "a"), [1, 2, 3])
  }),

  "a handler that does not end within the limit is interrupted, and its event is handled again": Effect.gen(
    function* () {
      const journals = newJournals()
      const [owner, other] = yield* two
      yield* note(owner, journals.source, "a", 1)
      let isInterrupted = false
      let runs = false
      const handle = () =>
        Effect.suspend(() => {
          runs = true
          return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (isInterrupted = true)))
        })
      const options = { lease: "30 seconds", stopWithin: "10 millis" } as const
      const running = yield* reacting(owner, reactorOf(journals, handle), options)
      yield* until("a handler runs", () => runs)
      yield* Fiber.interrupt(running)
      assert.isTrue(isInterrupted)
      yield* other.run(Reactor.catchUp(copier(journals), job))
      assert.deepStrictEqual(yield* numbersOf(other, journals.target, "a"), [1])
    }
  ),

  "a handler that meets an event of a newer program ends the work, and the later ones that are interrupted are not begun again before it":
    Effect.gen(function* () {
      const journals = newJournals()
      const [node, newer] = yield* two
      yield* note(node, journals.source, "a", 1, 2)
      yield* note(node, journals.source, "b", 3)
      const begun: Array<number> = []
      const place = { stream: "elsewhere", version: 1, type: "Newer", schemaVersion: 1 }
      const old = reactorOf(journals, (n) => {
        begun.push(n)
        // The later one is begun before it fails.
        if (n === 2) return Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 100 }), new UnknownEvent(place))
        return n === 3 ? Effect.never : Effect.void
      })
      yield* reacting(node, old, { stopWithin: "10 millis" })
      yield* until("the event is tried several times", () => begun.filter((n) => n === 2).length > 3)
      assert.isAtMost(begun.filter((n) => n === 3).length, 1)
      yield* eventually(
        "the newer program takes over",
        newer
          .run(
            Reactor.catchUp(
              copier(journals, (n) => Effect.sync(() => begun.push(10 * n))),
              job
            )
          )
          .pipe(Effect.as(true))
      )
      assert.strictEqual(begun.filter((n) => n >= 10).length, 2)
    }),

  "when it is stopped, nobody waits for the later keys of an event that is under way": Effect.gen(function* () {
    const journals = newJournals()
    const [owner, other] = yield* two
    yield* noteAtOnce(owner, journals.source, "a", 1, 2)
    const gate = yield* Deferred.make<void>()
    let runs = 0
    const handle = () => {
      runs++
      return Deferred.await(gate)
    }
    const keyed = { key: (n: number) => `${n}` }
    // The limit is half of the lease, longer than the case may take.
    const running = yield* reacting(owner, copier(journals, handle, keyed), { lease: "20 minutes" })
    yield* until("a handler runs", () => runs === 1)
    const stopping = yield* Effect.forkScoped(Fiber.interrupt(running), { startImmediately: true })
    yield* Effect.repeat(Effect.yieldNow, { times: 100 })
    yield* Deferred.succeed(gate, undefined)
    yield* Fiber.join(stopping)
    yield* other.run(Reactor.catchUp(copier(journals, undefined, keyed), job))
    assert.deepStrictEqual(yield* numbersOf(other, journals.target, "a"), [1, 2])
  }),

  "a handler that cannot be interrupted holds nobody up for longer than the lease": Effect.gen(function* () {
    const journals = newJournals()
    const [owner, other] = yield* two
    yield* note(owner, journals.source, "a", 1)
    const gate = yield* Deferred.make<void>()
    let runs = false
    const handle = () =>
      Effect.suspend(() => {
        runs = true
        return Effect.uninterruptible(Deferred.await(gate))
      })
    const running = yield* reacting(owner, reactorOf(journals, handle), { stopWithin: "10 millis" })
    yield* until("a handler runs", () => runs)
    yield* Fiber.interrupt(running)
    yield* other.run(Reactor.catchUp(copier(journals), job))
    assert.deepStrictEqual(yield* numbersOf(other, journals.target, "a"), [1])
    yield* Deferred.succeed(gate, undefined)
  })
}
