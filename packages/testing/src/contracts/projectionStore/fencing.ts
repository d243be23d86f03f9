import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { Duration, Effect, Result } from "effect"
import { type Cases, needs } from "../plan.ts"
import { claim, free, letter, newGeneration, open, own, ownPart, records, statusOf, type Store } from "./generations.ts"

const together = { concurrency: "unbounded" } as const

/** A view with a generation, and one of a later version that a projection owns: it has a record and a dead letter. */
const builtBeside = (store: Store) =>
  Effect.gen(function* () {
    const first = newGeneration()
    const generation = { ...first, version: 2 }
    yield* own(store, first)
    const owner = { generation, epoch: yield* own(store, generation) }
    const deadLetters = { put: [letter(1, "a")], remove: [] }
    yield* store.commit({ owner, from: 0, to: 1, records: records({ a: 1 }), deadLetters })
    return owner
  })

/** What a generation has: the number of its records and of its dead letters, and the positions of its parts. */
const contentsOf = (store: Store, generation: ProjectionStore.Generation) =>
  Effect.gen(function* () {
    const { positions, states } = yield* store.load(generation, ["a", "b"])
    return [states.size, (yield* store.deadLetters(generation)).length, positions] as const
  })

/** Promises 2 and 4 for drops: who may drop a generation, and what a race with another owner leaves. */
export const fencing: Cases = {
  "2 a drop with the epoch of a former owner is refused, and nothing is deleted": needs("otherProcesses")(function* () {
    const [store, other] = yield* Effect.all([open, open])
    const former = yield* builtBeside(store)
    const { generation } = former
    yield* free(store, generation)
    const next = { generation, epoch: yield* own(other, generation, "two") }
    for (const owner of [former, { ...next, epoch: next.epoch + 1 }]) {
      assert.deepInclude(yield* Effect.flip(store.drop(owner)), {
        _tag: "CommitConflict",
        ...generation,
        expected: { epoch: owner.epoch, position: 1 },
        actual: { epoch: next.epoch, position: 1 }
      })
    }
    assert.deepStrictEqual(yield* contentsOf(other, generation), [1, 1, [1]])
    yield* other.commit({ owner: next, from: 1, to: 2, records: records({ b: 2 }) })
    assert.deepStrictEqual(yield* contentsOf(other, generation), [2, 1, [2]])
    yield* other.drop(next)
    assert.deepStrictEqual(yield* contentsOf(store, generation), [0, 0, []])
    assert.strictEqual((yield* Effect.flip(other.drop(next)))._tag, "CommitConflict")
    assert.strictEqual(
      (yield* Effect.flip(store.drop({ ...next, generation: newGeneration() })))._tag,
      "CommitConflict"
    )
  }),

  "2 a drop of what cannot be a generation or a part is refused": Effect.gen(function* () {
    const store = yield* open
    const owner = yield* builtBeside(store)
    for (const bad of [
      { ...owner, generation: { ...owner.generation, version: 0 } },
      { ...owner, generation: { ...owner.generation, view: "a'b" } },
      { ...owner, part: -1 },
      { ...owner, part: 0.5 }
    ]) {
      const error = yield* Effect.flip(store.drop(bad))
      assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
    }
    assert.strictEqual((yield* Effect.flip(store.drop({ ...owner, part: 1 })))._tag, "CommitConflict")
    assert.deepStrictEqual(yield* contentsOf(store, owner.generation), [1, 1, [1]])
  }),

  "4 a generation in parts is dropped whole": needs("otherProcesses")(function* () {
    const [store, other] = yield* Effect.all([open, open])
    const generation = { ...newGeneration(), version: 2 }
    yield* own(store, { ...generation, version: 1 })
    const epochs = [yield* ownPart(store, generation, 0, 2), yield* ownPart(store, generation, 1, 2)] as const
    const last = { owner: { generation, part: 1, epoch: epochs[1] }, from: 0, to: 3 }
    yield* store.commit({ ...last, records: records({ b: 2 }) })
    yield* store.drop({ generation, epoch: epochs[0] })
    assert.deepStrictEqual(yield* contentsOf(other, generation), [0, 0, []])
    assert.strictEqual((yield* Effect.flip(other.commit({ ...last, from: 3, to: 4 })))._tag, "CommitConflict")
    assert.deepStrictEqual(
      (yield* statusOf(other, generation.view)).map(({ version }) => version),
      [1]
    )
  }),

  "2 a commit that races with a drop comes before it or is fenced, and leaves nothing": needs("otherProcesses")(
    function* () {
      const [store, other] = yield* Effect.all([open, open])
      for (let round = 0; round < 20; round++) {
        const owner = yield* builtBeside(store)
        const deadLetters = { put: [letter(2, "b")], remove: [] }
        const commit = { owner, from: 1, to: 2, records: records({ b: 2 }), deadLetters }
        const committing = Effect.result(store.commit(commit))
        const dropping = other.drop(owner)
        const { committed } =
          round % 2 === 0
            ? yield* Effect.all({ committed: committing, dropped: dropping }, together)
            : yield* Effect.all({ dropped: dropping, committed: committing }, together)
        if (Result.isFailure(committed)) assert.strictEqual(committed.failure._tag, "CommitConflict")
        assert.deepStrictEqual(yield* contentsOf(other, owner.generation), [0, 0, []])
        assert.deepStrictEqual(
          (yield* statusOf(store, owner.generation.view)).map(({ version }) => version),
          [1]
        )
      }
    }
  ),

  "2 a drop that races with the claim of another owner comes before it or is fenced": needs("otherProcesses")(
    function* () {
      const [store, other] = yield* Effect.all([open, open])
      for (let round = 0; round < 20; round++) {
        const owner = yield* builtBeside(store)
        const { generation } = owner
        yield* free(store, generation)
        const dropping = Effect.result(store.drop(owner))
        const claiming = claim(other, generation, "two", Duration.minutes(1))
        const { claimed, dropped } =
          round % 2 === 0
            ? yield* Effect.all({ dropped: dropping, claimed: claiming }, together)
            : yield* Effect.all({ claimed: claiming, dropped: dropping }, together)
        assert.ok(claimed._tag === "Owned")
        assert.isAbove(claimed.epoch, owner.epoch)
        if (Result.isFailure(dropped)) assert.strictEqual(dropped.failure._tag, "CommitConflict")
        const left = Result.isFailure(dropped)
        assert.strictEqual(claimed.position, left ? 1 : 0)
        assert.deepStrictEqual(yield* contentsOf(store, generation), left ? [1, 1, [1]] : [0, 0, [0]])
        const next = { owner: { generation, epoch: claimed.epoch }, from: claimed.position, to: 2 }
        yield* other.commit({ ...next, records: records({ b: 2 }) })
        assert.deepStrictEqual(yield* contentsOf(store, generation), left ? [2, 1, [2]] : [1, 0, [2]])
      }
    }
  )
}
