import { assert } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Effect, Result } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import { type Cases, needs } from "../plan.ts"
import { all, assertLaw, catchUp, inline, isInline, notes, openWith } from "./notes.ts"

/** Locks of streams beside views that appends maintain. */
export const holding: Cases = {
  "holds maintain inline views, beside appends that do": needs(
    "inlineViews",
    "transactions",
    "otherProcesses"
  )(function* () {
    const views = all(inline)
    const nodes = [yield* openWith(views), yield* openWith(views)]
    yield* catchUp(nodes[0]!, views)
    const names = ["a", "b", "c"]
    const streamOf = (name: string) => StreamId.make("Note", name)
    const results = yield* Effect.forEach(
      Array.from({ length: 60 }, (_, i) => i),
      (i) => {
        const node = nodes[i % 2]!
        const mine = [names[i % 3]!, names[(i * 2 + 1) % 3]!]
        const append = appendOne(node.eventStore, notes(Object.fromEntries(mine.map((name) => [name, [i]]))))
        return Effect.result(i % 4 === 0 ? append : node.streamLocks.hold(mine.map(streamOf), [], append))
      },
      { concurrency: 8 }
    )
    assert.deepStrictEqual(results.filter(Result.isFailure), [])
    for (const view of views) {
      assert.isTrue(yield* isInline(nodes[1]!, view))
      yield* assertLaw(nodes[1]!, view)
    }
  })
}
