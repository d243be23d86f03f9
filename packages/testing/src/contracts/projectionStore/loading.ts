import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { type Cases, needs } from "../plan.ts"
import { letter, newGeneration, open, own, ownPart } from "./generations.ts"

/** Promise 6: what a projection loads together is of one moment. */
export const loading: Cases = {
  "6 records that are loaded together are of one commit": needs("otherProcesses")(function* () {
    const [writer, reader] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const epoch = yield* own(writer, generation)
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
    const write = Effect.gen(function* () {
      for (let i = 0; i < 100; i++) {
        const put = keys.map((key) => ({ key, state: { i } }))
        yield* writer.commit({ owner: { generation, epoch }, from: i, to: i + 1, records: { put, remove: [] } })
        yield* Effect.yieldNow
      }
    })
    const writing = yield* Effect.forkChild(write, { startImmediately: true })
    while (writing.pollUnsafe() === undefined) {
      const { states } = yield* reader.load(generation, keys)
      assert.isAtMost(new Set(Array.from(states.values(), (state) => JSON.stringify(state))).size, 1)
      yield* Effect.yieldNow
    }
    yield* Fiber.join(writing)
  }),

  "6 positions and parked keys are of the same moment as the records": needs("otherProcesses")(function* () {
    const [writer, reader] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const epochs = [yield* ownPart(writer, generation, 0, 2), yield* ownPart(writer, generation, 1, 2)]
    const write = (part: number) =>
      Effect.gen(function* () {
        const key = `k${part}`
        for (let from = 0; from < 100; from++) {
          const put = from % 2 === 0 ? [letter(1, key)] : []
          const deadLetters = { put, remove: from % 2 === 0 ? [] : [letter(1, key)] }
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
