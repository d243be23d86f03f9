import { assert } from "@effect/vitest"
import { SnapshotStore, StreamId } from "@hexfold/core"
import { DateTime, Effect, type Schema } from "effect"
import { newStream } from "../eventStore/streams.ts"
import { open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"

type Store = SnapshotStore.SnapshotStore["Service"]

/** A snapshot to save. */
export const snapshot = (
  streamId: StreamId.StreamId,
  version: number,
  more: Partial<SnapshotStore.NewSnapshot> = {}
): SnapshotStore.NewSnapshot => ({
  streamId,
  fingerprint: "1-a",
  version,
  history: 1,
  position: version,
  state: { version },
  ...more
})

/** The snapshot that a store has, without its time. */
const stored = (store: Store, streamId: StreamId.StreamId, fingerprint = "1-a") =>
  Effect.map(store.load([{ streamId, fingerprint }]), ([found]) => {
    if (found === undefined) return undefined
    const { savedAt: _, ...saved } = found
    return saved
  })

const versions = (store: Store, streamId: StreamId.StreamId, fingerprints: ReadonlyArray<string>) =>
  Effect.map(store.load(fingerprints.map((fingerprint) => ({ streamId, fingerprint }))), (found) =>
    found.map((each) => each?.version)
  )

const states: ReadonlyArray<Schema.Json> = [
  null,
  "",
  0,
  [],
  {},
  1e21,
  0.1,
  -1.5e-7,
  'é\u2028\ud83d\ude00\\u0041"',
  [[[]], [null, { a: [] }]],
  { bb: 1, a: 2, ccc: { z: 1, y: [{ q: 1, p: 2 }] }, "10": 3, "": 4, __proto: 5 },
  "x".repeat(300_000),
  Array.from({ length: 20_000 }, (_, i) => ({ i, text: `${i * 7919}` }))
]

/** Promises 1 to 5: what is saved, loaded, replaced and removed. */
export const storing: Cases = {
  "1 what was saved is loaded as it was saved, also in another process": needs("otherProcesses")(function* () {
    const [one, other] = [yield* open, yield* open]
    for (const state of states) {
      const given = snapshot(newStream(), 7, { state, history: 3, position: 2 ** 40 + 1 })
      yield* one.snapshotStore.save([given])
      const found = yield* stored(other.snapshotStore, given.streamId)
      assert.deepStrictEqual(found, given)
      // Equal objects may have their members in another order.
      assert.strictEqual(JSON.stringify(found!.state), JSON.stringify(state))
    }
  }),

  "1 a snapshot tells when it was saved": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    const streamId = newStream()
    const times: Array<number> = []
    for (const version of [1, 2]) {
      yield* snapshotStore.save([snapshot(streamId, version)])
      const [found] = yield* snapshotStore.load([{ streamId, fingerprint: "1-a" }])
      times.push(DateTime.toEpochMillis(found!.savedAt))
    }
    assert.isAbove(times[0]!, 0)
    assert.isAtLeast(times[1]!, times[0]!)
  }),

  "1 a caller that changes its own state later changes nothing": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    const streamId = newStream()
    const state = { items: ["a"] }
    yield* snapshotStore.save([snapshot(streamId, 1, { state })])
    state.items.push("b")
    assert.deepStrictEqual((yield* stored(snapshotStore, streamId))?.state, { items: ["a"] })
  }),

  "1 snapshots of several fingerprints of a stream are kept side by side": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    const streamId = newStream()
    yield* snapshotStore.save([snapshot(streamId, 5), snapshot(streamId, 3, { fingerprint: "2-a", state: "other" })])
    assert.deepStrictEqual(yield* stored(snapshotStore, streamId), snapshot(streamId, 5))
    assert.deepStrictEqual((yield* stored(snapshotStore, streamId, "2-a"))?.state, "other")
    assert.isUndefined(yield* stored(snapshotStore, streamId, "1-b"))
  }),

  "2 a load answers in the order of its requests": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    assert.deepStrictEqual(yield* snapshotStore.load([]), [])
    yield* snapshotStore.save([])
    const streams = Array.from({ length: 500 }, () => newStream())
    yield* snapshotStore.save(streams.flatMap((streamId, i) => (i % 3 === 0 ? [] : [snapshot(streamId, i)])))
    const asked = [...streams.toReversed(), streams[1]!, streams[0]!]
    const found = yield* snapshotStore.load(asked.map((streamId) => ({ streamId, fingerprint: "1-a" })))
    assert.deepStrictEqual(
      found.map((each) => each?.version),
      [...streams.map((_, i) => (i % 3 === 0 ? undefined : i)).toReversed(), 1, undefined]
    )
    assert.deepStrictEqual(
      found.map((each, i) => each?.streamId ?? asked[i]),
      asked
    )
  }),

  "3 a later snapshot replaces an earlier one, and a lower version of the same history replaces nothing": Effect.gen(
    function* () {
      const { snapshotStore } = yield* open
      const streamId = newStream()
      for (const [given, kept] of [
        [snapshot(streamId, 5), true],
        [snapshot(streamId, 4, { state: "late" }), false],
        [snapshot(streamId, 5, { state: "again" }), true],
        [snapshot(streamId, 9), true],
        [snapshot(streamId, 2, { history: 2 }), true],
        [snapshot(streamId, 1, { history: 2 }), false],
        // A store that was restored may have a snapshot of a history that the log has not come to.
        [snapshot(streamId, 1, { history: 1 }), true]
      ] as const) {
        yield* snapshotStore.save([given])
        const found = yield* stored(snapshotStore, streamId)
        if (kept) assert.deepStrictEqual(found, given)
        else assert.notDeepEqual(found, given)
      }
    }
  ),

  "3 of many that are saved at one moment, the highest version stays": needs("otherProcesses")(function* () {
    const nodes = [yield* open, yield* open]
    const streams = Array.from({ length: 5 }, () => newStream())
    yield* Effect.forEach(
      Array.from({ length: 60 }, (_, i) => i),
      (i) => {
        const given = streams.map((streamId, k) => snapshot(streamId, 1 + ((i * 17 + k) % 60)))
        return nodes[i % 2]!.snapshotStore.save(i % 3 === 0 ? given.toReversed() : given)
      },
      { concurrency: "unbounded" }
    )
    for (const streamId of streams) {
      assert.deepStrictEqual(yield* stored(nodes[1]!.snapshotStore, streamId), snapshot(streamId, 60))
    }
  }),

  "4 a stream keeps the snapshots of the three fingerprints that were saved last": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    const [streamId, other] = [newStream(), newStream()]
    const save = (fingerprint: string, version = 1) =>
      snapshotStore.save([snapshot(streamId, version, { fingerprint })])
    const names = ["a", "b", "c", "d", "e"]
    yield* snapshotStore.save(["a", "b", "c"].map((fingerprint) => snapshot(other, 1, { fingerprint })))
    for (const fingerprint of ["a", "b", "c"]) yield* save(fingerprint)
    yield* save("a", 2)
    yield* save("d")
    assert.deepStrictEqual(yield* versions(snapshotStore, streamId, names), [2, undefined, 1, 1, undefined])
    yield* save("e")
    assert.deepStrictEqual(yield* versions(snapshotStore, streamId, names), [2, undefined, undefined, 1, 1])
    assert.deepStrictEqual(yield* versions(snapshotStore, other, names), [1, 1, 1, undefined, undefined])
    assert.strictEqual(SnapshotStore.mostFingerprints, 3)
  }),

  "5 what is removed is not loaded any more, and nothing else is removed": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    const name = `Removed_${crypto.randomUUID().replaceAll("-", "")}`
    const [a, b, longer] = [StreamId.make(name, "a"), StreamId.make(name, "b"), StreamId.make(`${name}s`, "a")]
    const fingerprints = ["1-a", "2-a", "3-a"]
    const all = () =>
      Effect.forEach([a, b, longer], (streamId) =>
        Effect.map(
          versions(snapshotStore, streamId, fingerprints),
          (found) => found.filter((each) => each !== undefined).length
        )
      )
    const begin = snapshotStore.save(
      [a, b, longer].flatMap((streamId) => fingerprints.map((fingerprint) => snapshot(streamId, 1, { fingerprint })))
    )
    for (const [selection, count, left] of [
      [{ streamId: a }, 3, [0, 3, 3]],
      [{ streamId: b, fingerprint: "2-a" }, 1, [3, 2, 3]],
      [{ streamId: b, fingerprint: "4-a" }, 0, [3, 3, 3]],
      [{ aggregate: name }, 6, [0, 0, 3]],
      [{ aggregate: name, except: ["1-a", "4-a"] }, 4, [1, 1, 3]],
      [{ aggregate: name, except: fingerprints }, 0, [3, 3, 3]],
      [{ aggregate: `${name}x` }, 0, [3, 3, 3]]
    ] as const) {
      yield* begin
      assert.strictEqual(yield* snapshotStore.remove(selection), count)
      assert.deepStrictEqual(yield* all(), [...left], JSON.stringify(selection))
    }
  }),

  "5 thousands of snapshots of an aggregate are removed": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    const name = `Many_${crypto.randomUUID().replaceAll("-", "")}`
    const streams = Array.from({ length: 2_500 }, (_, i) => StreamId.make(name, `${i}`))
    yield* snapshotStore.save(streams.map((streamId) => snapshot(streamId, 1)))
    assert.strictEqual(yield* snapshotStore.remove({ aggregate: name, except: ["2-a"] }), 2_500)
    assert.isUndefined(yield* stored(snapshotStore, streams[2_499]!))
  })
}
