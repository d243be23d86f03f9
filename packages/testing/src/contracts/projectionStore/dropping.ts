import { assert } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import {
  begin,
  claim,
  letter,
  newGeneration,
  open,
  own,
  owned,
  placeOf,
  records,
  refusal,
  served,
  statusOf
} from "./generations.ts"

/** Promise 4 for generations that are dropped. */
export const dropping: Cases = {
  "4 a generation that is dropped is gone with all that it had": needs("otherProcesses")(function* () {
    const [store, other] = yield* Effect.all([open, open])
    const first = newGeneration()
    const second = { ...first, version: 2 }
    yield* own(store, first)
    const epoch = yield* own(store, second)
    const deadLetters = { put: [letter(1, "a")], remove: [] }
    const commit = { owner: { generation: second, epoch }, from: 0, to: 1 }
    yield* store.commit({ ...commit, records: records({ a: 1 }), deadLetters })
    const late = { generation: second, epoch: epoch - 1 }
    assert.strictEqual((yield* Effect.flip(store.drop(late)))._tag, "CommitConflict")
    assert.strictEqual((yield* other.load(second, ["a"])).states.size, 1)
    yield* store.drop(commit.owner)
    const loaded = yield* other.load(second, ["a"])
    assert.deepStrictEqual([loaded.states.size, loaded.parked.size, loaded.positions], [0, 0, []])
    assert.deepStrictEqual(yield* other.deadLetters(second), [])
    assert.deepStrictEqual(
      (yield* statusOf(other, first.view)).map(({ version }) => version),
      [1]
    )
    assert.strictEqual((yield* Effect.flip(other.commit({ ...commit, from: 1, to: 2 })))._tag, "CommitConflict")
    const again = yield* own(other, second, "two")
    assert.deepStrictEqual(yield* claim(other, second, "two"), owned(again, 0))
    // A commit that was meant for the dropped generation does not change the new one.
    assert.strictEqual(
      (yield* Effect.flip(store.commit({ ...commit, records: records({ a: 1 }) })))._tag,
      "CommitConflict"
    )
    assert.strictEqual((yield* other.load(second, ["a"])).states.size, 0)
  }),

  "4 the only version that answers is not dropped, and one of several is": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    const commit = { owner: { generation, epoch }, from: 0, to: 1, records: records({ a: 1 }) }
    yield* store.commit(commit)
    const error = yield* Effect.flip(store.drop(commit.owner))
    assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
    assert.deepStrictEqual(yield* served(store, generation), { a: 1 })
    assert.deepStrictEqual((yield* store.load(generation, [])).positions, [1])
    const other = { ...generation, version: 2 }
    yield* own(store, other)
    assert.strictEqual((yield* Effect.flip(store.drop(commit.owner)))._tag, "ViewStoreError")
    yield* begin(store, other)
    yield* store.drop(commit.owner)
    assert.strictEqual(yield* refusal(served(store, generation)), "unbuilt")
    assert.deepStrictEqual(yield* served(store, other), {})
  }),

  "4 the only version that answers is dropped by its owner if that is asked for": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1, records: records({ a: 1 }) })
    const stranger = { generation, epoch: epoch + 1, evenIfServing: true }
    assert.strictEqual((yield* Effect.flip(store.drop(stranger)))._tag, "CommitConflict")
    assert.deepStrictEqual(yield* served(store, generation), { a: 1 })
    yield* store.drop({ generation, epoch, evenIfServing: true })
    assert.strictEqual(yield* refusal(served(store, generation)), "unbuilt")
    assert.deepStrictEqual(yield* statusOf(store, generation.view), [])
  }),

  "4 a drop races with commits and claims: it happens whole or not at all": needs("otherProcesses")(function* () {
    const [store, other] = yield* Effect.all([open, open])
    for (let round = 0; round < 10; round++) {
      const generation = newGeneration()
      const epoch = yield* own(store, generation)
      const owner = { generation, epoch }
      const racing = [
        Effect.exit(store.drop(owner)),
        Effect.exit(other.commit({ owner, from: 0, to: 1, records: records({ a: 1 }) })),
        Effect.exit(other.claim({ generation, owner: "two", lease: Duration.minutes(1) }))
      ] as const
      yield* Effect.all(racing, { concurrency: "unbounded" })
      // Dropped, and perhaps begun again by the other owner: nothing of the former generation is there.
      assert.strictEqual((yield* store.load(generation, ["a"])).states.size, 0)
      assert.notStrictEqual((yield* placeOf(store, generation))?.epoch, epoch)
    }
  })
}
