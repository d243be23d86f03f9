import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Effect, Result } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import { assertOutcome } from "../keeping/outcomes.ts"
import { append, expected, generate, type Kept, logOf, nameOf, viewOf } from "../keeping/generated.ts"
import type { Node } from "../nodes.ts"
import type { Cases } from "../plan.ts"
import { isInline, on, openWith } from "./notes.ts"

const patient = { lease: "1 minute", pause: "10 millis" } as const

/** Appends keep the same records as projections. */
export const keeping: Cases = {
  "8 the same events make the same records, byte for byte, in one append or in several": Effect.gen(function* () {
    const all = generate(6)
    const node = yield* openWith(all.map((kept) => viewOf(kept, "Inline", "inline")))
    for (const [i, kept] of all.entries()) yield* isKept(node, kept, [1, 3, Infinity][i % 3]!)
  })
}

const isKept = Effect.fnUntraced(function* (node: Node, kept: Kept, size: number) {
  const view = viewOf(kept, "Inline", "inline")
  const message = `appends of ${size} events, ${nameOf(kept)}`
  yield* on(node, Projection.catchUp(view, patient))
  assert.isTrue(yield* isInline(node, view), message)
  for (let i = 0; i < kept.ns.length; i += size) {
    yield* appendOne(node.eventStore, append(kept, kept.ns.slice(i, i + size)))
    // A view that an append could not maintain goes on as an async one.
    if (yield* isInline(node, view)) continue
    const caughtUp = yield* Effect.result(on(node, Projection.catchUp(view, patient)))
    if (Result.isFailure(caughtUp)) assert.strictEqual(caughtUp.failure._tag, "ProjectionFailed", message)
  }
  yield* assertOutcome(node, view, expected(kept, yield* logOf(node.eventStore, kept)), message)
  assert.deepStrictEqual((yield* on(node, Projection.verify(view))).differences, [], message)
})
