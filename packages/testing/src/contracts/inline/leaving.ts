import { assert } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { appendTo, events, newStream } from "../eventStore/streams.ts"
import { openWith } from "../nodes.ts"
import type { Cases } from "../plan.ts"
import { eventually } from "../eventually.ts"
import { begin, free, newGeneration, own, records, refusal, served, storeOf } from "../projectionStore/generations.ts"

const soon = { leftAfter: "50 millis" } as const

/** Two versions that have caught up with a log of two events, and nobody owns them. */
const opened = Effect.gen(function* () {
  const node = yield* openWith(soon)
  const store = storeOf(node)
  const {
    events: [, last]
  } = yield* appendTo(node.eventStore, newStream(), events(2))
  const first = newGeneration()
  const second = { ...first, version: 2 }
  const reach = Effect.fnUntraced(function* (generation: typeof first, from: number, to: number) {
    const epoch = yield* own(store, generation)
    yield* store.commit({
      owner: { generation, epoch },
      from,
      to,
      records: records({ a: generation.version }),
      asks: "serve"
    })
  })
  yield* reach(first, 0, last!.position)
  return { store, node, first, second, reach, position: last!.position }
})

/** Promise 4 for a version that was left: it answers again when it has caught up, and not before. It takes a store of views beside its log. */
export const leaving: Cases = {
  "4 a version that is left for another one does not answer until it has caught up": Effect.gen(function* () {
    const { first, node, position, reach, second, store } = yield* opened
    yield* free(store, first)
    yield* reach(second, 0, position)
    assert.deepStrictEqual(yield* served(store, first), { a: 1 })
    const {
      events: [next]
    } = yield* appendTo(node.eventStore, newStream(), events(1))
    const isLeft = Effect.map(Effect.exit(served(store, first)), ({ _tag }) => _tag === "Failure")
    yield* eventually("the version counts as left", isLeft)
    assert.strictEqual(yield* refusal(served(store, first)), "left")
    assert.strictEqual(yield* refusal(store.views.load(first, ["a"])), "left")
    assert.deepStrictEqual(yield* served(store, second), { a: 2 })
    const epoch = yield* own(store, first)
    assert.strictEqual(yield* refusal(served(store, first)), "building")
    yield* store.commit({ owner: { generation: first, epoch }, from: position, to: next!.position })
    assert.strictEqual(yield* refusal(served(store, first)), "building")
    yield* store.commit({
      owner: { generation: first, epoch },
      from: next!.position,
      to: next!.position,
      asks: "serve"
    })
    assert.deepStrictEqual(yield* served(store, first), { a: 1 })
  }),

  "4 a version without an owner goes on answering if no other version is used, or if nothing is missing": Effect.gen(
    function* () {
      const { first, node, second, store } = yield* opened
      yield* free(store, first)
      yield* appendTo(node.eventStore, newStream(), events(1))
      // The lease of the store's clock has ended for long when another one of the same length has.
      const waited = newGeneration()
      yield* begin(store, waited)
      yield* store.claim({ generation: waited, owner: "one", lease: Duration.millis(100) })
      yield* eventually(
        "a lease of twice the limit has ended",
        Effect.map(
          store.views.status,
          (all) => all.find(({ view }) => view === waited.view)?.parts[0]?.owner === undefined
        )
      )
      assert.deepStrictEqual(yield* served(store, first), { a: 1 })
      yield* begin(store, second)
      assert.strictEqual(yield* refusal(served(store, first)), "left")
    }
  )
}
