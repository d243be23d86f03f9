import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Duration, Effect, Fiber } from "effect"
import type { Cases } from "../plan.ts"
import { eventually } from "../eventually.ts"
import {
  answers,
  job,
  load,
  newView,
  owned,
  projecting,
  quick,
  recordsOf,
  settles,
  statusOf,
  until
} from "./tallies.ts"
import { two } from "./trouble.ts"

/** The records are compared with the events while both change. */
export const verifying: Cases = {
  "nothing differs while projections in parts work under load": Effect.gen(function* () {
    const { tally, view } = newView()
    const [owner, other] = yield* two
    const writing = yield* load([owner, other], tally)
    yield* projecting(owner, view, { parts: 3, batch: 3 })
    yield* until("more is written", () => writing.written() > 50)
    yield* answers(other, view)
    yield* eventually(
      "there are records",
      Effect.map(recordsOf(other, view), (all) => Object.keys(all).length > 0)
    )
    for (const keysPerPass of [1, 3, 50_000]) {
      const { compared, differences } = yield* other.run(Projection.verify(view, { keysPerPass }))
      assert.deepStrictEqual(differences, [])
      assert.isAbove(compared, 0)
    }
    yield* settles(other, tally, view, writing)
  }),

  "a record that something else has changed is found under load, and a rebuild mends it": Effect.gen(function* () {
    const { tally, view } = newView()
    const [owner, other] = yield* two
    const writing = yield* load([owner, other], tally)
    const running = yield* projecting(owner, view)
    yield* until("more is written", () => writing.written() > 50)
    yield* answers(other, view)
    yield* eventually(
      "there are records of two streams",
      Effect.map(recordsOf(other, view), (all) => Object.keys(all).length > 2)
    )
    yield* Fiber.interrupt(running)
    const generation = { view: view.name, version: 1 }
    const claim = { generation, owner: "culprit", lease: Duration.seconds(5) }
    const { epoch, position } = yield* owned(other, claim)
    const { states } = yield* other.projectionStore.load(generation, ["all", ...streams])
    const [changed, lost] = [...states.keys()].filter((key) => key !== "all")
    const put = [changed!, "invented"].map((key) => ({ key, state: { version: 1, positions: [1], sum: 0.5 } }))
    yield* other.projectionStore.commit({
      owner: { generation, epoch },
      from: position,
      to: position,
      records: { put: put.map(whole), remove: [lost!] }
    })
    yield* other.projectionStore.claim({ ...claim, lease: Duration.zero })
    yield* projecting(owner, view, quick)
    const { differences } = yield* other.run(Projection.verify(view))
    assert.deepStrictEqual(differences.map(({ key }) => key).sort(), [changed!, "invented", lost!].sort())
    yield* other.run(Projection.rebuild(view, job))
    assert.deepStrictEqual((yield* other.run(Projection.verify(view))).differences, [])
    yield* settles(other, tally, view, writing)
    assert.lengthOf(yield* statusOf(other, view), 2)
  })
}

const streams = Array.from({ length: 12 }, (_, i) => `s${i}`)

const whole = ({
  key,
  state
}: {
  readonly key: string
  readonly state: { readonly positions: ReadonlyArray<number> }
}) => ({
  key,
  state: { version: 1, positions: [...state.positions], sum: 0 }
})
