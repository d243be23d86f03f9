import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { DateTime, Effect } from "effect"
import type { Cases } from "../plan.ts"
import { newGeneration, open, own, records } from "./generations.ts"

const waiting = (position: number, key: string): ProjectionStore.DeadLetter => ({
  position,
  history: 1,
  key,
  parked: true,
  stream: "Account-1",
  streamVersion: position,
  type: "Opened",
  at: DateTime.makeUnsafe(1_700_000_000_000)
})

const poison = (position: number, key: string): ProjectionStore.DeadLetter => ({
  ...waiting(position, key),
  error: { step: "evolve", cause: "too much" }
})

const opened = Effect.gen(function* () {
  const store = yield* open
  const generation = newGeneration()
  const epoch = yield* own(store, generation)
  const commit = (
    put: ReadonlyArray<ProjectionStore.DeadLetter>,
    remove: ReadonlyArray<ProjectionStore.DeadLetter> = []
  ) =>
    store.commit({
      owner: { generation, epoch },
      from: 0,
      to: 0,
      records: records({ r: 1 }),
      deadLetters: { put, remove }
    })
  const fenced = (
    put: ReadonlyArray<ProjectionStore.DeadLetter>,
    remove: ReadonlyArray<ProjectionStore.DeadLetter> = []
  ) =>
    Effect.gen(function* () {
      const before = yield* store.deadLetters(generation)
      const { states } = yield* store.load(generation, ["r"])
      assert.strictEqual((yield* Effect.flip(commit(put, remove)))._tag, "CommitConflict")
      assert.deepStrictEqual(yield* store.deadLetters(generation), before)
      assert.deepStrictEqual((yield* store.load(generation, ["r"])).states, states)
    })
  return { store, generation, commit, fenced }
})

/** Promise 2 for dead letters: a commit that expects other dead letters than there are changes nothing. */
export const overtaking: Cases = {
  "2 a commit that removes a dead letter which is not there is fenced": Effect.gen(function* () {
    const { commit, fenced, generation, store } = yield* opened
    const [first, second] = [poison(1, "a"), waiting(2, "a")]
    yield* fenced([], [first])
    yield* commit([first, second])
    yield* fenced([], [first, poison(1, "b")])
    yield* fenced([poison(2, "a")], [first, poison(3, "a")])
    yield* commit([], [first])
    yield* fenced([], [first, second])
    assert.deepStrictEqual(yield* store.deadLetters(generation), [second])
  }),

  "2 a commit that queues an event for a key which is not parked is fenced": Effect.gen(function* () {
    const { commit, fenced, generation, store } = yield* opened
    yield* fenced([waiting(1, "a")])
    const skipped = { ...poison(1, "a"), parked: false }
    yield* commit([skipped])
    yield* fenced([waiting(2, "a")])
    yield* fenced([poison(2, "b"), waiting(3, "b"), waiting(3, "a")])
    yield* commit([poison(2, "a"), waiting(3, "a")])
    yield* commit([waiting(4, "a")])
    yield* commit([waiting(5, "a")], [poison(2, "a"), waiting(3, "a")])
    yield* commit([], [waiting(4, "a"), waiting(5, "a")])
    yield* fenced([waiting(6, "a")])
    assert.deepStrictEqual(yield* store.deadLetters(generation), [skipped])
  }),

  "2 of several commits that remove the same dead letters exactly one succeeds": Effect.gen(function* () {
    const { commit, generation, store } = yield* opened
    const deadLetters = [poison(1, "a"), waiting(2, "a"), waiting(3, "a")]
    yield* commit(deadLetters)
    const racers = Array.from({ length: 8 }, () => Effect.exit(commit([], deadLetters)))
    const exits = yield* Effect.all(racers, { concurrency: "unbounded" })
    assert.strictEqual(exits.filter(({ _tag }) => _tag === "Success").length, 1)
    assert.deepStrictEqual(yield* store.deadLetters(generation), [])
  })
}
