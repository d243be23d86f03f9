import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Effect } from "effect"
import { openWith } from "../nodes.ts"
import { needs, type Cases } from "../plan.ts"
import { monitored } from "../monitored.ts"
import { isInline, on } from "./notes.ts"
import { append, newName, past, stored, tillOf } from "../changing/tills.ts"
import { law, viewOf } from "../changing/views.ts"

/** Appends maintain views with what stored events become, and not past what nobody knows. */
export const changing: Cases = {
  "8 an append of events of all programs is applied to a view that appends maintain": Effect.gen(function* () {
    const till = tillOf(newName())
    const view = viewOf(till, { consistency: "inline" })
    const node = yield* openWith({ views: [view] })
    yield* append(node, till, "a", past())
    yield* on(node, Projection.catchUp(view))
    assert.isTrue(yield* isInline(node, view))
    for (const id of ["a", "b"]) yield* append(node, till, id, past())
    for (const event of past()) yield* append(node, till, "a", [event])
    assert.isTrue(yield* isInline(node, view))
    const { states } = yield* node.viewStore.load({ view: view.name, version: 1 }, ["a", "b", "all"])
    const expected = yield* law(node, till, view)
    for (const key of ["a", "b", "all"]) assert.deepStrictEqual(states.get(key), expected[key] as never)
  }),

  "8 appends stop maintaining a view before an event that its definition does not know": needs("otherProcesses")(
    function* () {
      const till = tillOf(newName())
      const view = viewOf(till, { consistency: "inline", onPoison: "skip" })
      const node = yield* openWith({ views: [view] })
      const newer = yield* openWith({ views: [] })
      yield* append(node, till, "a", past())
      yield* on(node, Projection.catchUp(view))
      // A type that the definition knows, and does not handle, touches no record.
      yield* append(newer, till, "a", [stored("Noted", { text: "x" })])
      assert.isTrue(yield* isInline(node, view))
      const { events } = yield* append(newer, till, "a", [stored("Refunded", { cents: 1 })])
      assert.isFalse(yield* isInline(node, view))
      const failed = yield* Effect.flip(on(node, Projection.catchUp(view)))
      assert.include(failed, { _tag: "ProjectionFailed", step: "unknown", position: events[0]!.position })
      const status = yield* on(node, monitored(view))
      assert.include(status, { state: "unknown event", position: events[0]!.position - 1 })
    }
  )
}
