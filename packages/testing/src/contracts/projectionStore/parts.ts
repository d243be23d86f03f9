import { assert } from "@effect/vitest"
import type { ProjectionStore, ViewStore } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import {
  begin,
  claim,
  free,
  newGeneration,
  open,
  own,
  owned,
  ownPart,
  records,
  served,
  statusOf
} from "./generations.ts"

const together = { concurrency: "unbounded" } as const

const four = [0, 1, 2, 3]

/** Promises 2, 3 and 7 for a generation in parts. */
export const dividing: Cases = {
  "3 each part has an owner and a position of its own": needs("otherProcesses")(function* () {
    const [store, other] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const first = yield* ownPart(store, generation, 0, 2, "one")
    const second = yield* ownPart(other, generation, 1, 2, "two")
    assert.deepStrictEqual(yield* store.claim(asking(generation, 1, 2, "one")), { _tag: "Held", by: "two" })
    yield* store.commit({
      owner: { generation, part: 0, epoch: first },
      from: 0,
      to: 7,
      records: records({ a: 1 })
    })
    yield* other.commit({
      owner: { generation, part: 1, epoch: second },
      from: 0,
      to: 3,
      records: records({ b: 2 }),
      asks: "serve"
    })
    assert.deepStrictEqual(yield* store.claim(asking(generation, 0, 2, "one")), owned(first, 7))
    assert.deepStrictEqual(yield* served(store, generation), { a: 1, b: 2 })
    const [status] = yield* statusOf(other, generation.view)
    assert.strictEqual(status?.position, 3)
    assert.deepStrictEqual(
      status?.parts.map(({ owner, position }) => [owner, position]),
      [
        ["one", 7],
        ["two", 3]
      ]
    )
    assert.deepStrictEqual((yield* store.load(generation, ["a"])).positions, [7, 3])
    const none = { owner: { generation, part: 2, epoch: first }, from: 0, to: 1 }
    assert.strictEqual((yield* Effect.flip(store.commit(none)))._tag, "CommitConflict")
    yield* free(store, generation, { index: 0, of: 2 }, "one")
    const parts = (yield* statusOf(other, generation.view))[0]!.parts
    assert.deepStrictEqual(
      parts.map(({ owner }) => owner),
      [undefined, "two"]
    )
  }),

  "3 what is not a valid part is refused": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    for (const [index, of] of [
      [-1, 1],
      [1, 1],
      [0, 0],
      [0.5, 2],
      [0, 1_001]
    ] as const) {
      const error = yield* Effect.flip(store.claim(asking(generation, index, of, "one")))
      assert.strictEqual(error.reason._tag, "Rejected")
    }
    assert.deepStrictEqual(yield* statusOf(store, generation.view), [])
    const epoch = yield* own(store, generation)
    for (const part of [-1, 0.5, Number.NaN]) {
      const error = yield* Effect.flip(store.commit({ owner: { generation, part, epoch }, from: 0, to: 1 }))
      assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
    }
  }),

  "2 parts that are committed at one moment are all committed": needs("otherProcesses")(function* () {
    const stores = yield* Effect.all([open, open, open, open])
    const generation = newGeneration()
    const epochs = yield* Effect.forEach(four, (i) => ownPart(stores[i]!, generation, i, 4, `owner ${i}`), together)
    const working = Effect.forEach(
      four,
      (part) =>
        Effect.gen(function* () {
          for (let from = 0; from < 20; from++) {
            const put = records({ [`${part}-${from}`]: part })
            const at = { owner: { generation, part, epoch: epochs[part]! }, from, to: from + 1 }
            yield* stores[part]!.commit({ ...at, records: put, asks: "serve" })
            yield* Effect.yieldNow
          }
        }),
      together
    )
    yield* working
    assert.strictEqual(Object.keys(yield* served(stores[0], generation)).length, 80)
    assert.deepStrictEqual((yield* stores[0].load(generation, [])).positions, [20, 20, 20, 20])
  }),

  "7 a generation is divided anew only while it is free and its parts stand at one position": needs("otherProcesses")(
    function* () {
      const [store, other] = yield* Effect.all([open, open])
      const generation = newGeneration()
      const whole = yield* begin(store, generation)
      yield* store.commit({
        owner: { generation, epoch: whole },
        from: 0,
        to: 5,
        records: records({ a: 1 })
      })
      assert.deepStrictEqual(yield* other.claim(asking(generation, 1, 2, "two")), { _tag: "Held", by: "one" })
      yield* free(store, generation)
      const halves = [
        yield* ownPart(store, generation, 0, 2, "one"),
        yield* ownPart(other, generation, 1, 2, "two")
      ] as const
      assert.isAbove(Math.min(...halves), whole)
      assert.deepStrictEqual((yield* store.load(generation, [])).positions, [5, 5])
      const late = {
        owner: { generation, epoch: whole },
        from: 5,
        to: 6,
        records: records({ a: 2 })
      }
      assert.strictEqual((yield* Effect.flip(store.commit(late)))._tag, "CommitConflict")
      yield* store.commit({ owner: { generation, part: 0, epoch: halves[0] }, from: 5, to: 9 })
      yield* free(store, generation, { index: 0, of: 2 }, "one")
      assert.deepStrictEqual(yield* claim(store, generation, "one"), { _tag: "Held", by: "two" })
      yield* free(other, generation, { index: 1, of: 2 }, "two")
      assert.deepStrictEqual(yield* claim(store, generation, "one"), { _tag: "Divided", positions: [9, 5] })
      const again = yield* ownPart(other, generation, 1, 2, "two")
      yield* other.commit({ owner: { generation, part: 1, epoch: again }, from: 5, to: 9 })
      yield* free(other, generation, { index: 1, of: 2 }, "two")
      const epoch = yield* own(store, generation)
      assert.isAbove(epoch, again)
      assert.deepStrictEqual((yield* store.load(generation, [])).positions, [9])
      for (const part of [0, 1]) {
        const old = { owner: { generation, part, epoch: part === 0 ? halves[0] : again }, from: 9, to: 10 }
        assert.strictEqual((yield* Effect.flip(other.commit(old)))._tag, "CommitConflict")
      }
      yield* store.commit({ owner: { generation, epoch }, from: 9, to: 10 })
      assert.deepStrictEqual(yield* served(store, generation), { a: 1 })
    }
  ),

  "7 of many that divide a generation at one moment, all get parts of one division": needs("otherProcesses")(
    function* () {
      const stores = yield* Effect.all([open, open, open, open])
      for (let round = 0; round < 8; round++) {
        const generation = newGeneration()
        if (round % 2 === 1) yield* Effect.andThen(own(stores[0], generation), free(stores[0], generation))
        const asked = [2, 3].flatMap((of) => Array.from({ length: of }, (_, index) => ({ index, of })))
        const claims = yield* Effect.forEach(
          asked,
          ({ index, of }, i) => stores[i % 4]!.claim(asking(generation, index, of, `${index} of ${of}`)),
          together
        )
        const { length } = (yield* statusOf(stores[0], generation.view))[0]!.parts
        for (const [i, { index: part, of }] of asked.entries()) {
          const claimed = claims[i]!
          assert.strictEqual(claimed._tag, of === length ? "Owned" : "Held")
          if (claimed._tag !== "Owned") continue
          yield* stores[i % 4]!.commit({ owner: { generation, part, epoch: claimed.epoch }, from: 0, to: 1 })
        }
      }
    }
  ),

  "7 a commit that races with a division comes before it or is fenced": needs("otherProcesses")(function* () {
    const [store, other] = yield* Effect.all([open, open])
    for (let round = 0; round < 20; round++) {
      const generation = newGeneration()
      const epoch = yield* own(store, generation)
      yield* free(store, generation)
      const late = { owner: { generation, epoch }, from: 0, to: 1, records: records({ a: 1 }) }
      const committing = Effect.isSuccess(store.commit(late))
      const dividing = ownPart(other, generation, 2, 3, "two")
      const committed =
        round % 2 === 0
          ? (yield* Effect.all([committing, dividing], together))[0]
          : (yield* Effect.all([dividing, committing], together))[1]
      const { positions, states } = yield* store.load(generation, ["a"])
      assert.deepStrictEqual([positions, states.size], committed ? [[1, 1, 1], 1] : [[0, 0, 0], 0])
    }
  })
}

const asking = (generation: ViewStore.Generation, index: number, of: number, owner: string): ProjectionStore.Claim => ({
  generation,
  part: { index, of },
  owner,
  lease: Duration.minutes(1)
})
