import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Effect, Exit, Layer, Scope } from "effect"
import type { Cases } from "../plan.ts"
import { eventually } from "../eventually.ts"
import {
  add,
  type Definition,
  isFolded,
  job,
  newTally,
  projecting,
  quick,
  reaches,
  statusOf,
  type Tally,
  until,
  viewOf,
  worked
} from "./tallies.ts"
import { three, two } from "./trouble.ts"

/** A view as two programs define it under one version: the second one has an index more. */
const definitions = (tally: Tally, definition: Definition = {}) =>
  [viewOf(tally, definition), viewOf(tally, { ...definition, indexes: ["sum"] })] as const

/** Promise 9 as processes see it: of two definitions of one version, one applies events. */
export const defining: Cases = {
  "9 a process with another definition of a version never works on it, also when no other process does": Effect.gen(
    function* () {
      const tally = newTally()
      const [first, second] = definitions(tally)
      const [one, other] = yield* two
      const scope = yield* Scope.make()
      yield* Scope.provide(projecting(one, first), scope)
      yield* reaches(one, first, yield* add(one, tally, "a", 1))
      yield* projecting(other, second)
      for (const each of [Projection.catchUp, Projection.build, Projection.serve]) {
        const refused = yield* Effect.flip(other.run(each(second, job)))
        assert.deepInclude(refused, { _tag: "DefinitionDiffers", stored: first.fingerprint, own: second.fingerprint })
      }
      yield* reaches(one, first, yield* add(other, tally, "b", 2))
      yield* Scope.close(scope, Exit.void)
      const position = yield* add(one, tally, "a", 3)
      const claims = other.claims()
      yield* until("the second definition is refused again", () => other.claims() > claims + 2)
      assert.isFalse(worked(other))
      yield* projecting(one, first)
      yield* reaches(one, first, position)
      assert.isFalse(worked(other))
      yield* isFolded(one, tally, first)
    }
  ),

  "9 a rebuild takes a version over for its definition; projections with the former one end, and those with it begin":
    Effect.gen(function* () {
      const tally = newTally()
      const [first, second] = definitions(tally)
      const [one, other, jobs] = yield* three
      yield* projecting(one, first)
      yield* projecting(other, second)
      yield* reaches(one, first, yield* add(one, tally, "a", 1, 2, 3))
      const { build } = yield* jobs.run(Projection.rebuild(second, job))
      yield* eventually(
        "the projection of the new definition owns the build",
        Effect.map(statusOf(jobs, second), (all) =>
          all.some(
            (each) =>
              each.build === build &&
              each.fingerprint === second.fingerprint &&
              each.parts.every(({ owner }) => owner !== undefined)
          )
        )
      )
      const before = one.commits.length
      yield* reaches(other, second, yield* add(one, tally, "b", 4))
      assert.isFalse(worked(one, before))
      assert.isTrue(worked(other))
      yield* isFolded(other, tally, second)
      assert.strictEqual((yield* Effect.flip(one.run(Projection.catchUp(first, job))))._tag, "DefinitionDiffers")
    }),

  "9 a projection that may rebuild does so when it starts, in each part, and is refused once it has the former definition":
    Effect.gen(function* () {
      const tally = newTally()
      const [first, second] = definitions(tally)
      const [one, other] = yield* two
      yield* Effect.forkScoped(one.run(Layer.launch(Projection.layer(first, { ...quick, onChange: "rebuild" }))))
      yield* reaches(one, first, yield* add(one, tally, "a", 1, 2, 3))
      yield* Effect.forkScoped(
        other.run(Layer.launch(Projection.layer([second], { ...quick, parts: 3, onChange: "rebuild" })))
      )
      yield* eventually(
        "the second process has built the records anew",
        Effect.map(statusOf(one, second), (all) =>
          all.some(({ fingerprint, serves }) => serves && fingerprint === second.fingerprint)
        )
      )
      const before = one.commits.length
      yield* reaches(other, second, yield* add(one, tally, "b", 4, 5))
      yield* until("the second process works", () => worked(other))
      // The first process has had time for its own tries meanwhile.
      for (let n = 6; n < 10; n++) yield* reaches(other, second, yield* add(one, tally, "c", n))
      assert.isFalse(worked(one, before))
      const builds = yield* statusOf(one, second)
      assert.lengthOf(builds, 2)
      assert.strictEqual(builds[1]?.parts.length, 3)
      yield* isFolded(other, tally, second)
    }),

  "9 parked events are not retried, and records not verified, with another definition": Effect.gen(function* () {
    const tally = newTally()
    const isPoison = (n: number) => n === 2
    const [first] = definitions(tally, { onPoison: "park", isPoison })
    const [, second] = definitions(tally)
    const [one, other] = yield* two
    yield* add(one, tally, "a", 1, 2, 3)
    yield* one.run(Projection.catchUp(first, job))
    const letters = one.projectionStore.deadLetters({ view: first.name, version: 1 })
    const before = yield* letters
    assert.isNotEmpty(before)
    assert.strictEqual((yield* Effect.flip(other.run(Projection.retryParked(second))))._tag, "DefinitionDiffers")
    assert.strictEqual((yield* Effect.flip(other.run(Projection.verify(second))))._tag, "DefinitionDiffers")
    assert.deepStrictEqual(yield* letters, before)
    const corrected = viewOf(tally)
    assert.isAbove((yield* one.run(Projection.retryParked(corrected))).applied, 0)
    yield* isFolded(one, tally, corrected)
  })
}
