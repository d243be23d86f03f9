import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { type Cases, needs } from "../plan.ts"
import { begin, newGeneration, open, own, ownPart, served } from "../projectionStore/generations.ts"

/** Promises 4 and 6, as readers see them: one build answers for a version, and what is read together is of one moment. */
export const reading: Cases = {
  "6 records that are read together are of one commit": needs("otherProcesses")(function* () {
    const [writer, reader] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const epoch = yield* begin(writer, generation)
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
    const write = Effect.gen(function* () {
      for (let i = 0; i < 100; i++) {
        const put = keys.map((key) => ({ key, state: { i } }))
        yield* writer.commit({ owner: { generation, epoch }, from: i, to: i + 1, records: { put, remove: [] } })
        yield* Effect.yieldNow
      }
    })
    const writing = yield* Effect.forkChild(write, { startImmediately: true })
    const different = (states: Iterable<unknown>) => new Set(Array.from(states, (state) => JSON.stringify(state))).size
    while (writing.pollUnsafe() === undefined) {
      assert.isAtMost(different((yield* reader.views.load(generation, keys)).states.values()), 1)
      assert.isAtMost(different(Object.values(yield* served(reader, generation))), 1)
      yield* Effect.yieldNow
    }
    yield* Fiber.join(writing)
  }),

  "6 positions are of the same moment as the records": needs("otherProcesses")(function* () {
    const [writer, reader] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const epochs = [yield* ownPart(writer, generation, 0, 2), yield* ownPart(writer, generation, 1, 2)]
    const owners = epochs.map((epoch, part) => ({ generation, part, epoch }))
    yield* Effect.forEach(owners, (owner) => writer.commit({ owner, from: 0, to: 0, asks: "serve" }))
    const write = (part: number) =>
      Effect.gen(function* () {
        for (let from = 0; from < 100; from++) {
          const put = [{ key: `k${part}`, state: from + 1 }]
          yield* writer.commit({ owner: owners[part]!, from, to: from + 1, records: { put, remove: [] } })
          yield* Effect.yieldNow
        }
      })
    const writing = yield* Effect.forkChild(Effect.all([write(0), write(1)], { concurrency: "unbounded" }), {
      startImmediately: true
    })
    while (writing.pollUnsafe() === undefined) {
      const { positions, states } = yield* reader.views.load(generation, ["k0", "k1"])
      for (const part of [0, 1]) assert.strictEqual(states.get(`k${part}`) ?? 0, positions[part])
      yield* Effect.yieldNow
    }
    yield* Fiber.join(writing)
  }),

  "6 a reader sees one build while builds are switched and dropped": needs("otherProcesses")(function* () {
    const [writer, reader, another] = yield* Effect.all([open, open, open])
    const version = newGeneration()
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
    const build = Effect.fnUntraced(function* (build: number) {
      const generation = { ...version, build }
      const owner = { generation, epoch: yield* own(writer, generation) }
      const put = keys.map((key) => ({ key, state: build }))
      yield* writer.commit({ owner, from: 0, to: 1, records: { put, remove: [] }, asks: "serve" })
    })
    const drop = Effect.fnUntraced(function* (build: number) {
      const generation = { ...version, build }
      yield* writer.drop({ generation, epoch: yield* own(writer, generation, "two") })
    })
    yield* build(1)
    const write = Effect.gen(function* () {
      for (let next = 2; next <= 12; next++) {
        yield* build(next)
        yield* Effect.yieldNow
        yield* drop(next - 1)
      }
    })
    const writing = yield* Effect.forkChild(write, { startImmediately: true })
    const whole = (states: ReadonlyArray<unknown>) => {
      assert.strictEqual(states.length, keys.length)
      assert.strictEqual(new Set(states).size, 1)
    }
    const read = (store: typeof reader) =>
      Effect.gen(function* () {
        while (writing.pollUnsafe() === undefined) {
          whole(Object.values(yield* served(store, version)))
          whole([...(yield* store.views.load(version, keys)).states.values()])
          const count = yield* store.views.query({ _tag: "Count", view: version.view }, version.version)
          assert.strictEqual(count, keys.length)
          yield* Effect.yieldNow
        }
      })
    yield* Effect.all([read(reader), read(another)], { concurrency: "unbounded" })
    yield* Fiber.join(writing)
    assert.strictEqual((yield* served(reader, version))["k0"], 12)
  })
}
