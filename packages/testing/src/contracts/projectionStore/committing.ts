import { assert } from "@effect/vitest"
import { AppendCheck, CommitCheck } from "@hexfold/core/adapter"
import { Duration, Effect, Exit, type Schema } from "effect"
import { type Cases, needs } from "../plan.ts"
import { begin, claim, newGeneration, open, own, owned, placeOf, records, served } from "./generations.ts"

const together = { concurrency: "unbounded" } as const

/** Promises 1 and 2: commits are atomic and fenced. */
export const committing: Cases = {
  "1 a commit puts and removes records and moves the position": needs("otherProcesses")(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    yield* store.commit({
      owner: { generation, epoch },
      from: 0,
      to: 7,
      records: records({ a: 1, b: { n: [null] } })
    })
    yield* store.commit({
      owner: { generation, epoch },
      from: 7,
      to: 7,
      records: { ...records({ b: "two" }), remove: ["a", "none"] }
    })
    yield* store.commit({ owner: { generation, epoch }, from: 7, to: 9 })
    assert.deepStrictEqual(yield* served(store, generation), { b: "two" })
    assert.strictEqual((yield* placeOf(yield* open, generation))?.position, 9)
  }),

  "1 what is refused changes nothing": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    const good = { owner: { generation, epoch }, from: 0, to: 1, records: records({ a: 1 }) }
    for (const bad of [
      { ...good, records: { put: [...good.records.put, { key: "", state: 1 }], remove: [] } },
      { ...good, records: { put: [...good.records.put, { key: "a\0", state: 1 }], remove: [] } },
      { ...good, records: { put: [...good.records.put, { key: "b", state: { text: "\0" } }], remove: [] } },
      { ...good, records: { put: [...good.records.put, { key: "b", state: ["\ud800"] }], remove: [] } },
      { ...good, records: { put: [...good.records.put, { key: "b", state: Number.NaN }], remove: [] } },
      { ...good, records: { put: [...good.records.put, ...good.records.put], remove: [] } },
      { ...good, records: { ...good.records, remove: ["a"] } },
      { ...good, to: -1 },
      { ...good, to: 0.5 },
      { ...good, owner: { ...good.owner, generation: { ...generation, version: 0 } } }
    ]) {
      const error = yield* Effect.flip(store.commit(bad))
      assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
    }
    assert.deepStrictEqual(yield* served(store, generation), {})
    assert.strictEqual((yield* placeOf(store, generation))?.position, 0)
  }),

  "1 records come back as they were put, whatever their keys and states": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    const keys = [
      "'",
      '"',
      "%",
      "_",
      "\\",
      "a b",
      " a",
      "😀",
      "é",
      "e\u0301",
      "$1",
      "x".repeat(1_000),
      "😀".repeat(1_000)
    ]
    const put = keys.map((key, i) => ({ key, state: { key, i, nested: { [key]: [true, null, -1.5e-7, ""] } } }))
    yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1, records: { put, remove: [] } })
    const loaded = yield* store.load(generation, [...keys, "none"])
    assert.deepStrictEqual(new Map(loaded.states), new Map(put.map(({ key, state }) => [key, state])))
    yield* store.commit({ owner: { generation, epoch }, from: 1, to: 2, records: { put: [], remove: keys } })
    assert.strictEqual((yield* store.load(generation, keys)).states.size, 0)
  }),

  "1 a record of the largest size is read back, and one that is a byte larger is refused": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    const stateOf = (bytes: number, kind: Schema.Json) => {
      const make = (pad: string): Schema.Json => ({ kind, pad })
      return make("x".repeat(bytes - AppendCheck.jsonBytes(make(""))))
    }
    for (const [n, kind] of ["é😀\u0001".repeat(500_000), Array.from({ length: 20_000 }, () => 1e300)].entries()) {
      const put = (bytes: number) => [{ key: `${n}`, state: stateOf(bytes, kind) }]
      const commit = { owner: { generation, epoch }, from: n, to: n + 1 }
      const error = yield* Effect.flip(
        store.commit({ ...commit, records: { put: put(CommitCheck.maxRecordBytes + 1), remove: [] } })
      )
      assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
      yield* store.commit({ ...commit, records: { put: put(CommitCheck.maxRecordBytes), remove: [] } })
    }
    const { states } = yield* store.load(generation, ["0", "1"])
    assert.deepStrictEqual(
      [...states.values()].map((state) => AppendCheck.jsonBytes(state as Schema.Json)),
      [CommitCheck.maxRecordBytes, CommitCheck.maxRecordBytes]
    )
  }),

  "1 the states of records are in one form: keys in the order of their bytes, zeros without a sign": Effect.gen(
    function* () {
      const store = yield* open
      const generation = newGeneration()
      const epoch = yield* begin(store, generation)
      const state = { zero: -0, "😀": 1, "\uffffa": [{ bb: -0, a: 2 }], éé: 3, b: 4 }
      yield* store.commit({
        owner: { generation, epoch },
        from: 0,
        to: 1,
        records: { put: [{ key: "a", state }], remove: [] }
      })
      const { states } = yield* store.load(generation, ["a"])
      assert.strictEqual(JSON.stringify(states.get("a")), '{"b":4,"zero":0,"éé":3,"\uffffa":[{"a":2,"bb":0}],"😀":1}')
      assert.deepStrictEqual(states.get("a"), { ...state, zero: 0, "\uffffa": [{ bb: 0, a: 2 }] })
    }
  ),

  "1 a commit has thousands of records": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    const put = Array.from({ length: 5_000 }, (_, i) => ({ key: `k${i}`, state: { i } }))
    yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1, records: { put, remove: [] } })
    yield* store.commit({
      owner: { generation, epoch },
      from: 1,
      to: 2,
      records: { put: [], remove: put.slice(1).map(({ key }) => key) }
    })
    assert.deepStrictEqual(yield* served(store, generation), { k0: { i: 0 } })
  }),

  "2 a commit of another epoch or from another position is fenced": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    const first = { owner: { generation, epoch }, from: 0, to: 5, records: records({ a: 1 }) }
    yield* store.commit(first)
    for (const late of [
      first,
      { ...first, from: 4 },
      { ...first, from: 5, owner: { generation, epoch: epoch + 1 } },
      { ...first, from: 5, owner: { generation, epoch: epoch - 1 } }
    ]) {
      const error = yield* Effect.flip(store.commit({ ...late, to: 9, records: records({ a: 2 }) }))
      assert.deepInclude(error, {
        _tag: "CommitConflict",
        ...generation,
        expected: { epoch: late.owner.epoch, position: late.from },
        actual: { epoch, position: 5 }
      })
    }
    const unknown = newGeneration()
    const error = yield* Effect.flip(store.commit({ ...first, owner: { generation: unknown, epoch } }))
    assert.strictEqual(error._tag, "CommitConflict")
    assert.deepStrictEqual(yield* served(store, generation), { a: 1 })
  }),

  "2 of commits that begin at one position exactly one succeeds": needs("otherProcesses")(function* () {
    const stores = yield* Effect.all([open, open, open])
    const generation = newGeneration()
    const epoch = yield* begin(stores[0], generation)
    for (let from = 0; from < 10; from++) {
      const exits = yield* Effect.forEach(
        stores,
        (store, i) =>
          Effect.exit(
            store.commit({
              owner: { generation, epoch },
              from,
              to: from + 1,
              records: records({ [`${from}-${i}`]: i })
            })
          ),
        together
      )
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
    }
    assert.strictEqual(Object.keys(yield* served(stores[1], generation)).length, 10)
  }),

  "2 an owner that was replaced is fenced, and its successor goes on from the same position": needs("otherProcesses")(
    function* () {
      const [first, second] = yield* Effect.all([open, open])
      const generation = newGeneration()
      const epoch = yield* begin(first, generation)
      yield* first.commit({
        owner: { generation, epoch },
        from: 0,
        to: 3,
        records: records({ a: 1 })
      })
      yield* first.claim({ generation, owner: "one", lease: Duration.zero })
      const next = yield* own(second, generation, "two")
      assert.deepStrictEqual(yield* claim(second, generation, "two"), owned(next, 3))
      const late = { owner: { generation, epoch }, from: 3, to: 4, records: records({ a: 2 }) }
      assert.strictEqual((yield* Effect.flip(first.commit(late)))._tag, "CommitConflict")
      yield* second.commit({ ...late, owner: { generation, epoch: next }, records: records({ a: 3 }) })
      assert.deepStrictEqual(yield* served(first, generation), { a: 3 })
    }
  )
}
