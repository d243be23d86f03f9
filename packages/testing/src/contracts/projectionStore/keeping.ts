import { assert } from "@effect/vitest"
import { type ProjectionStore, Records, ViewStore } from "@hexfold/core"
import { DateTime, Duration, Effect, Option, Schema } from "effect"
import type { Cases } from "../plan.ts"
import { begin, newGeneration, open, own, records, served, type Store } from "./generations.ts"

/** JSON in so many lists and objects. */
const nested = (depth: number): Schema.Json => {
  let json: Schema.Json = null
  for (let i = 0; i < depth; i++) json = i % 2 === 0 ? [json] : { a: json }
  return json
}

/** States that every store keeps, and the text of what it gives back. */
const kept: ReadonlyArray<readonly [state: Schema.Json, text: string]> = [
  [null, "null"],
  [-0, "0"],
  [5e-324, "5e-324"],
  [1.7976931348623157e308, "1.7976931348623157e+308"],
  [0.1 + 0.2, "0.30000000000000004"],
  ["", '""'],
  ["\u{10ffff}\ufffe\uffff\u0001", JSON.stringify("\u{10ffff}\ufffe\uffff\u0001")],
  [[[[]], {}], "[[[]],{}]"],
  [{ "": null, a: [null] }, '{"":null,"a":[null]}'],
  [JSON.parse('{"toString":2,"__proto__":{"a":1}}'), '{"toString":2,"__proto__":{"a":1}}'],
  [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  [{ ["x".repeat(100_000)]: 1 }, JSON.stringify({ ["x".repeat(100_000)]: 1 })],
  [nested(1_000), JSON.stringify(nested(1_000))]
]

/** Values that no store keeps. A program without a compiler may give them. */
const refused: ReadonlyArray<unknown> = [
  undefined,
  NaN,
  -Infinity,
  1n,
  Symbol("a"),
  () => 1,
  "\0",
  ["\udc00"],
  { "\ud800": 1 },
  { "a\0": 1 },
  [undefined],
  { a: undefined },
  new Date(0),
  { a: new Map() },
  nested(1_001)
]

const keys = [" ", "\n", "\u0001", "\ufeff", "__proto__", "é", "e\u0301", "😀".repeat(1_000)]

const badKeys: ReadonlyArray<unknown> = [
  "",
  "a\0",
  "\ud800",
  "x".repeat(1_001),
  "😀".repeat(1_001),
  5,
  null,
  undefined,
  {}
]

const isRefused = Effect.fnUntraced(function* (store: Store, commit: ProjectionStore.Commit) {
  const error = yield* Effect.flip(store.commit(commit))
  assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
})

/** Promise 1, value by value: a store keeps what every other store keeps, and refuses what every other store refuses. */
export const keeping: Cases = {
  "1 a record whose state is null in JSON is a record like any other": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const { version, view: name } = generation
    const epoch = yield* begin(store, generation)
    const view = { name, version, schemas: { state: Schema.NullOr(Schema.String) }, indexes: [] }
    const get = (key: string) => Effect.provideService(Records.get(view, key), ViewStore.ViewStore, store.views)
    const commit = { owner: { generation, epoch } }
    yield* store.commit({ ...commit, from: 0, to: 1, records: records({ a: "ann", b: null, c: null }) })
    const { states } = yield* store.load(generation, ["a", "b", "none"])
    assert.deepStrictEqual(Object.fromEntries(states), { a: "ann", b: null })
    assert.deepStrictEqual(yield* get("b"), Option.some(null))
    assert.deepStrictEqual(yield* get("none"), Option.none())
    assert.deepStrictEqual(yield* served(store, generation), { a: "ann", b: null, c: null })
    assert.strictEqual(yield* store.views.query({ _tag: "Count", view: name }, version), 3)
    const first = { _tag: "Records", view: name, orderBy: [], limit: 2, total: true } as const
    const page = yield* store.views.query(first, version)
    assert.deepStrictEqual([page.rows.map(({ state }) => state), page.total], [["ann", null], 3])
    const after = page.next === undefined ? {} : { after: page.next }
    const rest = yield* store.views.query({ ...first, ...after }, version)
    assert.deepStrictEqual(rest.rows, [{ key: "c", state: null }])
    const next = { ...records({ a: null, b: "ben" }), remove: ["c"] }
    yield* store.commit({ ...commit, from: 1, to: 2, records: next })
    assert.deepStrictEqual(yield* served(store, generation), { a: null, b: "ben" })
  }),

  "1 every JSON comes back as the same text": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* own(store, generation)
    const put = kept.map(([state], i) => ({ key: String(i), state }))
    yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1, records: { put, remove: [] } })
    const { states } = yield* store.load(
      generation,
      put.map(({ key }) => key)
    )
    for (const [i, [, text]] of kept.entries()) assert.strictEqual(JSON.stringify(states.get(String(i))), text)
  }),

  "1 what is not JSON, or too deep, is refused, and so is a key that is not a text of 1 to 1,000 characters":
    Effect.gen(function* () {
      const store = yield* open
      const generation = newGeneration()
      const epoch = yield* own(store, generation)
      const commit = { owner: { generation, epoch }, from: 0, to: 1 }
      for (const state of refused) {
        yield* isRefused(store, {
          ...commit,
          records: { put: [{ key: "a", state: state as Schema.Json }], remove: [] }
        })
      }
      for (const key of badKeys)
        yield* isRefused(store, { ...commit, records: { put: [{ key: key as string, state: 1 }], remove: [] } })
      yield* store.commit({ ...commit, records: { put: keys.map((key) => ({ key, state: key })), remove: [] } })
      const { states } = yield* store.load(generation, [...keys, ...(badKeys as ReadonlyArray<string>)])
      assert.deepStrictEqual([...states.keys()].sort(), [...keys].sort())
    }),

  "1 a dead letter with a time that could not be read back is refused": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* own(store, generation)
    const commit = { owner: { generation, epoch }, from: 0, to: 1 }
    const event = {
      stream: "A-a",
      streamVersion: 1,
      type: "T",
      position: 1,
      error: { step: "evolve", cause: "x" }
    } as const
    for (const time of ["-000001-01-01T00:00:00Z", "+010000-01-01T00:00:00Z"]) {
      const failure = { ...event, at: DateTime.makeUnsafe(time) }
      yield* isRefused(store, { ...commit, progress: { failure } })
      const put = [{ ...failure, history: 1, key: "a", parked: true }]
      yield* isRefused(store, { ...commit, deadLetters: { put, remove: [] } })
    }
  }),

  "1 the commit of many large records is not too large": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* own(store, generation)
    const large = "x".repeat(6 << 20)
    const put = Array.from({ length: 3 }, (_, i) => ({ key: `k${i}`, state: `${i}${large}` }))
    yield* store.commit({ owner: { generation, epoch }, from: 0, to: 1, records: { put, remove: [] } })
    for (const { key, state } of put) {
      assert.strictEqual((yield* store.load(generation, [key])).states.get(key) === state, true)
    }
    yield* store.commit({
      owner: { generation, epoch },
      from: 1,
      to: 2,
      records: { put: [], remove: put.map(({ key }) => key) }
    })
  }),

  "1 an index may have no field": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const claim = { generation, owner: "one", lease: Duration.minutes(1), indexes: [[], [["a"]]] }
    assert.strictEqual((yield* store.claim(claim))._tag, "Owned")
  })
}
