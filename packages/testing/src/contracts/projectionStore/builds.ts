import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import { begin, newGeneration, open, own, ownPart, records, served, statusOf, type Store } from "./generations.ts"

const together = { concurrency: "unbounded" } as const

const minute = Duration.minutes(1)

const serving = (store: Store, view: string) =>
  Effect.map(statusOf(store, view), (all) =>
    all.filter(({ serves }) => serves).map(({ build, version }) => [version, build])
  )

/** Promise 4 for a version with several builds, and for a generation in parts. */
export const building: Cases = {
  "4 a build is made beside the one that serves, and replaces it": needs("otherProcesses")(function* () {
    const [store, other] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const [first, second] = [1, 2].map((build) => ({ ...generation, build }))
    const old = { owner: { generation: first!, epoch: yield* begin(store, generation) } }
    yield* store.commit({ ...old, from: 0, to: 4, records: records({ a: "old" }) })
    const next = { owner: { generation: second!, epoch: yield* own(other, second!) } }
    yield* other.commit({ ...next, from: 0, to: 3, records: records({ a: "new" }), asks: "serve" })
    assert.deepStrictEqual(yield* serving(store, generation.view), [[1, 1]])
    assert.deepStrictEqual([...(yield* store.load(generation, ["a"])).states], [["a", "old"]])
    assert.deepStrictEqual([...(yield* store.load(second!, ["a"])).states], [["a", "new"]])
    yield* other.commit({ ...next, from: 3, to: 4, asks: "serve" })
    assert.deepStrictEqual(yield* served(store, generation), { a: "new" })
    assert.deepStrictEqual(
      (yield* statusOf(store, generation.view)).map(({ build, parts, replaced, serves }) => [
        build,
        serves,
        replaced,
        parts[0]!.owner
      ]),
      [
        [1, false, true, undefined],
        [2, true, false, "one"]
      ]
    )
    assert.strictEqual((yield* Effect.flip(store.commit({ ...old, from: 4, to: 5 })))._tag, "CommitConflict")
  }),

  "4 a claim without a build gets the build that serves, or the first one that has not been replaced": Effect.gen(
    function* () {
      const store = yield* open
      const generation = newGeneration()
      const claimed = (given: ProjectionStore.Generation) =>
        store.claim({ generation: given, owner: "one", lease: minute })
      const buildOf = Effect.map(claimed(generation), (each) => (each._tag === "Owned" ? each.build : undefined))
      yield* claimed({ ...generation, build: 3 })
      assert.strictEqual(yield* buildOf, 3)
      const epoch = yield* own(store, { ...generation, build: 2 })
      assert.strictEqual(yield* buildOf, 2)
      yield* store.commit({
        owner: { generation, epoch },
        from: 0,
        to: 1,
        records: records({ a: 2 }),
        asks: "serve"
      })
      assert.deepStrictEqual([...(yield* store.load(generation, ["a"])).states], [["a", 2]])
      const last = { ...generation, build: 4 }
      const next = { owner: { generation: last, epoch: yield* own(store, last) } }
      yield* own(store, { ...generation, build: 1 })
      assert.strictEqual(yield* buildOf, 2)
      yield* store.commit({ ...next, from: 0, to: 1, asks: "serve" })
      assert.strictEqual(yield* buildOf, 4)
      const former = yield* own(store, { ...generation, build: 2 }, "two")
      yield* begin(store, { ...generation, version: 3 })
      yield* store.drop({ generation: { ...generation, build: 2 }, epoch: former })
      yield* store.drop(next.owner)
      // All builds that are left were replaced, so the claim gets a new one after the last of them.
      assert.strictEqual(yield* buildOf, 4)
      assert.deepStrictEqual(yield* serving(store, generation.view), [[3, 1]])
    }
  ),

  "4 a build with a part that lags does not serve": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const next = { ...generation, build: 2 }
    yield* store.commit({ owner: { generation, epoch: yield* begin(store, generation) }, from: 0, to: 3 })
    const epochs = [yield* ownPart(store, next, 0, 2), yield* ownPart(store, next, 1, 2)]
    const commit = (part: number, from: number, to: number) =>
      store.commit({ owner: { generation: next, part, epoch: epochs[part]! }, from, to, asks: "serve" })
    yield* commit(0, 0, 5)
    yield* commit(1, 0, 2)
    assert.deepStrictEqual(yield* serving(store, generation.view), [[1, 1]])
    yield* commit(1, 2, 3)
    assert.deepStrictEqual(yield* serving(store, generation.view), [[1, 2]])
  }),

  "4 the first build of a version serves when the other parts have reached the position of the one that asks":
    Effect.gen(function* () {
      const store = yield* open
      const generation = newGeneration()
      const epochs = [yield* ownPart(store, generation, 0, 2), yield* ownPart(store, generation, 1, 2)]
      const commit = (part: number, from: number, to: number) =>
        store.commit({ owner: { generation, part, epoch: epochs[part]! }, from, to, asks: "serve" })
      yield* commit(0, 0, 5)
      yield* commit(1, 0, 2)
      assert.deepStrictEqual(yield* serving(store, generation.view), [[1, 1]])
      yield* commit(1, 2, 7)
      yield* commit(0, 5, 7)
      assert.deepStrictEqual(yield* serving(store, generation.view), [[1, 1]])
    }),

  "4 a generation serves if all its parts ask for that at one moment": needs("otherProcesses")(function* () {
    const stores = yield* Effect.all([open, open, open])
    for (let round = 0; round < 10; round++) {
      const generation = newGeneration()
      const next = { ...generation, build: 2 }
      const epoch = yield* own(stores[0], generation)
      yield* stores[0].commit({ owner: { generation, epoch }, from: 0, to: 1 })
      const epochs = yield* Effect.forEach(stores, (store, i) => ownPart(store, next, i, 3))
      yield* Effect.forEach(
        stores,
        (store, part) =>
          store.commit({ owner: { generation: next, part, epoch: epochs[part]! }, from: 0, to: 1, asks: "serve" }),
        together
      )
      assert.deepStrictEqual(yield* serving(stores[0], generation.view), [[1, 2]])
    }
  }),

  "4 a claim that divides a build while it is replaced is fenced, or comes after the switch": needs("otherProcesses")(
    function* () {
      const [store, other] = yield* Effect.all([open, open])
      for (let round = 0; round < 10; round++) {
        const generation = newGeneration()
        const [first, second] = [1, 2].map((build) => ({ ...generation, build }))
        yield* own(store, first!)
        yield* store.claim({ generation: first!, owner: "one", lease: Duration.zero })
        const epoch = yield* own(store, second!)
        const racing = [
          ownPart(other, first!, 1, 2),
          store.commit({ owner: { generation: second!, epoch }, from: 0, to: 1, asks: "serve" })
        ] as const
        const [divided] = yield* Effect.all(racing, together)
        assert.deepStrictEqual(yield* serving(store, generation.view), [[1, 2]])
        const [replaced] = yield* statusOf(store, generation.view)
        assert.isTrue(replaced?.replaced)
        // Fenced: all parts are in a higher epoch. After the switch: the part is owned in the epoch that the claim got.
        const part = replaced!.parts[1]!
        if (part.owner === undefined) assert.isAbove(part.epoch, divided)
        else assert.strictEqual(part.epoch, divided)
      }
    }
  ),

  "3 a new generation begins after the given position": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const asking = { generation, owner: "one", lease: minute }
    assert.deepInclude(yield* store.claim({ ...asking, after: 7 }), { _tag: "Owned", position: 7 })
    assert.deepInclude(yield* store.claim({ ...asking, after: 9 }), { _tag: "Owned", position: 7 })
    const divided = { ...asking, generation: { ...generation, build: 2 }, part: { index: 1, of: 2 }, after: 8 }
    assert.deepInclude(yield* store.claim(divided), { _tag: "Owned", build: 2, position: 8 })
    assert.deepStrictEqual((yield* store.load(divided.generation, [])).positions, [8, 8])
    for (const after of [-1, 0.5]) {
      const error = yield* Effect.flip(store.claim({ ...asking, generation: newGeneration(), after }))
      assert.strictEqual(error.reason._tag, "Rejected")
    }
  })
}
