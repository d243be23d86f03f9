import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { Duration, Effect, Schedule } from "effect"
import { type Cases, needs } from "../plan.ts"
import { begin, claim, newGeneration, open, own, owned, placeOf, records, refusal, served } from "./generations.ts"

const together = { concurrency: "unbounded" } as const

/** Promises 3 and 4: one owner at a time, one generation that serves. */
export const claiming: Cases = {
  "3 of many that claim at one moment exactly one becomes the owner": needs("otherProcesses")(function* () {
    const stores = yield* Effect.all([open, open, open])
    for (let round = 0; round < 5; round++) {
      const generation = newGeneration()
      const claims = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, i) => i),
        (i) => claim(stores[i % 3]!, generation, `owner ${i}`),
        together
      )
      const owners = claims.flatMap((each, i) => (each._tag === "Owned" ? [`owner ${i}`] : []))
      assert.strictEqual(owners.length, 1)
      for (const each of claims) if (each._tag === "Held") assert.strictEqual(each.by, owners[0])
      assert.strictEqual((yield* placeOf(stores[0], generation))?.owner, owners[0])
    }
  }),

  "3 an owner that claims again keeps the epoch, also from another node": needs("otherProcesses")(function* () {
    const [first, second] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const epoch = yield* own(first, generation)
    yield* first.commit({ owner: { generation, epoch }, from: 0, to: 2 })
    for (const store of [first, second, first]) {
      assert.deepStrictEqual(yield* claim(store, generation), owned(epoch, 2))
    }
    assert.deepStrictEqual(yield* claim(second, generation, "two"), { _tag: "Held", by: "one" })
  }),

  "3 a lease that ended frees the generation for a higher epoch": needs("otherProcesses")(function* () {
    const [first, second] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const claimed = yield* claim(first, generation, "one", Duration.millis(50))
    assert.strictEqual(claimed._tag, "Owned")
    const taken = yield* claim(second, generation, "two").pipe(
      Effect.repeat({
        until: (each: ProjectionStore.Claimed) => each._tag === "Owned",
        schedule: Schedule.spaced("5 millis")
      })
    )
    const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
    assert.ok(taken._tag === "Owned")
    assert.isAbove(taken.epoch, epoch)
    assert.deepStrictEqual(yield* claim(first, generation, "one"), { _tag: "Held", by: "two" })
    const late = { owner: { generation, epoch }, from: 0, to: 1, records: records({ a: 1 }) }
    assert.strictEqual((yield* Effect.flip(first.commit(late)))._tag, "CommitConflict")
  }),

  "3 a lease of zero duration ends the ownership": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* own(store, generation)
    yield* claim(store, generation, "one", Duration.zero)
    assert.isUndefined((yield* placeOf(store, generation))?.owner)
    const next = yield* own(store, generation, "two")
    assert.isAbove(next, epoch)
    yield* claim(store, generation, "two", Duration.zero)
    assert.isAbove(yield* own(store, generation, "two"), next)
  }),

  "3 what cannot be a generation or an owner is refused": Effect.gen(function* () {
    const store = yield* open
    const good = newGeneration()
    for (const [generation, owner] of [
      [{ ...good, version: 0 }, "one"],
      [{ ...good, version: 1.5 }, "one"],
      [{ ...good, view: "a'b" }, "one"],
      [good, ""],
      [good, "a\0"]
    ] as const) {
      assert.strictEqual((yield* Effect.flip(claim(store, generation, owner))).reason._tag, "Rejected")
    }
    assert.isUndefined(yield* placeOf(store, good))
  }),

  "4 each version answers with its own records, from the commit that asks for it": needs("otherProcesses")(
    function* () {
      const [store, other] = yield* Effect.all([open, open])
      const first = newGeneration()
      const second = { ...first, version: 2 }
      const old = { owner: { generation: first, epoch: yield* own(store, first) } }
      const next = { owner: { generation: second, epoch: yield* own(store, second) } }
      const serving = Effect.map(other.views.status, (all) =>
        all.filter(({ serves, view }) => serves && view === first.view).map(({ version }) => version)
      )
      yield* store.commit({ ...old, from: 0, to: 4, records: records({ a: "old", b: "old" }) })
      yield* store.commit({ ...next, from: 0, to: 2, records: records({ a: "new" }) })
      assert.deepStrictEqual(yield* serving, [])
      for (const version of [first, second]) {
        assert.strictEqual(yield* refusal(served(other, version)), "building")
        assert.strictEqual(yield* refusal(other.views.load(version, ["a"])), "building")
      }
      yield* store.commit({ ...old, from: 4, to: 4, asks: "serve" })
      assert.deepStrictEqual(yield* serving, [1])
      assert.deepStrictEqual(yield* served(other, first), { a: "old", b: "old" })
      assert.deepStrictEqual([...(yield* other.views.load(first, ["a"])).states], [["a", "old"]])
      assert.deepStrictEqual([...(yield* other.load(second, ["a", "b"])).states], [["a", "new"]])
      assert.strictEqual(yield* refusal(served(other, second)), "building")
      yield* store.commit({ ...next, from: 2, to: 3, asks: "serve" })
      assert.deepStrictEqual(yield* serving, [1, 2])
      assert.deepStrictEqual(yield* served(other, second), { a: "new" })
      assert.deepStrictEqual([...(yield* other.views.load(second, ["a", "b"])).states], [["a", "new"]])
      yield* store.commit({ ...old, from: 4, to: 5, records: records({ c: "old" }) })
      assert.deepStrictEqual(yield* served(other, first), { a: "old", b: "old", c: "old" })
      assert.deepStrictEqual(yield* served(other, second), { a: "new" })
    }
  ),

  "4 a version that nobody has built has no records to read": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const { version, view } = generation
    for (let i = 0; i < 2; i++) {
      const count = store.views.query({ _tag: "Count", view }, version)
      const groups = store.views.query({ _tag: "Groups", view, by: [], values: {} }, version)
      assert.strictEqual(yield* refusal(served(store, generation)), "unbuilt")
      assert.strictEqual(yield* refusal(count), "unbuilt")
      assert.strictEqual(yield* refusal(groups), "unbuilt")
      assert.strictEqual(yield* refusal(store.views.load(generation, ["a"])), "unbuilt")
      assert.strictEqual((yield* store.load(generation, ["a"])).states.size, 0)
      // Another version changes nothing.
      yield* begin(store, { view, version: 2 })
    }
  })
}
