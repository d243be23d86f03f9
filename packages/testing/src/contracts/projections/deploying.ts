import { assert } from "@effect/vitest"
import { Projection, Query, Records } from "@hexfold/core"
import { Effect, Fiber, Scope, Exit } from "effect"
import type { Cases } from "../plan.ts"
import { eventually } from "../eventually.ts"
import {
  type Entries,
  isFolded,
  job,
  load,
  newTally,
  projecting,
  reaches,
  settles,
  statusOf,
  until,
  viewOf,
  worked
} from "./tallies.ts"
import { refusal } from "../projectionStore/generations.ts"
import { open, type TroubledNode, three, two } from "./trouble.ts"

/**
 * A process of one version of an application, until its scope is closed: it runs the
 * projection of its version, and reads its own records all the time. Each answer is
 * the fold up to some position by this version, or says that the version does not
 * answer.
 */
const process = Effect.fnUntraced(function* (node: TroubledNode, view: Entries, options: Projection.Options = {}) {
  const scope = yield* Scope.make()
  let answers = 0
  const looking = Effect.gen(function* () {
    for (;;) {
      const states = yield* answers % 2 === 0 ? byKey(node, view) : byQuery(node, view)
      if (states !== undefined) {
        isFold(view, states)
        answers++
      }
      yield* Effect.sleep("1 millis")
    }
  })
  yield* Scope.provide(projecting(node, view, options), scope)
  const reader = yield* Scope.provide(Effect.forkScoped(looking), scope)
  return {
    /** Waits until the process has read more. */
    answers: Effect.suspend(() => {
      const before = answers
      return until("the process reads its records", () => answers > before + 3 || reader.pollUnsafe() !== undefined)
    }),
    stop: Effect.gen(function* () {
      const exit = reader.pollUnsafe()
      if (exit !== undefined) yield* Fiber.join(reader)
      yield* Scope.close(scope, Exit.void)
    })
  }
})

const keys = ["all", ...Array.from({ length: 12 }, (_, i) => `s${i}`)]

const byKey = (node: TroubledNode, view: Entries) =>
  node.run(Records.getMany(view, keys)).pipe(Effect.catchTag("NotServing", () => Effect.succeed(undefined)))

const byQuery = (node: TroubledNode, view: Entries) =>
  node.run(Records.query(view, Query.from(view))).pipe(
    Effect.map(({ rows }) => new Map(rows.map(({ key, state }) => [key, state]))),
    Effect.catchTag("NotServing", () => Effect.succeed(undefined))
  )

type States = ReadonlyMap<string, { readonly version: number; readonly positions: ReadonlyArray<number> }>

/** Records of this version only; the parts of a view may stand at different positions. */
const isFold = (view: Entries, states: States): void => {
  for (const { positions, version } of states.values()) {
    assert.strictEqual(version, view.version)
    assert.deepStrictEqual(
      positions,
      [...new Set(positions)].sort((a, b) => a - b)
    )
  }
}

/** Versions of an application side by side: promise 4 as processes see it. */
export const deploying: Cases = {
  "a reader of a version that nobody has built is told so, also while another version answers": Effect.gen(
    function* () {
      const tally = newTally()
      const [first, second] = [viewOf(tally), viewOf(tally, { version: 2 })]
      const [node, other] = yield* two
      yield* node.run(Projection.catchUp(first, job))
      const readings = [
        Effect.asVoid(Records.get(second, "all")),
        Effect.asVoid(Records.query(second, Query.from(second)))
      ]
      for (const reading of readings) {
        assert.strictEqual(yield* refusal(other.run(reading)), "unbuilt")
      }
    }
  ),

  "a version is built ahead of its deployment, and answers from then on": Effect.gen(function* () {
    const tally = newTally()
    const [first, second] = [viewOf(tally), viewOf(tally, { version: 2 })]
    const [old, builder, reader] = yield* three
    const writing = yield* load([old], tally)
    const running = yield* process(old, first)
    yield* until("there is something to build", () => writing.written() > 50 && worked(old))
    const position = yield* writing.stop
    const { position: reached } = yield* builder.run(Projection.build(second, { ...job, batch: 7 }))
    assert.isAtLeast(reached, position)
    yield* isFolded(reader, tally, second)
    yield* reaches(reader, first, position)
    yield* running.answers
    yield* isFolded(reader, tally, first)
    yield* running.stop
  }),

  "a whole life: a version is built, rolled out under load, rolled back, rolled out again, and the former one dropped":
    lifeOf({}),

  "a whole life of a view in parts": lifeOf({ parts: 3 })
}

function lifeOf(options: Projection.Options) {
  return Effect.gen(function* () {
    const tally = newTally()
    const [first, second] = [viewOf(tally), viewOf(tally, { version: 2 })]
    const [a, b, jobs] = yield* three
    const writer = yield* open
    const writing = yield* load([writer], tally)
    const more = Effect.suspend(() => {
      const before = writing.written()
      return until("more is written", () => writing.written() > before + 10)
    })
    const all = { ...options, batch: 7 }

    let [inA, inB] = [yield* process(a, first, all), yield* process(b, first, all)]
    yield* until("there is something to build", () => writing.written() > 50)
    yield* inA.answers
    yield* jobs.run(Projection.build(second, { ...job, ...all }))
    // One process after the other.
    const roll = Effect.fnUntraced(function* (view: Entries) {
      yield* inA.stop
      inA = yield* process(a, view, all)
      yield* more
      yield* inB.answers
      yield* inB.stop
      inB = yield* process(b, view, all)
      yield* inA.answers
      yield* inB.answers
    })
    yield* roll(second)
    yield* more
    yield* roll(first)
    yield* jobs.run(Projection.serve(first, { ...job, ...all }))
    yield* more
    yield* roll(second)
    assert.isNotEmpty(
      yield* jobs.run(
        Effect.retry(Projection.drop({ view: first, version: 1 }), { while: (error) => error._tag === "DropRefused" })
      )
    )
    yield* inB.answers
    yield* settles(jobs, tally, second, writing)
    yield* eventually(
      "only the second version is left",
      Effect.map(statusOf(jobs, second), (left) => left.every(({ version }) => version === 2))
    )
    yield* inA.stop
    yield* inB.stop
  })
}
