import { assert } from "@effect/vitest"
import { Projection } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import { type Cases, needs } from "../plan.ts"
import { AllOther, assertLaw, catchUp, inline, isInline, notes, on, openWith, recordsOf } from "./notes.ts"

const generation = { view: "All", version: 1 }
const claim = { generation, lease: Duration.minutes(1), inline: true }

/** Promise 9: what appends and projections of two definitions of one version do. */
export const defining: Cases = {
  "9 an append of a process with another definition does not maintain the view, though it follows the same events":
    needs("otherProcesses")(function* () {
      const [one, two] = [yield* openWith([inline.All]), yield* openWith([AllOther])]
      yield* catchUp(one, [inline.All])
      yield* appendOne(one.eventStore, notes({ a: [1] }))
      assert.isTrue(yield* isInline(one, inline.All))
      yield* appendOne(two.eventStore, notes({ a: [2] }))
      assert.isFalse(yield* isInline(one, inline.All))
      assert.strictEqual((yield* recordsOf(one, inline.All))["all"]?.sum, 1)
      yield* appendOne(one.eventStore, notes({ a: [3] }))
      yield* catchUp(one, [inline.All])
      assert.isTrue(yield* isInline(one, inline.All))
      yield* assertLaw(one, inline.All)
    }),

  "9 a projection with another definition does not end that appends maintain the view": needs("otherProcesses")(
    function* () {
      const [one, two] = [yield* openWith([inline.All]), yield* openWith([AllOther])]
      yield* catchUp(one, [inline.All])
      for (const catching of [Projection.catchUp(AllOther), Projection.build(AllOther), Projection.serve(AllOther)]) {
        assert.strictEqual((yield* Effect.flip(on(two, catching)))._tag, "DefinitionDiffers")
      }
      yield* appendOne(one.eventStore, notes({ a: [1] }))
      assert.isTrue(yield* isInline(one, inline.All))
      yield* assertLaw(one, inline.All)
    }
  ),

  "9 a rebuild with another definition ends that the former one maintains the view": needs("otherProcesses")(
    function* () {
      const [one, two] = [yield* openWith([inline.All]), yield* openWith([AllOther])]
      yield* catchUp(one, [inline.All])
      yield* appendOne(one.eventStore, notes({ a: [1] }))
      yield* on(two, Projection.rebuild(AllOther))
      assert.isTrue(yield* isInline(two, AllOther))
      // This node remembers the build that it has maintained.
      yield* appendOne(one.eventStore, notes({ a: [2] }))
      assert.isFalse(yield* isInline(two, AllOther))
      yield* catchUp(two, [AllOther])
      yield* appendOne(two.eventStore, notes({ a: [3] }))
      assert.isTrue(yield* isInline(two, AllOther))
      yield* assertLaw(two, AllOther)
    }
  ),

  "9 appends do not begin to maintain a view of which they have another definition": Effect.gen(function* () {
    const node = yield* openWith([AllOther])
    yield* appendOne(node.eventStore, notes({ a: [1] }))
    const error = yield* Effect.flip(on(node, Projection.catchUp(inline.All)))
    assert.strictEqual(error._tag === "ViewStoreError" && error.reason._tag, "Rejected")
    assert.isFalse(yield* isInline(node, inline.All))
    yield* appendOne(node.eventStore, notes({ a: [2] }))
    yield* on(node, Projection.build(inline.All))
    yield* assertLaw(node, inline.All)
  }),

  "9 appends that maintain a view without a fingerprint begin again once a claim says it": Effect.gen(function* () {
    const node = yield* openWith([inline.All])
    const claimed = yield* node.projectionStore.claim({ ...claim, owner: "one" })
    assert.ok(claimed._tag === "Owned")
    const owner = { generation, epoch: claimed.epoch }
    yield* node.projectionStore.commit({ owner, from: 0, to: 0, asks: "serve inline" })
    yield* node.projectionStore.claim({ ...claim, owner: "one", lease: Duration.zero })
    yield* appendOne(node.eventStore, notes({ a: [1] }))
    assert.isTrue(yield* isInline(node, inline.All))
    const { fingerprint } = inline.All
    const known = yield* node.projectionStore.claim({ ...claim, owner: "two", lease: Duration.zero, fingerprint })
    assert.isFalse(known._tag === "Owned" && known.inline)
    assert.isFalse(yield* isInline(node, inline.All))
    yield* catchUp(node, [inline.All])
    yield* appendOne(node.eventStore, notes({ a: [2] }))
    assert.isTrue(yield* isInline(node, inline.All))
    yield* assertLaw(node, inline.All)
  })
}
