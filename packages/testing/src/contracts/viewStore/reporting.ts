import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { DateTime, Duration, Effect, Fiber } from "effect"
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

/** What a generation reports, and promise 6 for what comes with records. */
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

  "6 positions and parked keys are of the same moment as the records": needs("otherProcesses")(function* () {
    const [writer, reader] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const epochs = [yield* ownPart(writer, generation, 0, 2), yield* ownPart(writer, generation, 1, 2)]
    const letter = (key: string) => ({
      position: 1,
      history: 1,
      key,
      parked: true,
      error: { step: "evolve", cause: "too much" },
      stream: "S-1",
      streamVersion: 1,
      type: "T",
      at: DateTime.makeUnsafe(1)
    })
    const write = (part: number) =>
      Effect.gen(function* () {
        const key = `k${part}`
        for (let from = 0; from < 100; from++) {
          const put = from % 2 === 0 ? [letter(key)] : []
          const deadLetters = { put, remove: from % 2 === 0 ? [] : [letter(key)] }
          const at = { owner: { generation, part, epoch: epochs[part]! }, from, to: from + 1 }
          yield* writer.commit({ ...at, records: { put: [{ key, state: from + 1 }], remove: [] }, deadLetters })
          yield* Effect.yieldNow
        }
      })
    const writing = yield* Effect.forkChild(Effect.all([write(0), write(1)], { concurrency: "unbounded" }), {
      startImmediately: true
    })
    while (writing.pollUnsafe() === undefined) {
      const { parked, positions, states } = yield* reader.load(generation, ["k0", "k1"])
      for (const part of [0, 1]) {
        assert.strictEqual(states.get(`k${part}`) ?? 0, positions[part])
        assert.strictEqual(parked.has(`k${part}`), positions[part]! % 2 === 1)
      }
      yield* Effect.yieldNow
    }
    yield* Fiber.join(writing)
  })
}
