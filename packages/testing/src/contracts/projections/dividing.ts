import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import type { Cases } from "../plan.ts"
import { eventually } from "../eventually.ts"
import { below, load, newView, projecting, settles, statusOf, until, wereOneByOne, worked } from "./tallies.ts"
import { openAll, type TroubledNode } from "./trouble.ts"

const owners = (node: TroubledNode, view: { readonly name: string }) =>
  Effect.map(statusOf(node, view), (all) => all[0]?.parts.map(({ owner }) => owner) ?? [])

/** Each part of a view has an owner, and all parts together are the view. */
export const dividing: Cases = {
  "the parts of an owner that goes away are taken over, each event is applied once": Effect.gen(function* () {
    const { tally, view } = newView()
    const nodes = yield* openAll(3)
    const writing = yield* load(nodes, tally)
    const options = { parts: 4, maxParts: 3, batch: 5 }
    const running = yield* Effect.forEach(nodes, (node) => projecting(node, view, options))
    yield* eventually(
      "each part has an owner of its own",
      Effect.map(owners(nodes[1]!, view), (all) => new Set(all).size === 4 && !all.includes(undefined))
    )
    // Two of the nodes may own all parts.
    yield* until("one of them works", () => nodes.some((node) => worked(node)))
    const lost = nodes.findIndex((node) => worked(node))
    nodes[lost]!.trouble = "gone"
    yield* Fiber.interrupt(running[lost]!)
    const others = nodes.filter((_, i) => i !== lost)
    const made = others.map(({ commits }) => commits.length)
    yield* until("another one goes on", () => others.some((node, i) => worked(node, made[i]! + 10)))
    yield* settles(others[0]!, tally, view, writing)
    wereOneByOne(nodes)
  }),

  "owners of parts whose connections come and go apply each event once": Effect.gen(function* () {
    const { tally, view } = newView()
    const [writer, ...nodes] = yield* openAll(3)
    const writing = yield* load([writer!], tally)
    for (const node of nodes) yield* projecting(node, view, { parts: 3, batch: 4 })
    for (let i = 0; i < 30; i++) {
      nodes[yield* below(2)]!.trouble = (["none", "late", "deaf", "gone"] as const)[yield* below(4)]!
      yield* Effect.sleep(yield* below(50))
      yield* nodes[yield* below(2)]!.deliver
    }
    for (const node of nodes) node.trouble = "none"
    for (const node of nodes) yield* node.deliver
    yield* settles(writer!, tally, view, writing)
    wereOneByOne(nodes)
  }),

  "the number of parts changes under load; what the owners of the old ones send late changes nothing": Effect.gen(
    function* () {
      const { tally, view } = newView()
      const [writer, ...nodes] = yield* openAll(5)
      const writing = yield* load([writer!], tally)
      for (const [i, parts] of [3, 1, 4, 2].entries()) {
        const node = nodes[i]!
        // A node with one worker applies one part only, so the parts stand at different positions.
        const running = yield* projecting(node, view, { parts, batch: 4, maxParts: i === 0 ? 1 : parts })
        yield* eventually(
          `there are ${parts} parts`,
          Effect.map(owners(writer!, view), ({ length }) => length === parts)
        )
        yield* until("it works", () => worked(node))
        if (i < 3) {
          node.trouble = "late"
          yield* until("a commit is held back", () => node.held() > 0)
          yield* Fiber.interrupt(running)
        }
        if (i > 0) {
          const delivered = yield* nodes[i - 1]!.deliver
          assert.isAbove(delivered.length, 0)
          assert.isFalse(delivered.some(Exit.isSuccess))
        }
      }
      yield* settles(writer!, tally, view, writing)
      wereOneByOne(nodes)
    }
  )
}
