import { assert } from "@effect/vitest"
import type { ViewStore } from "@hexfold/core"
import { DateTime, Effect, Fiber } from "effect"
import { type Cases, needs } from "../plan.ts"
import { claim, newGeneration, nothing, open, own, owned, records, served, statusOf } from "./generations.ts"

const error = { step: "evolve", cause: "too much" }
const letter = {
  position: 1,
  history: 1,
  key: "a",
  parked: true,
  stream: "S-1",
  streamVersion: 1,
  type: "T",
  at: DateTime.makeUnsafe(1),
  error
}

/** Promise 4 for generations that are dropped, and what readers see of it. */
export const dropping: Cases = {
  "4 a generation that is dropped is gone with all that it had": needs("otherProcesses")(function* () {
    const [store, other] = yield* Effect.all([open, open])
    const first = newGeneration()
    const second = { ...first, version: 2 }
    yield* own(store, first)
    const epoch = yield* own(store, second)
    const deadLetters = { put: [letter], remove: [] }
    const commit = { owner: { generation: second, epoch }, from: 0, to: 1 }
    yield* store.commit({ ...commit, records: records({ a: 1 }), deadLetters })
    const late = { ...commit, epoch: epoch - 1, drop: true }
    assert.strictEqual((yield* Effect.flip(store.commit(late)))._tag, "CommitConflict")
    yield* store.commit({ ...commit, from: 1, drop: true })
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

  "4 the generation that serves is not dropped": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* own(store, generation)
    const commit = { owner: { generation, epoch }, from: 0, to: 1, records: records({ a: 1 }) }
    yield* store.commit(commit)
    const error = yield* Effect.flip(store.commit({ ...commit, from: 1, to: 2, drop: true }))
    assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
    assert.deepStrictEqual(yield* served(store, generation.view), { a: 1 })
    assert.deepStrictEqual((yield* store.load(generation, [])).positions, [1])
  }),

  "6 a reader sees one generation while generations are switched and dropped": needs("otherProcesses")(function* () {
    const [writer, reader, another] = yield* Effect.all([open, open, open])
    const { view } = newGeneration()
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
    const write = Effect.gen(function* () {
      let old: { readonly generation: ViewStore.Generation; readonly epoch: number } | undefined
      for (let version = 1; version <= 12; version++) {
        const generation = { view, version }
        const epoch = yield* own(writer, generation)
        const put = keys.map((key) => ({ key, state: version }))
        yield* writer.commit({
          owner: { generation, epoch },
          from: 0,
          to: 1,
          records: { put, remove: [] },
          asks: "serve"
        })
        if (old !== undefined) yield* writer.commit({ ...old, from: 1, to: 1, drop: true })
        old = { owner: { generation, epoch } }
      }
    })
    const writing = yield* Effect.forkChild(write, { startImmediately: true })
    const whole = (states: ReadonlyArray<unknown>) => {
      assert.include([0, keys.length], states.length)
      assert.isAtMost(new Set(states).size, 1)
    }
    const read = (store: typeof reader) =>
      Effect.gen(function* () {
        while (writing.pollUnsafe() === undefined) {
          whole(Object.values(yield* served(store, view)))
          whole([...(yield* store.load({ view }, keys)).states.values()])
          assert.include([0, keys.length], yield* store.query({ _tag: "Count", view }))
          yield* Effect.yieldNow
        }
      })
    yield* Effect.all([read(reader), read(another)], { concurrency: "unbounded" })
    yield* Fiber.join(writing)
    assert.strictEqual((yield* served(reader, view))["k0"], 12)
  })
}
