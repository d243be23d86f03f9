import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Effect, Result } from "effect"
import { appendOne } from "../appendOne.ts"
import { assertOutcome } from "../keeping/outcomes.ts"
import { append, expected, generate, type Kept, logOf, nameOf, viewOf } from "../keeping/generated.ts"
import type { Cases } from "../plan.ts"
import { quick } from "./tallies.ts"
import { open, type TroubledNode } from "./trouble.ts"

/** The next event gets what the store keeps, and not what the handler has returned. */
export const keeping: Cases = {
  "the same events make the same records, byte for byte, wherever batches end, also in a rebuild": Effect.gen(
    function* () {
      const node = yield* open
      for (const kept of generate(20)) yield* isKept(node, kept)
    }
  )
}

const isKept = Effect.fnUntraced(function* (node: TroubledNode, kept: Kept) {
  for (const n of kept.ns) yield* appendOne(node.eventStore, append(kept, [n]))
  const log = yield* logOf(node.eventStore, kept)
  for (const batch of [1, 3, 1_000]) {
    const view = viewOf(kept, `Batch${batch}`)
    const message = `batch ${batch} of ${nameOf(kept)}`
    const outcome = expected(kept, log)
    const caughtUp = yield* Effect.result(node.run(Projection.catchUp(view, { ...quick, batch })))
    if (Result.isFailure(caughtUp)) assert.strictEqual(caughtUp.failure._tag, "ProjectionFailed", message)
    yield* assertOutcome(node.viewStore, view, outcome, message)
    assert.deepStrictEqual((yield* node.run(Projection.verify(view))).differences, [], message)
    if (batch !== 3 || outcome.stopped !== undefined) continue
    yield* node.run(Projection.rebuild(view, { ...quick, batch: 1_000 }))
    yield* assertOutcome(node.viewStore, view, outcome, `a rebuild after ${message}`)
  }
})
