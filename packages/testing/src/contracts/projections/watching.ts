import { assert } from "@effect/vitest"
import { Projection, ProjectionMonitor, type View } from "@hexfold/core"
import { Duration, Effect } from "effect"
import type { Cases } from "../plan.ts"
import { eventually } from "../eventually.ts"
import { monitored } from "../monitored.ts"
import { add, job, newTally, newView, projecting, until, viewOf, worked } from "./tallies.ts"
import { type TroubledNode, two } from "./trouble.ts"

/** The status of a view, in whose program no other one is declared. */
const statusOf = ({ run }: TroubledNode, view: View.Any) => run(monitored(view))

/** All that the status of a view lists of the view's generations. */
const listed = ({ run }: TroubledNode, view: View.Any) =>
  Effect.map(run(ProjectionMonitor.status([view])), (all) =>
    all
      .filter((each) => each.view === view.name)
      .map(({ build, isDeclared, state, version }) => ({ version, build, isDeclared, state }))
  )

/** What an operator sees of projections, whichever process runs them. */
export const watching: Cases = {
  "the lag counts the events that a view follows, and not those of others": Effect.gen(function* () {
    const { tally, view } = newView()
    const other = newTally()
    const [node, writer] = yield* two
    yield* add(writer, tally, "s1", 1)
    yield* node.run(Projection.catchUp(view, job))
    yield* add(writer, other, "s1", 1, 2, 3, 4)
    const isAt = (lag: number) =>
      eventually(
        `the lag is ${lag}`,
        Effect.map(statusOf(writer, view), (status) => status.lag === lag && status.lagAtMost === lag)
      )
    yield* isAt(0)
    assert.isTrue(Duration.isZero((yield* statusOf(writer, view)).lagTime))
    yield* add(writer, tally, "s1", 2)
    yield* add(writer, other, "s1", 5)
    yield* add(writer, tally, "s2", 3, 4)
    yield* isAt(3)
    yield* node.run(Projection.catchUp(view, job))
    yield* isAt(0)
  }),

  "the status names the owners, in every process, and the parts that nobody works on": Effect.gen(function* () {
    const { tally, view } = newView()
    const [node, other] = yield* two
    yield* add(other, tally, "s1", 1)
    const where = { host: "web-1", pid: 4711, application: "billing" }
    yield* projecting(node, view, { parts: 3, maxParts: 2 }).pipe(Effect.provideService(Projection.Process, where))
    yield* eventually(
      "two of the parts have an owner",
      Effect.map(statusOf(other, view), ({ owners }) => owners.filter((owner) => owner !== undefined).length === 2)
    )
    const { faults, parts, state } = yield* statusOf(other, view)
    assert.strictEqual(state, "waiting")
    const free = [...parts.keys()].filter((index) => parts[index]!.owner === undefined)
    for (const { owner } of parts) {
      if (owner !== undefined) assert.deepInclude(owner, where)
    }
    const unowned = faults.find(({ reason }) => reason === "unowned")
    assert.deepStrictEqual(unowned?.unowned, { parts: free, of: 3 })
  }),

  "the status lists every generation of the store, also those that the program does not know": Effect.gen(function* () {
    const { tally, view } = newView()
    const next = viewOf(tally, { version: 2 })
    const [node, other] = yield* two
    yield* add(node, tally, "s1", 1)
    yield* node.run(Projection.catchUp(view, job))
    yield* node.run(Projection.rebuild(view, job))
    yield* projecting(node, next)
    yield* until("the next version works", () => worked(node))
    yield* eventually(
      "the next version is live",
      Effect.map(statusOf(other, next), ({ state }) => state === "live")
    )
    assert.deepStrictEqual(yield* listed(other, next), [
      { version: 2, build: 1, isDeclared: true, state: "live" },
      { version: 1, build: 1, isDeclared: false, state: "replaced" },
      { version: 1, build: 2, isDeclared: false, state: "waiting" }
    ])
    const unknown = yield* other.run(ProjectionMonitor.status([]))
    assert.lengthOf(
      unknown.filter((each) => each.view === view.name),
      3
    )
  })
}
