import { assert } from "@effect/vitest"
import { Executor, Projection, ProjectionMonitor, Reactor } from "@hexfold/core"
import { Deferred, Effect, Fiber } from "effect"
import { eventually } from "../eventually.ts"
import { open, two, type TroubledNode } from "../projections/trouble.ts"
import type { Cases } from "../plan.ts"
import { monitored } from "../monitored.ts"
import { copier, job, newJournals, note, noting, numbersOf, reacting } from "./journals.ts"

const statusOf = ({ run }: TroubledNode, reactor: Reactor.Any) => run(monitored(reactor))

const isHealthy = ({ run }: TroubledNode, reactor: Reactor.Any) =>
  run(ProjectionMonitor.health([reactor], { grace: "1 milli", maxLagTime: "1 hour" })).pipe(
    Effect.as(true),
    Effect.catchTag("Unhealthy", () => Effect.succeed(false))
  )

/** Operators and callers see how far a reactor is, as they see it of a view. */
export const watching: Cases = {
  "a command can be waited for until a reactor has handled its events": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    const reactor = copier(journals)
    yield* reacting(node, reactor)
    for (const n of [1, 2, 3]) {
      yield* node.run(noting(journals.source, "a", n).pipe(Projection.waitFor(reactor, { timeout: "1 minute" })))
      assert.strictEqual((yield* numbersOf(node, journals.target, "a")).length, n)
    }
  }),

  "its status says what it is doing: waiting, live, failed, standing by": Effect.gen(function* () {
    const journals = newJournals()
    const [node, other] = yield* two
    const reactor = copier(journals, (n) => (n === 3 ? Effect.fail("three") : Effect.void))
    yield* note(node, journals.source, "a", 1)
    assert.strictEqual((yield* statusOf(node, reactor)).state, "waiting")
    const running = yield* reacting(node, reactor, { lease: "10 seconds" })
    yield* eventually(
      "it is live",
      Effect.map(statusOf(other, reactor), ({ lag, state }) => state === "live" && lag === 0)
    )
    yield* note(node, journals.source, "a", 2, 3)
    yield* eventually(
      "it has failed",
      Effect.map(statusOf(other, reactor), ({ state }) => state === "failed")
    )
    const { failure, lag } = yield* statusOf(other, reactor)
    assert.deepStrictEqual([failure?.streamVersion, failure?.error?.step, lag], [3, "react", 1])
    assert.isFalse(yield* isHealthy(other, reactor))
    yield* Fiber.interrupt(running)
    const next = copier(journals, undefined, { version: 2 })
    yield* other.run(Reactor.catchUp(next, job))
    assert.strictEqual((yield* statusOf(node, reactor)).state, "standing by")
  }),

  "an event that is under way for long is a lag, and ends to be one when it is handled": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    const gate = yield* Deferred.make<void>()
    const reactor = copier(journals, (n) => (n === 2 ? Deferred.await(gate) : Effect.void))
    yield* reacting(node, reactor)
    yield* note(node, journals.source, "a", 1, 2, 3)
    yield* eventually(
      "two events are not handled",
      Effect.map(statusOf(node, reactor), ({ lag }) => lag === 2)
    )
    yield* Deferred.succeed(gate, undefined)
    yield* eventually(
      "no event is left",
      Effect.map(statusOf(node, reactor), ({ lag, state }) => lag === 0 && state === "live")
    )
  }),

  "at a concurrency of one a handler that stands still holds up all others, and the status and health say so":
    Effect.gen(function* () {
      const journals = newJournals()
      const node = yield* open
      const gate = yield* Deferred.make<void>()
      const reactor = copier(journals, (_, id) => (id === "a" ? Deferred.await(gate) : Effect.void))
      yield* node.run(Reactor.catchUp(reactor, job))
      yield* reacting(node, reactor, { concurrency: 1 })
      yield* note(node, journals.source, "a", 1)
      for (const id of ["b", "c"]) yield* note(node, journals.source, id, 1)
      yield* eventually(
        "all three wait",
        Effect.map(statusOf(node, reactor), ({ lag }) => lag === 3)
      )
      const health = ProjectionMonitor.health([reactor], { maxLagTime: "1 milli" })
      const unhealthy = yield* node.run(Effect.flip(health))
      assert.strictEqual(unhealthy._tag, "Unhealthy")
      assert.deepStrictEqual(yield* numbersOf(node, journals.target, "b"), [])
      yield* Deferred.succeed(gate, undefined)
      yield* eventually(
        "no event is left",
        Effect.map(statusOf(node, reactor), ({ lag }) => lag === 0)
      )
    }),

  "a parked key makes it unhealthy until it is handled": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    const failing = copier(journals, (n) => (n === 1 ? Effect.fail("one") : Effect.void), { onPoison: "park" })
    yield* reacting(node, failing)
    yield* note(node, journals.source, "a", 1, 2)
    yield* eventually(
      "a key is parked",
      Effect.map(statusOf(node, failing), ({ lag, parked }) => parked === 1 && lag === 0)
    )
    assert.isFalse(yield* isHealthy(node, failing))
    const mended = copier(journals, undefined, { onPoison: "park" })
    yield* node.run(Reactor.retryParked(mended))
    yield* eventually("it is healthy", isHealthy(node, failing))
    // The reactor that has run meanwhile goes on with the key.
    yield* node.run(
      Executor.execute(journals.source, "a", { _tag: "Note", n: 3 }).pipe(
        Projection.waitFor(failing, { timeout: "1 minute" })
      )
    )
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1, 2, 3])
  }),

  "a reactor that nobody runs is a fault": Effect.gen(function* () {
    const journals = newJournals()
    const node = yield* open
    const reactor = copier(journals)
    yield* node.run(Reactor.catchUp(reactor, job))
    const { faults } = yield* statusOf(node, reactor)
    assert.deepStrictEqual(
      faults.map(({ reason }) => reason),
      ["unowned"]
    )
    assert.include(ProjectionMonitor.describe(faults[0]!), "Reactor.layer")
  })
}
