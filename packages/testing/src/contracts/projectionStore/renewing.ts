import { assert } from "@effect/vitest"
import { DateTime, Duration, Effect, Result } from "effect"
import type { ProjectionStore } from "@hexfold/core"
import { eventually } from "../eventually.ts"
import { type Cases, needs } from "../plan.ts"
import {
  begin,
  newGeneration,
  open,
  own,
  ownPart,
  placeOf,
  records,
  served,
  type Store,
  statusOf,
  storeOf
} from "./generations.ts"
import { open as openNode } from "../nodes.ts"

const together = { concurrency: "unbounded" } as const

type Passed = NonNullable<ProjectionStore.Renewal["passed"]>

const minute = Duration.minutes(1)

/** Renews the lease of an owner that has passed some positions. */
const renew = (
  store: Pick<Store, "claim">,
  generation: ProjectionStore.Generation,
  epoch: number,
  passed?: Passed,
  claim: Partial<ProjectionStore.Claim> = {}
) =>
  store.claim({
    generation,
    owner: "one",
    lease: minute,
    renews: { epoch, ...(passed === undefined ? {} : { passed }) },
    ...claim
  })

const passing = (from: number, to: number, history = 3): Passed => ({ from, to, history })

/** The position and the history of a generation with one part. */
const standing = (store: Store, generation: ProjectionStore.Generation) =>
  Effect.map(placeOf(store, generation), (part) => ({ position: part?.position, history: part?.history }))

