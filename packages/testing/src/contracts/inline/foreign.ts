import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import { eventually } from "../eventually.ts"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { assertLaw, catchUp, inline, isInline, notes, on, openWith, viewsOf } from "./notes.ts"

const lease = Duration.seconds(1)

const later = viewsOf("inline", 2)

/** Two processes, each with its own version of a view that its appends maintain, and with the projection of it. */
const opened = Effect.gen(function* () {
  const [one, two] = [yield* openWith([inline.All]), yield* openWith([later.All])]
  yield* catchUp(one, [inline.All])
  yield* catchUp(two, [later.All])
  const options = { lease, pause: "20 millis" } as const
  yield* Effect.forkScoped(on(one, Projection.run(inline.All, options)))
  yield* Effect.forkScoped(on(two, Projection.run(later.All, options)))
  let n = 0
  const append = (node: Node, name: string) =>
    Effect.map(appendOne(node.eventStore, notes({ [name]: [++n] })), ({ events }) => events[0]!.position)
  const assertLaws = (position: number) =>
    Effect.gen(function* () {
      yield* on(one, Projection.waitUntil(inline.All, position))
      yield* on(two, Projection.waitUntil(later.All, position))
      yield* assertLaw(one, inline.All, position)
      yield* assertLaw(two, later.All, position)
    })
  return { one, two, append, assertLaws }
})

/** Promise 8 while processes append that do not know a view. */
export const foreign: Cases = {
  "8 while processes of two versions append, the projection of each version follows, and appends do not maintain them in between":
    needs("otherProcesses")(function* () {
      const { append, assertLaws, one, two } = yield* opened
      yield* append(one, "a")
      let position = yield* append(two, "b")
      const begun = performance.now()
      let latest = begun
      let longest = 0
      for (let rounds = 0; rounds < 30 || latest - begun < 2.5 * Duration.toMillis(lease); rounds++) {
        yield* append(one, "a")
        position = yield* append(two, "b")
        const now = performance.now()
        longest = Math.max(longest, now - latest)
        latest = now
        const some = (yield* isInline(one, inline.All)) || (yield* isInline(two, later.All))
        // A process that stands still for a lease appends nothing in it.
        if (longest < 0.6 * Duration.toMillis(lease)) assert.isFalse(some, `round ${rounds}`)
        yield* Effect.sleep("5 millis")
      }
      yield* assertLaws(position)
    }),

  "8 appends maintain a view again a lease after the last append of a process that does not know it": needs(
    "otherProcesses"
  )(function* () {
    const { append, assertLaws, one, two } = yield* opened
    yield* append(one, "a")
    yield* append(two, "b")
    assert.isFalse(yield* isInline(two, later.All))
    let position = 0
    // Only processes of the later version append from now on.
    yield* eventually(
      "appends maintain the later version",
      Effect.gen(function* () {
        position = yield* append(two, "b")
        return yield* isInline(two, later.All)
      })
    )
    position = yield* append(two, "b")
    assert.isTrue(yield* isInline(two, later.All))
    assert.isFalse(yield* isInline(one, inline.All))
    yield* assertLaws(position)
  })
}
