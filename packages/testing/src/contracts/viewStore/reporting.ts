import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { DateTime, Duration, Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import { newGeneration, open, own, ownPart, placeOf, statusOf } from "../projectionStore/generations.ts"

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
  })
}
