import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { Duration, Effect, Schedule } from "effect"
import { type Cases, needs } from "../plan.ts"
import { open, records, statusOf, type Store } from "./generations.ts"

const minute = Duration.minutes(1)
const brief = Duration.millis(50)

const release = { lease: Duration.zero }

let made = 0

const newName = (): string => `reactor/R${crypto.randomUUID().replaceAll("-", "")}_${++made}`

interface Asked extends Partial<Pick<ProjectionStore.Claim, "fingerprint" | "lease" | "part" | "after" | "renews">> {
  readonly owner?: string
}

/** A claim of a version of a reactor. */
const claim = (store: Pick<Store, "claim">, view: string, version: number, asked: Asked = {}) =>
  store.claim({
    generation: { view, version },
    owner: `version ${version}`,
    lease: minute,
    fingerprint: `f${version}`,
    ...asked
  })

const own = (store: Pick<Store, "claim">, view: string, version: number, asked?: Asked) =>
  Effect.flatMap(claim(store, view, version, asked), (claimed) =>
    claimed._tag === "Owned" ? Effect.succeed(claimed) : Effect.die(claimed)
  )

/** Claims until the answer is that it is owned. */
const waitsFor = <E, R>(claiming: Effect.Effect<ProjectionStore.Claimed, E, R>) =>
  claiming.pipe(
    Effect.repeat({
      until: (each: ProjectionStore.Claimed) => each._tag === "Owned",
      schedule: Schedule.spaced("5 millis")
    }),
    Effect.flatMap((each) => (each._tag === "Owned" ? Effect.succeed(each) : Effect.die(each)))
  )

const ownerOf = (view: string, version: number, { epoch }: { readonly epoch: number }, part = 0) => ({
  generation: { view, version },
  part,
  epoch
})

