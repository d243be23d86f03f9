import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Duration, Effect, Exit, Fiber } from "effect"
import { type Cases, needs } from "../plan.ts"
import { eventually } from "../eventually.ts"
import {
  below,
  job,
  load,
  newView,
  owned,
  projecting,
  settles,
  statusOf,
  until,
  wereOneByOne,
  worked
} from "./tallies.ts"
import { openAll, type Trouble, two, type TroubledNode } from "./trouble.ts"

const takeOver = (trouble: Trouble) =>
  Effect.gen(function* () {
    const { tally, view } = newView()
    const [owner, other] = yield* two
    const writing = yield* load([other], tally)
    const running = yield* projecting(owner, view)
    yield* until("the first one works", () => worked(owner))
    // A commit is held back before another one can own the view.
    if (trouble === "late") yield* late(owner)
    yield* projecting(other, view)
    owner.trouble = trouble
    if (trouble === "gone") yield* Fiber.interrupt(running)
    yield* until("the other one works", () => worked(other))
    // The operations that were held back arrive while the other one works, and the first one tries again too.
    const delivered = yield* owner.deliver
    owner.trouble = "none"
    // The other one goes on, unless its lease has ended and the first one is the owner again.
    const made = [owner.commits.length, other.commits.length + 3] as const
    yield* until("one of them goes on", () => worked(owner, made[0]) || worked(other, made[1]))
    assert.isFalse(delivered.some(Exit.isSuccess))
    if (trouble === "late") assert.isAbove(delivered.length, 0)
    yield* settles(other, tally, view, writing)
    wereOneByOne([owner, other])
  })

/** The commits of the only node that works on a view are late from now on; the first of them is held back. */
const late = (owner: TroubledNode) => {
  owner.trouble = "late"
  return until("a commit is held back", () => owner.held() > 0)
}

/** The other node takes over from an owner that is struck and not interrupted. */
const replaced = Effect.fnUntraced(function* (strike: (owner: TroubledNode) => Effect.Effect<void>) {
  const { tally, view } = newView()
  const [owner, other] = yield* two
  const writing = yield* load([other], tally)
  yield* projecting(owner, view)
  yield* until("the first one works", () => worked(owner))
  yield* projecting(other, view)
  yield* strike(owner)
  yield* until("the other one works", () => worked(other))
  yield* settles(other, tally, view, writing)
  wereOneByOne([owner, other])
})

/** The projection that owns a view works on it, alone; when it is gone, another one takes over. */
export const owning: Cases = {
  "an owner whose operations fail is replaced": takeOver("down"),

  "an owner whose operations hang is replaced, and what arrives late changes nothing": takeOver("late"),

  "what an owner sends late changes nothing as soon as another one owns the view, even before that one commits":
    Effect.gen(function* () {
      const { tally, view } = newView()
      const [owner, other] = yield* two
      const writing = yield* load([other], tally)
      yield* projecting(owner, view)
      yield* until("it works", () => worked(owner))
      yield* late(owner)
      const claim = { generation: { view: view.name, version: 1 }, owner: "another", lease: Duration.seconds(5) }
      yield* owned(other, claim)
      const delivered = yield* owner.deliver
      assert.isAbove(delivered.length, 0)
      assert.isFalse(delivered.some(Exit.isSuccess))
      yield* other.projectionStore.claim({ ...claim, lease: Duration.zero })
      owner.trouble = "none"
      yield* settles(other, tally, view, writing)
    }),

  "of two commits of the same events by one owner, both late, at most one changes something": Effect.gen(function* () {
    const { tally, view } = newView()
    const [owner, other] = yield* two
    const writing = yield* load([other], tally)
    yield* projecting(owner, view)
    yield* until("it works", () => worked(owner))
    owner.trouble = "slow"
    // Three operations: the first commit, the release of the lease after that timed out, and the next commit.
    yield* until("it tries again", () => owner.held() >= 3)
    const delivered = yield* owner.deliver
    assert.isAtMost(delivered.filter(Exit.isSuccess).length, 1)
    owner.trouble = "none"
    yield* settles(other, tally, view, writing)
    wereOneByOne([owner])
  }),

  "an owner that gets no answers is replaced, although its operations were done": takeOver("deaf"),

  "an owner that goes away without releasing its lease is replaced": takeOver("gone"),

  "an owner that the network cuts off is replaced": needs("silentConnections")(function* () {
    yield* replaced(({ cut }) => cut)
  }),

  "an owner whose operations are lost is replaced, though it goes on": replaced((owner) =>
    Effect.sync(() => void (owner.trouble = "gone"))
  ),

  "of many runners in several processes one works at a time, and another one goes on when it ends": Effect.gen(
    function* () {
      const { tally, view } = newView()
      const nodes = yield* openAll(3)
      const writing = yield* load(nodes, tally)
      const start = (node: TroubledNode) => Effect.map(projecting(node, view), (fiber) => ({ node, fiber }))
      const runners = yield* Effect.forEach([...nodes, ...nodes, ...nodes], start)
      const owners = new Set<string>()
      // Any of the runners may be the owner. Each that ends is replaced, so in the end the owner is among those that ended.
      while (owners.size < 2) {
        const { fiber, node } = runners.shift()!
        const before = writing.written()
        yield* eventually(
          "somebody works",
          Effect.map(statusOf(node, view), ([status]) => {
            const owner = status?.parts[0]?.owner
            if (owner !== undefined) owners.add(owner)
            return owner !== undefined && writing.written() > before + 10
          })
        )
        yield* Fiber.interrupt(fiber)
        runners.push(yield* start(node))
      }
      yield* settles(nodes[0]!, tally, view, writing)
      wereOneByOne(nodes)
    }
  ),

  "a projection that is interrupted at any moment and begins again applies each event once": Effect.gen(function* () {
    const { tally, view } = newView()
    const [writer, node] = yield* two
    const writing = yield* load([writer], tally)
    for (let i = 0; i < 40; i++) {
      const running = yield* projecting(node, view, { batch: 3 })
      yield* Effect.sleep(yield* below(30))
      yield* Fiber.interrupt(running)
    }
    yield* node.run(Projection.catchUp(view, job))
    yield* projecting(node, view)
    yield* settles(writer, tally, view, writing)
    wereOneByOne([node])
  }),

  "processes whose connections come and go apply each event once": Effect.gen(function* () {
    const { tally, view } = newView()
    const [writer, ...nodes] = yield* openAll(4)
    const writing = yield* load([writer!], tally)
    for (const node of nodes) yield* projecting(node, view, { batch: 3 })
    for (let i = 0; i < 60; i++) {
      const node = nodes[yield* below(nodes.length)]!
      node.trouble = troubles[yield* below(troubles.length)]!
      yield* Effect.sleep(yield* below(40))
      yield* nodes[yield* below(nodes.length)]!.deliver
    }
    for (const node of nodes) node.trouble = "none"
    for (const node of nodes) yield* node.deliver
    yield* settles(writer!, tally, view, writing)
    wereOneByOne(nodes)
  })
}

const troubles: ReadonlyArray<Trouble> = ["none", "none", "none", "down", "late", "deaf", "gone"]
