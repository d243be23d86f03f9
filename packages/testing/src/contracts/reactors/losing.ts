import { assert } from "@effect/vitest"
import { Reactor } from "@hexfold/core"
import { Effect, Fiber } from "effect"
import { open, type TroubledNode } from "../projections/trouble.ts"
import { type Cases, needs } from "../plan.ts"
import { monitored } from "../monitored.ts"
import { comesTo, copier, job, type Journals, newJournals, note, numbersOf, reacting } from "./journals.ts"

/** Handles what is left, and must stop because the log has lost events. Gives the tag of the reason. */
const stops = (node: TroubledNode, journals: Journals) =>
  Effect.gen(function* () {
    const failed = yield* Effect.flip(node.run(Reactor.catchUp(copier(journals), job)))
    assert.ok(failed._tag === "EventStoreError")
    assert.include(["PositionFromAnotherHistory", "Rejected"], failed.reason._tag)
    return failed.reason._tag
  })

/** The log has lost its last events. */
export const losing: Cases = {
  "a reactor whose position the log has lost stops and says so, however far the log has grown since": needs(
    "lostCommits"
  )(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2, 3)
    yield* node.run(Reactor.catchUp(copier(journals), job))
    // The last events are those of the handler.
    yield* node.loseLast(4)
    for (const ns of [[], [2], [3, 4, 5, 6]]) {
      yield* note(node, journals.source, "a", ...ns)
      yield* stops(node, journals)
    }
    const running = yield* reacting(node, copier(journals))
    yield* Fiber.interrupt(running)
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [])
  }),

  "a reactor stops, and says so, if the log has its position but not all that its handlers have appended": needs(
    "lostCommits"
  )(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* note(node, journals.source, "a", 1, 2, 3)
    yield* node.run(Reactor.catchUp(copier(journals), job))
    // The last two of its commands.
    yield* node.loseLast(2)
    for (const ns of [[], [4, 5, 6]]) {
      yield* note(node, journals.source, "a", ...ns)
      const reason = yield* stops(node, journals)
      const status = yield* node.run(monitored(copier(journals)))
      assert.deepStrictEqual([status.state, status.refusal?._tag], ["failed", reason])
    }
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [1])
  }),

  "a parked event that was handled again counts, too, for what the log must have": needs("lostCommits")(function* () {
    const journals = newJournals()
    const node = yield* open
    const definition = { onPoison: "park" } as const
    const failing = copier(journals, () => Effect.fail("no"), definition)
    yield* note(node, journals.source, "a", 1)
    yield* node.run(Reactor.catchUp(failing, job))
    const mended = copier(journals, undefined, definition)
    yield* node.run(Reactor.retryParked(mended))
    yield* node.loseLast(1)
    const failed = yield* Effect.flip(node.run(Reactor.catchUp(mended, job)))
    assert.strictEqual(failed._tag, "EventStoreError")
  }),

  "a reactor goes on in the next history from a position that the log still has": needs("lostCommits")(function* () {
    const journals = newJournals()
    const node = yield* open
    yield* reacting(node, copier(journals))
    yield* note(node, journals.source, "a", 1)
    yield* comesTo(node, journals.target, "a", [1])
    yield* node.loseLast(0)
    yield* note(node, journals.source, "a", 2)
    yield* comesTo(node, journals.target, "a", [1, 2])
  })
}
