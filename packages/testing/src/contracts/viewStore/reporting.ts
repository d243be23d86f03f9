import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { DateTime, Duration, Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import { free, newGeneration, open, own, ownPart, placeOf, records, statusOf } from "../projectionStore/generations.ts"

const failure: ProjectionStore.Unapplied = {
  position: 8,
  stream: "Account-'1",
  streamVersion: 3,
  type: "Opened",
  error: { step: "evolve", cause: 'a "defect" 😀' },
  at: DateTime.makeUnsafe(1_700_000_000_000)
}

/** What a generation reports of the work of its projection. */
export const reporting: Cases = {
  "1 a failure stays until a commit goes further without one": needs("otherProcesses")(function* () {
    const store = yield* open
    const generation = newGeneration()
    const commit = { owner: { generation, epoch: yield* own(store, generation) } }
    assert.isUndefined((yield* placeOf(store, generation))?.failure)
    yield* store.commit({ ...commit, from: 0, to: 7, progress: { failure } })
    assert.deepStrictEqual((yield* placeOf(yield* open, generation))?.failure, failure)
    yield* store.claim({ generation, owner: "one", lease: Duration.minutes(1) })
    assert.deepStrictEqual((yield* placeOf(store, generation))?.failure, failure)
    // A retry of an earlier event does not pass the event that failed.
    yield* store.commit({ ...commit, from: 7, to: 7 })
    assert.deepStrictEqual((yield* placeOf(store, generation))?.failure, failure)
    yield* store.commit({ ...commit, from: 7, to: 8 })
    assert.isUndefined((yield* placeOf(store, generation))?.failure)
  }),

  "1 the throughput stays as it was last reported": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const commit = { owner: { generation, epoch: yield* own(store, generation) } }
    const throughput = Effect.map(placeOf(store, generation), (place) => place?.throughput)
    assert.isUndefined(yield* throughput)
    yield* store.commit({ ...commit, from: 0, to: 1, progress: { throughput: { events: 0.1, positions: 25_000 } } })
    yield* store.commit({ ...commit, from: 1, to: 2 })
    assert.deepStrictEqual(yield* throughput, { events: 0.1, positions: 25_000 })
    yield* store.commit({ ...commit, from: 2, to: 3, progress: { throughput: { events: 0, positions: 0 } } })
    assert.deepStrictEqual(yield* throughput, { events: 0, positions: 0 })
  }),

  "1 each part has a failure and a throughput of its own": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epochs = [yield* ownPart(store, generation, 0, 2), yield* ownPart(store, generation, 1, 2)]
    const throughput = { events: 1, positions: 2 }
    yield* store.commit({
      owner: { generation, part: 1, epoch: epochs[1]! },
      from: 0,
      to: 7,
      progress: { failure, throughput }
    })
    yield* store.commit({ owner: { generation, part: 0, epoch: epochs[0]! }, from: 0, to: 9 })
    const [status] = yield* statusOf(store, generation.view)
    assert.deepStrictEqual(
      status?.parts.map(({ failure, throughput }) => [failure, throughput]),
      [
        [undefined, undefined],
        [failure, throughput]
      ]
    )
  }),

  "1 the count of changes grows with each commit that puts or removes a record, and with no other": Effect.gen(
    function* () {
      const store = yield* open
      const generation = newGeneration()
      const changes = Effect.map(statusOf(store, generation.view), ([status]) => status!.changes)
      const grows = Effect.fnUntraced(function* (commit: ProjectionStore.Commit, expected: boolean) {
        const before = yield* changes
        yield* store.commit(commit)
        assert.strictEqual((yield* changes) > before, expected)
        assert.strictEqual((yield* changes) === before, !expected)
      })
      const owner = { generation, epoch: yield* own(store, generation) }
      yield* grows({ owner, from: 0, to: 5 }, false)
      yield* grows({ owner, from: 5, to: 6, records: records({ a: 1 }) }, true)
      yield* grows({ owner, from: 6, to: 7, records: records({}) }, false)
      yield* grows({ owner, from: 7, to: 7, progress: { throughput: { events: 1, positions: 1 } } }, false)
      yield* grows({ owner, from: 7, to: 8, records: { put: [], remove: ["a"] } }, true)
      // The retry of a parked event goes no further.
      yield* grows({ owner, from: 8, to: 8, records: records({ a: 2 }) }, true)
      yield* grows({ owner, from: 8, to: 8, asks: "serve" }, false)
      const before = yield* changes
      yield* own(store, generation)
      yield* Effect.flip(store.commit({ owner, from: 3, to: 9, records: records({ a: 3 }) }))
      yield* free(store, generation)
      assert.strictEqual(yield* changes, before)
      // In parts: each of them counts, and a division keeps the count.
      const epochs = [yield* ownPart(store, generation, 0, 2), yield* ownPart(store, generation, 1, 2)]
      assert.strictEqual(yield* changes, before)
      const [zero, one] = epochs.map((epoch, part) => ({ owner: { generation, part, epoch }, from: 8, to: 9 }))
      yield* grows({ ...one!, records: records({ b: 1 }) }, true)
      yield* grows(zero!, false)
      yield* grows({ ...zero!, from: 9, records: records({ a: 1 }) }, true)
      const divided = yield* changes
      for (const index of [0, 1]) yield* free(store, generation, { index, of: 2 })
      yield* own(store, generation)
      assert.strictEqual(yield* changes, divided)
    }
  ),

  "1 each build and each version counts its own changes": Effect.gen(function* () {
    const store = yield* open
    const first = newGeneration()
    const all = [
      { ...first, build: 1 },
      { ...first, build: 2 },
      { ...first, version: 2 }
    ]
    const epochs = yield* Effect.forEach(all, (generation) => own(store, generation))
    const changes = Effect.map(statusOf(store, first.view), (statuses) => statuses.map(({ changes }) => changes))
    for (const [i, generation] of all.entries()) {
      const before = yield* changes
      const owner = { generation, epoch: epochs[i]! }
      yield* store.commit({ owner, from: 0, to: 1, records: records({ a: i }), asks: "serve" })
      const after = yield* changes
      assert.deepStrictEqual(
        after.map((count, j) => count > before[j]!),
        all.map((_, j) => i === j)
      )
      assert.deepStrictEqual(
        after.filter((_, j) => i !== j),
        before.filter((_, j) => i !== j)
      )
    }
  }),

  "1 a generation that is dropped and made again does not count the same changes": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const seen = new Set<number>()
    for (let round = 0; round < 3; round++) {
      const owner = { generation, epoch: yield* own(store, generation) }
      for (let at = 0; at < 3; at++) {
        const [status] = yield* statusOf(store, generation.view)
        seen.add(status!.changes)
        yield* store.commit({ owner, from: at, to: at + 1, records: records({ a: at }) })
      }
      yield* store.drop(owner)
    }
    assert.strictEqual(seen.size, 9)
  })
}