/** Promise 3 for owners that renew their leases: what they have passed is written with the lease. */
export const renewing: Cases = {
  "3 a renewal writes the position that its owner has passed, with its history, and changes no record": needs(
    "otherProcesses"
  )(function* () {
    const [store, other] = yield* Effect.all([open, open])
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    const owner = { generation, epoch }
    yield* store.commit({ owner, from: 0, to: 2, history: 2, records: records({ a: 1 }) })
    const changes = Effect.map(statusOf(store, generation.view), ([status]) => status!.changes)
    const before = yield* changes
    const renewed = yield* renew(other, generation, epoch, passing(2, 7))
    assert.deepInclude(renewed, { _tag: "Owned", epoch, position: 7, history: 3 })
    assert.strictEqual(yield* changes, before)
    assert.deepStrictEqual(yield* standing(store, generation), { position: 7, history: 3 })
    assert.deepStrictEqual(yield* served(store, generation), { a: 1 })
    assert.strictEqual((yield* Effect.flip(store.commit({ owner, from: 2, to: 9 })))._tag, "CommitConflict")
    yield* store.commit({ owner, from: 7, to: 9, history: 3, records: records({ a: 2 }) })
    // The release of a lease is a renewal too.
    yield* renew(store, generation, epoch, passing(9, 11), { lease: Duration.zero })
    assert.deepInclude(yield* placeOf(store, generation), { position: 11, owner: undefined })
    assert.strictEqual(yield* changes, before + 1)
  }),

  "3 a renewal clears the failure of an event that its owner has passed": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    const failure = { position: 1, stream: "Account-a", streamVersion: 1, type: "Opened", at: DateTime.makeUnsafe(0) }
    yield* store.commit({ owner: { generation, epoch }, from: 0, to: 0, progress: { failure } })
    yield* renew(store, generation, epoch, passing(0, 0))
    assert.strictEqual((yield* placeOf(store, generation))?.failure?.position, 1)
    yield* renew(store, generation, epoch, passing(0, 1))
    assert.isUndefined((yield* placeOf(store, generation))?.failure)
  }),

  "3 a renewal moves no position that is not where its owner believes, and renews the lease all the same": Effect.gen(
    function* () {
      const store = yield* open
      const generation = newGeneration()
      const epoch = yield* begin(store, generation)
      yield* store.commit({ owner: { generation, epoch }, from: 0, to: 5, history: 2, records: records({ a: 1 }) })
      for (const passed of [passing(0, 3), passing(0, 9), passing(4, 9), passing(6, 9)]) {
        const renewed = yield* renew(store, generation, epoch, passed)
        assert.deepInclude(renewed, { _tag: "Owned", epoch, position: 5, history: 2 })
      }
      assert.deepStrictEqual(yield* standing(store, generation), { position: 5, history: 2 })
      assert.strictEqual((yield* placeOf(store, generation))?.owner, "one")
    }
  ),

  "3 a renewal never moves a position back": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    yield* store.commit({ owner: { generation, epoch }, from: 0, to: 5, history: 2 })
    for (const passed of [passing(5, 4), passing(5, 0), passing(-1, 5), passing(5, 5.5), passing(5, 6, 0)]) {
      const refused = yield* Effect.flip(renew(store, generation, epoch, passed))
      assert.strictEqual(refused.reason._tag, "Rejected")
    }
    assert.deepStrictEqual(yield* standing(store, generation), { position: 5, history: 2 })
  }),

  "3 a renewal of another epoch moves nothing": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const former = yield* begin(store, generation)
    yield* renew(store, generation, former, undefined, { lease: Duration.zero })
    const epoch = yield* own(store, generation)
    assert.isAbove(epoch, former)
    for (const wrong of [former, epoch + 1]) {
      assert.deepInclude(yield* renew(store, generation, wrong, passing(0, 4)), { _tag: "Owned", epoch, position: 0 })
    }
  }),

  "3 a renewal after the lease has ended moves nothing": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    yield* renew(store, generation, epoch, undefined, { lease: Duration.millis(20) })
    yield* eventually(
      "the lease has ended",
      Effect.map(placeOf(store, generation), (part) => part?.owner === undefined)
    )
    const late = yield* renew(store, generation, epoch, passing(0, 4))
    assert.ok(late._tag === "Owned")
    assert.isAbove(late.epoch, epoch)
    assert.strictEqual(late.position, 0)
    assert.strictEqual((yield* placeOf(store, generation))?.position, 0)
  }),

  "3 a renewal of a former owner moves nothing, and says who owns the generation": needs("otherProcesses")(
    function* () {
      const [store, other] = yield* Effect.all([open, open])
      const generation = newGeneration()
      const epoch = yield* begin(store, generation)
      yield* renew(store, generation, epoch, undefined, { lease: Duration.zero })
      const next = yield* own(other, generation, "two")
      for (const each of [epoch, next]) {
        const held = yield* renew(store, generation, each, passing(0, 4))
        assert.deepStrictEqual(held, { _tag: "Held", by: "two" })
      }
      assert.strictEqual((yield* placeOf(store, generation))?.position, 0)
    }
  ),

  "3 of a renewal and a commit at one moment none undoes the other": Effect.gen(function* () {
    const store = yield* open
    const generation = newGeneration()
    const epoch = yield* begin(store, generation)
    let from = 0
    for (let round = 0; round < 20; round++) {
      const commit = Effect.result(
        store.commit({ owner: { generation, epoch }, from, to: from + 5, records: records({ a: round }) })
      )
      const [committed] = yield* Effect.all(
        [commit, renew(store, generation, epoch, passing(from, from + 2))],
        together
      )
      const { position } = yield* standing(store, generation)
      if (Result.isSuccess(committed)) {
        assert.strictEqual(position, from + 5)
        assert.deepStrictEqual(yield* served(store, generation), { a: round })
      } else {
        assert.strictEqual(committed.failure._tag, "CommitConflict")
        assert.strictEqual(position, from + 2)
      }
      from = position!
    }
  }),

  "3 many renewals at one moment are each answered for their own part": needs("otherProcesses")(function* () {
    const node = yield* openNode
    const [store, other] = [storeOf(node), yield* open]
    const generations = Array.from({ length: 12 }, () => newGeneration())
    const epochs = yield* Effect.forEach(generations, (generation) => begin(store, generation))
    const divided = newGeneration()
    const parts = yield* Effect.forEach([0, 1, 2], (index) => ownPart(store, divided, index, 3))
    // The third one has lost its lease, another one owns the fourth, and nobody knows the fifth.
    yield* renew(store, generations[2]!, epochs[2]!, undefined, { lease: Duration.zero })
    yield* renew(store, generations[3]!, epochs[3]!, undefined, { lease: Duration.zero })
    const held = yield* own(other, generations[3]!, "two")
    const [answers, ofParts, unknown] = yield* Effect.all(
      [
        Effect.forEach(generations, (each, i) => renew(store, each, epochs[i]!, passing(0, i + 1)), together),
        Effect.forEach(
          parts,
          (epoch, index) => renew(store, divided, epoch, passing(0, 10 + index), { part: { index, of: 3 } }),
          together
        ),
        renew(store, newGeneration(), 1, passing(0, 4))
      ],
      together
    )
    for (const [i, answer] of answers.entries()) {
      if (i === 3) assert.deepStrictEqual(answer, { _tag: "Held", by: "two" })
      else {
        assert.deepInclude(answer, { _tag: "Owned", position: i === 2 ? 0 : i + 1 })
        assert.ok(answer._tag === "Owned")
        if (i !== 2) assert.strictEqual(answer.epoch, epochs[i])
      }
      assert.strictEqual((yield* placeOf(store, generations[i]!))?.position, i === 2 || i === 3 ? 0 : i + 1)
    }
    assert.deepInclude(unknown, { _tag: "Owned", position: 0 })
    assert.deepStrictEqual(
      ofParts.map((each) => each._tag === "Owned" && [each.epoch, each.position]),
      parts.map((epoch, index) => [epoch, 10 + index])
    )
    const all = (yield* store.views.status).find(({ view }) => view === divided.view)
    assert.deepStrictEqual(
      all?.parts.map(({ position }) => position),
      [10, 11, 12]
    )
    assert.strictEqual(all?.position, 10)
    assert.isAbove(held, epochs[3]!)
  })
}
