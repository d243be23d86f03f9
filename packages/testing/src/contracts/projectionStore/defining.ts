import { assert } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { type Cases, needs } from "../plan.ts"
import { newGeneration, open, owned, placeOf, records, served, statusOf, type Store } from "./generations.ts"

const minute = Duration.minutes(1)

/** Claims a generation for a definition with this fingerprint. */
const claim = (
  store: Pick<Store, "claim">,
  generation: ProjectionStore.Generation,
  fingerprint: string | undefined,
  more: Partial<ProjectionStore.Claim> = {}
) =>
  store.claim({
    generation,
    owner: `owner of ${fingerprint}`,
    lease: minute,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...more
  })

const own = (...given: Parameters<typeof claim>) =>
  Effect.flatMap(claim(...given), (claimed) =>
    claimed._tag === "Owned" ? Effect.succeed(claimed) : Effect.die(claimed)
  )

const differs = (fingerprint: string) => ({ _tag: "Differs", fingerprint }) as const

const fingerprintsOf = (store: Store, { view }: ProjectionStore.Generation) =>
  Effect.map(statusOf(store, view), (all) => all.map(({ build, fingerprint }) => [build, fingerprint]))

const free = { lease: Duration.zero } as const

/** Promise 9: the events of a generation are applied by one definition only. */
export const defining: Cases = {
  "9 a generation keeps the fingerprint of the first claim that has one": needs("otherProcesses")(function* () {
    const [store, other] = [yield* open, yield* open]
    const [first, second] = [newGeneration(), newGeneration()]
    yield* own(store, first, "one")
    assert.deepStrictEqual(yield* fingerprintsOf(other, first), [[1, "one"]])
    // As an earlier library has made it.
    yield* own(store, second, undefined, free)
    assert.deepStrictEqual(yield* fingerprintsOf(other, second), [[1, undefined]])
    yield* own(store, second, "two", free)
    assert.deepStrictEqual(yield* fingerprintsOf(other, second), [[1, "two"]])
    assert.deepStrictEqual(yield* claim(other, second, "three"), differs("two"))
    assert.deepStrictEqual(yield* fingerprintsOf(store, second), [[1, "two"]])
  }),

  "9 a claim with another fingerprint changes nothing, whether the generation is owned or free": needs(
    "otherProcesses"
  )(function* () {
    const [store, other] = [yield* open, yield* open]
    const generation = newGeneration()
    const { epoch } = yield* own(store, generation, "one")
    const owner = { generation, epoch }
    yield* store.commit({ owner, from: 0, to: 3, records: records({ a: 1 }), asks: "serve" })
    const before = yield* statusOf(store, generation.view)
    for (const more of [{}, free, { part: { index: 1, of: 2 } }, { inline: true }, { after: 5 }]) {
      assert.deepStrictEqual(yield* claim(other, generation, "two", more), differs("one"))
    }
    const after = yield* statusOf(store, generation.view)
    assert.deepStrictEqual(
      after.map(({ parts, serves }) => [serves, parts.map(({ epoch, owner, position }) => [epoch, owner, position])]),
      before.map(({ parts, serves }) => [serves, parts.map(({ epoch, owner, position }) => [epoch, owner, position])])
    )
    yield* store.commit({ owner, from: 3, to: 4, records: records({ a: 2 }) })
    yield* claim(store, generation, "one", free)
    assert.deepStrictEqual(yield* claim(other, generation, "two"), differs("one"))
    assert.deepStrictEqual(yield* claim(other, generation, "two", { part: { index: 0, of: 2 } }), differs("one"))
    assert.isUndefined((yield* placeOf(store, generation))?.owner)
    assert.deepStrictEqual(yield* served(other, generation), { a: 2 })
    assert.strictEqual((yield* own(other, generation, "one")).position, 4)
  }),

  "9 a claim without a fingerprint is compared with none": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const { epoch } = yield* own(store, generation, "one")
    const asking = { owner: "owner of one" }
    assert.deepStrictEqual(yield* claim(store, generation, undefined, asking), owned(epoch, 0))
    assert.deepStrictEqual(yield* fingerprintsOf(store, generation), [[1, "one"]])
    assert.deepStrictEqual(yield* claim(store, generation, undefined), { _tag: "Held", by: "owner of one" })
  }),

  "9 of many first claims with two fingerprints the same one is kept for all": needs("otherProcesses")(function* () {
    const stores = [yield* open, yield* open, yield* open]
    for (let round = 0; round < 5; round++) {
      const generation = newGeneration()
      // In odd rounds the generation is there, and has no fingerprint yet.
      if (round % 2 === 1) yield* own(stores[0]!, generation, undefined, free)
      const claims = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, i) => i),
        (i) => claim(stores[i % 3]!, generation, i % 2 === 0 ? "even" : "odd", { owner: `owner ${i}` }),
        { concurrency: "unbounded" }
      )
      const [[, kept] = []] = yield* fingerprintsOf(stores[0]!, generation)
      const parity = kept === "even" ? 0 : 1
      assert.deepStrictEqual(
        claims.flatMap((each, i) => (each._tag === "Differs" ? [[i, each.fingerprint]] : [])),
        claims.flatMap((_, i) => (i % 2 === parity ? [] : [[i, kept]]))
      )
      assert.lengthOf(
        claims.filter(({ _tag }) => _tag === "Owned"),
        1
      )
    }
  }),

  "9 a later build may have another fingerprint, and takes the version over for it": needs("otherProcesses")(
    function* () {
      const [store, other] = [yield* open, yield* open]
      const generation = newGeneration()
      const next = { ...generation, build: 2 }
      const { epoch } = yield* own(store, generation, "one")
      yield* store.commit({ owner: { generation, epoch }, from: 0, to: 3, records: records({ a: 1 }), asks: "serve" })
      const { epoch: later } = yield* own(other, next, "two")
      assert.deepStrictEqual(yield* claim(store, next, "one"), differs("two"))
      assert.deepStrictEqual(yield* claim(other, generation, "two"), differs("one"))
      const switching = { from: 0, to: 3, records: records({ a: "new" }), asks: "serve" } as const
      yield* other.commit({ owner: { generation: next, epoch: later }, ...switching })
      assert.deepStrictEqual(yield* served(store, generation), { a: "new" })
      assert.deepStrictEqual(yield* fingerprintsOf(store, generation), [
        [1, "one"],
        [2, "two"]
      ])
      assert.deepStrictEqual(yield* claim(store, generation, "one"), differs("two"))
      const late = { owner: { generation: { ...generation, build: 1 }, epoch }, from: 3, to: 4 }
      assert.strictEqual((yield* Effect.flip(store.commit(late)))._tag, "CommitConflict")
      assert.strictEqual((yield* own(other, generation, "two")).build, 2)
    }
  ),

  "9 a generation that was dropped begins again with any fingerprint": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const { epoch } = yield* own(store, generation, "one")
    yield* store.drop({ generation, epoch })
    yield* own(store, generation, "two")
    assert.deepStrictEqual(yield* fingerprintsOf(store, generation), [[1, "two"]])
  }),

  "9 what cannot be a fingerprint is refused": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    for (const fingerprint of ["", "a\0", "x".repeat(100_000)]) {
      assert.strictEqual(
        (yield* Effect.flip(claim(store, generation, fingerprint, { owner: "one" }))).reason._tag,
        "Rejected"
      )
    }
    assert.deepStrictEqual(yield* statusOf(store, generation.view), [])
  })
}
