import { assert } from "@effect/vitest"
import { Reactor } from "@hexfold/core"
import { Deferred, Effect, Fiber } from "effect"
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