/** Promise 10: one generation for all versions of a reactor. */
export const succeeding: Cases = {
  "10 a higher version begins where the owner of a lower one has ended": needs("otherProcesses")(function* () {
    const [old, next] = yield* Effect.all([open, open])
    const view = newName()
    const first = yield* own(old, view, 1, { after: 3 })
    yield* old.commit({ owner: ownerOf(view, 1, first), from: 3, to: 7, records: records({ a: "kept" }) })
    assert.deepStrictEqual(yield* claim(next, view, 2, { after: 0 }), { _tag: "Held", by: "version 1" })
    // The owner may end its work, and may not go on with it.
    const passed = { from: 7, to: 9, history: 1 }
    const renewed = yield* claim(old, view, 1, { renews: { epoch: first.epoch, passed } })
    assert.deepStrictEqual(renewed, { _tag: "Held", by: "version 1" })
    yield* old.commit({ owner: ownerOf(view, 1, first), from: 7, to: 8, records: records({ b: "kept too" }) })
    yield* claim(old, view, 1, release)
    const second = yield* own(next, view, 2, { after: 0 })
    assert.strictEqual(second.position, 8)
    assert.isAbove(second.epoch, first.epoch)
    const late = { owner: ownerOf(view, 1, first), from: 8, to: 9, records: records({ c: "late" }) }
    assert.strictEqual((yield* Effect.flip(old.commit(late)))._tag, "CommitConflict")
    assert.deepStrictEqual(yield* claim(old, view, 1), { _tag: "Held", by: "version 2" })
    yield* next.commit({ owner: ownerOf(view, 2, second), from: 8, to: 9 })
    const all = yield* statusOf(old, view)
    assert.deepStrictEqual(
      all.map(({ fingerprint, position, version }) => ({ fingerprint, position, version })),
      [{ fingerprint: "f2", position: 9, version: 2 }]
    )
    const loaded = yield* next.load({ view, version: 2 }, ["a", "b", "c"])
    assert.deepStrictEqual(Object.fromEntries(loaded.states), { a: "kept", b: "kept too" })
  }),

  "10 a higher version takes over from an owner that is gone, and that owner changes nothing any more": needs(
    "otherProcesses"
  )(function* () {
    const [old, next] = yield* Effect.all([open, open])
    const view = newName()
    const first = yield* own(old, view, 1, { lease: brief })
    const second = yield* waitsFor(claim(next, view, 2))
    assert.isAbove(second.epoch, first.epoch)
    yield* claim(old, view, 1, release)
    const late = { owner: ownerOf(view, 1, first), from: 0, to: 1 }
    assert.strictEqual((yield* Effect.flip(old.commit(late)))._tag, "CommitConflict")
    const [status] = yield* statusOf(old, view)
    assert.deepStrictEqual([status?.version, status?.parts[0]?.owner], [2, "version 2"])
  }),

  "10 a lower version begins when nobody has owned a part for the duration of its lease": needs("otherProcesses")(
    function* () {
      const [old, next] = yield* Effect.all([open, open])
      const view = newName()
      const second = yield* own(next, view, 2)
      yield* next.commit({ owner: ownerOf(view, 2, second), from: 0, to: 4 })
      yield* claim(next, view, 2, release)
      // A process of the higher version may only be between two attempts.
      assert.deepStrictEqual(yield* claim(old, view, 1), { _tag: "Held", by: "version 2" })
      assert.strictEqual((yield* claim(old, view, 1, release))._tag, "Held")
      assert.strictEqual((yield* statusOf(old, view))[0]?.version, 2)
      const back = yield* waitsFor(claim(old, view, 1, { lease: brief }))
      assert.strictEqual(back.position, 4)
      assert.isAbove(back.epoch, second.epoch)
      const late = { owner: ownerOf(view, 2, second), from: 4, to: 5 }
      assert.strictEqual((yield* Effect.flip(next.commit(late)))._tag, "CommitConflict")
      const [status] = yield* statusOf(old, view)
      assert.deepStrictEqual([status?.version, status?.fingerprint], [1, "f1"])
    }
  ),

  "10 a higher version gets each part when its owner has ended, and goes on at the position of the part": needs(
    "otherProcesses"
  )(function* () {
    const [old, next] = yield* Effect.all([open, open])
    const view = newName()
    const parts = [0, 1, 2].map((index) => ({ index, of: 3 }))
    const firsts = yield* Effect.forEach(parts, (part) => own(old, view, 1, { part }))
    for (const [index, first] of firsts.entries()) {
      yield* old.commit({ owner: ownerOf(view, 1, first, index), from: 0, to: index + 1 })
    }
    for (const part of parts) {
      assert.strictEqual((yield* claim(next, view, 2, { part }))._tag, "Held")
      // No other process of the lower version gets a part any more.
      yield* claim(old, view, 1, { part, ...release })
      assert.strictEqual((yield* claim(old, view, 1, { part, owner: "another" }))._tag, "Held")
      assert.strictEqual((yield* own(next, view, 2, { part })).position, part.index + 1)
    }
  }),

  "10 versions that begin at one moment make one generation, and the highest has it": needs("otherProcesses")(
    function* () {
      const stores = yield* Effect.all([open, open, open])
      for (let round = 0; round < 12; round++) {
        const view = newName()
        const versions = [1, 2, 3, 4, 5, 6]
        const claimed = yield* Effect.forEach(versions, (version) => claim(stores[version % 3]!, view, version), {
          concurrency: "unbounded"
        })
        // Another version is no other definition of the same one.
        assert.notInclude(
          claimed.map(({ _tag }) => _tag),
          "Differs"
        )
        const all = yield* statusOf(stores[0], view)
        assert.deepStrictEqual(
          all.map(({ fingerprint, version }) => [version, fingerprint]),
          [[6, "f6"]]
        )
      }
    }
  ),

  "10 another definition of the same version changes nothing": Effect.gen(function* () {
    const store = yield* open
    const view = newName()
    const first = yield* own(store, view, 1)
    const other = yield* claim(store, view, 1, { owner: "other", fingerprint: "another" })
    assert.deepStrictEqual(other, { _tag: "Differs", fingerprint: "f1" })
    yield* store.commit({ owner: ownerOf(view, 1, first), from: 0, to: 1 })
  }),

  "10 it has one build, and appends do not maintain it": Effect.gen(function* () {
    const store = yield* open
    const view = newName()
    const asked = { owner: "one", lease: minute } as const
    for (const wrong of [
      { ...asked, generation: { view, version: 1, build: 1 } },
      { ...asked, generation: { view, version: 1 }, inline: true }
    ]) {
      assert.strictEqual((yield* Effect.flip(store.claim(wrong))).reason._tag, "Rejected")
    }
    assert.deepStrictEqual(yield* statusOf(store, view), [])
  })
}
