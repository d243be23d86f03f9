import { assert } from "@effect/vitest"
import { Reactor } from "@hexfold/core"
import { Effect, Fiber } from "effect"
import { open } from "../projections/trouble.ts"
import { type Cases, needs } from "../plan.ts"
import { comesTo, copier, job, newJournals, note, numbersOf, reacting } from "./journals.ts"

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
      const failed = yield* Effect.flip(node.run(Reactor.catchUp(copier(journals), job)))
      assert.ok(failed._tag === "EventStoreError")
      const tags = ["PositionFromAnotherHistory", "Rejected"]
      assert.include(tags, failed.reason._tag)
    }
    const running = yield* reacting(node, copier(journals))
    yield* Fiber.interrupt(running)
    assert.deepStrictEqual(yield* numbersOf(node, journals.target, "a"), [])
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
