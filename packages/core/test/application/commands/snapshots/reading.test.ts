import { describe, expect, it } from "@effect/vitest"
import { Boundary, Decision, EventStore, Executor, Snapshots, StateCache, StreamLocks } from "@hexfold/core"
import { Effect, Schema } from "effect"
import { lossy } from "../../../support/lossy.ts"
import { counted, ownMetrics, watchedSnapshots } from "../../../support/snapshots.ts"
import { add, begin, makeTally, Tally } from "../../../support/tally.ts"

const streamId = Tally.streamId("a")
const addTo = (id: string, by = 1) => Executor.execute(Tally, id, add(by))
const load = (id: string) => Executor.load(Tally, id)
const of = [Tally]

/** A process that keeps snapshots; the tally a has ten events and a snapshot of the first eight. */
const begun = Effect.tap(watchedSnapshots, ({ behind, keeping, loads, reads, saves }) =>
  Effect.gen(function* () {
    yield* behind(Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (by) => addTo("a", by)))
    yield* keeping({ of, every: 8 })(load("a"))
    yield* behind(Effect.forEach([9, 10], (by) => addTo("a", by)))
    for (const asked of [loads, reads, saves]) asked.length = 0
  })
)

describe("a stream with a snapshot", () => {
  it.effect("is read on from it, by a command and by a load", () =>
    Effect.gen(function* () {
      const { keeping, loads, reads } = yield* begun
      const { state, version } = yield* keeping({ of })(load("a"))
      expect([state, version]).toEqual([55, 10])
      expect(yield* keeping({ of })(addTo("a", 0))).toMatchObject({ version: 10 })
      expect(yield* keeping({ of })(addTo("a"))).toMatchObject({ version: 11, attempts: 1 })
      const request = { streamId, after: 8 }
      expect(reads).toEqual([[request], [request], [request]])
      expect(loads).toEqual(Array.from({ length: 3 }, () => [{ streamId, fingerprint: Snapshots.fingerprint(Tally) }]))
      expect(yield* counted).toEqual({ loaded: 3, saved: 1 })
    }).pipe(ownMetrics)
  )

  it.effect("is read as a whole without the layer, and for an aggregate that it does not name", () =>
    Effect.gen(function* () {
      const { keeping, loads, reads, run } = yield* begun
      expect((yield* run(load("a"))).state).toBe(55)
      expect((yield* keeping({ of: [makeTally("Other")] })(load("a"))).state).toBe(55)
      expect(reads).toEqual([[{ streamId }], [{ streamId }]])
      expect(loads).toEqual([])
    })
  )

  it.effect("is not asked for one where a cache knows its state", () =>
    Effect.gen(function* () {
      const { keeping, loads, reads } = yield* begun
      yield* keeping({ of })(Effect.all([addTo("a"), addTo("a"), addTo("a")])).pipe(
        Effect.provide(StateCache.layer({ capacity: 10 }))
      )
      expect(loads).toHaveLength(1)
      expect(reads).toEqual([[{ streamId, after: 8 }]])
    })
  )

  it.effect("is not asked for one by a command that begins a stream, until the stream is not new", () =>
    Effect.gen(function* () {
      const { keeping, loads, reads } = yield* begun
      yield* keeping({ of })(Executor.execute(Tally, "new", begin(1)))
      expect([loads, reads]).toEqual([[], []])
      expect(yield* keeping({ of })(Executor.execute(Tally, "a", begin(1)))).toMatchObject({ version: 11 })
      expect(reads).toEqual([[{ streamId, after: 8 }]])
    })
  )

  it.effect("is read on from it by commands that are decided together", () =>
    Effect.gen(function* () {
      const { appends, keeping, loads, reads } = yield* begun
      const all = Effect.all(
        Array.from({ length: 30 }, () => addTo("a")),
        { concurrency: "unbounded" }
      )
      const receipts = yield* keeping({ of, every: 5 })(all)
      expect(receipts.map(({ version }) => version)).toEqual(Array.from({ length: 30 }, (_, i) => i + 11))
      expect(loads.length).toBeLessThanOrEqual(2)
      expect(appends.length).toBeLessThan(20)
      for (const requests of reads) expect(requests[0]!.after).toBeGreaterThanOrEqual(8)
      reads.length = 0
      expect(yield* keeping({ of })(load("a"))).toEqual({ state: 85, version: 40 })
      expect(reads).toEqual([[{ streamId, after: 40 }]])
    })
  )

  it.effect("may be found by a boundary after the others were read", () =>
    Effect.gen(function* () {
      const { keeping, loads, reads } = yield* begun
      const Follow = Boundary.make("Follow", {
        command: Schema.TaggedStruct("Follow", {}),
        participants: () =>
          Boundary.discover(
            { first: Boundary.readOnly(Tally.at("b")), also: Boundary.readOnly(other.at("b")) },
            () => ({
              last: Tally.at("a")
            })
          ),
        decide: (_, { last }) => Decision.all({ last: Tally.decide(add(last), last) })
      })
      const receipt = yield* keeping({ of })(Executor.execute(Follow, { _tag: "Follow" }))
      expect(receipt.events.map(({ data }) => data.by)).toEqual([55])
      expect(reads.at(-1)).toEqual([{ streamId, after: 8 }])
      expect(loads.map((requests) => requests.map((each) => each.streamId))).toEqual([
        [Tally.streamId("b")],
        [streamId]
      ])
    })
  )

  it.effect("is read again where another process was faster, and only later events are read", () =>
    Effect.gen(function* () {
      const { beforeAppends, behind, keeping, reads } = yield* begun
      beforeAppends.push(Effect.orDie(addTo("a", 100)))
      expect(yield* keeping({ of })(addTo("a"))).toMatchObject({ version: 12, attempts: 2 })
      expect(reads).toEqual([[{ streamId, after: 8 }], [{ streamId, after: 10 }]])
      expect((yield* behind(load("a"))).state).toBe(156)
    })
  )
})

const other = makeTally("OtherTally")

it.effect("snapshots are loaded before streams are locked, and used under the locks", () =>
  Effect.gen(function* () {
    const { beforeAppends, behind, hooks, keeping, loads, reads, run } = yield* begun
    let isHeld = false
    const locks: StreamLocks.StreamLocks["Service"] = {
      hold: (_streams, _ids, effect) =>
        Effect.acquireUseRelease(
          Effect.sync(() => (isHeld = true)),
          () => effect,
          () => Effect.sync(() => (isHeld = false))
        )
    }
    const locking = Effect.provideService(StreamLocks.StreamLocks, locks)
    // Two races in a row are lost, so the next commands lock the stream first.
    for (let i = 0; i < 2; i++) beforeAppends.push(Effect.orDie(addTo("a", 1)))
    yield* run(addTo("a")).pipe(locking)
    // So many others wait for their streams that nobody remembers this one.
    for (let i = 0; i < 70; i++) {
      yield* run(Effect.all([addTo(`${i}`), addTo(`${i}`), addTo(`${i}`)], { concurrency: "unbounded" }))
    }
    for (const asked of [loads, reads]) asked.length = 0
    let isLoadedUnderLocks = false
    hooks.load = Effect.sync(() => (isLoadedUnderLocks ||= isHeld))
    const wasHeld: Array<boolean> = []
    beforeAppends.push(Effect.sync(() => wasHeld.push(isHeld)))
    const receipt = yield* keeping({ of })(addTo("a")).pipe(locking)
    expect(receipt).toMatchObject({ version: 14 })
    expect(reads).toEqual([[{ streamId, after: 8 }]])
    expect(loads).toHaveLength(1)
    expect([isLoadedUnderLocks, wasHeld]).toEqual([false, [true]])
    expect((yield* behind(load("a"))).state).toBe(59)
  })
)

it.effect("inside a transaction of the caller no snapshot is used, and none is saved", () =>
  Effect.gen(function* () {
    const { keeping, loads, saves } = yield* watchedSnapshots
    const { store, transaction } = yield* lossy
    const both = Effect.andThen(addTo("a", 5), load("a")).pipe(Effect.provideService(EventStore.EventStore, store))
    const process = keeping({ of, every: 1 })
    expect(yield* process(transaction(both))).toEqual({ state: 5, version: 1 })
    yield* Effect.exit(process(transaction(Effect.andThen(both, Effect.fail("rolled back")))))
    expect([loads, saves]).toEqual([[], []])
    yield* process(both)
    expect(saves.flat().map(({ state, version }) => [state, version])).toContainEqual([10, 2])
  })
)

describe("the fingerprint of an aggregate", () => {
  it("changes with what the states are made of", () => {
    const all = [Tally, makeTally("Tally", 2), makeTally("Tally", 3)].map(Snapshots.fingerprint)
    const changed = [
      { ...Tally, initial: 1 },
      { ...Tally, schemas: { ...Tally.schemas, state: Schema.Number } },
      { ...Tally, schemas: { ...Tally.schemas, events: new Map([...Tally.schemas.events, ["Other", Schema.Never]]) } },
      { ...Tally, schemas: { ...Tally.schemas, events: new Map() } }
    ].map((each) => Snapshots.fingerprint(each as Snapshots.Snapshotted))
    expect(new Set([...all, ...changed]).size).toBe(7)
    for (const fingerprint of all) expect(fingerprint).toMatch(/^[1-3]-[0-9a-f]{12}-[0-9a-f]{12}-[0-9a-f]{12}$/)
  })

  it("is the same whatever the names and the order of declarations are", () => {
    const events = [...makeTally().schemas.events, ["Other", Schema.Never] as const]
    const of = (entries: ReadonlyArray<readonly [string, Schema.Codec<never, never>]>) =>
      Snapshots.fingerprint({ ...Tally, schemas: { ...Tally.schemas, events: new Map(entries) } } as never)
    expect(of(events as never)).toBe(of(events.toReversed() as never))
    expect(Snapshots.fingerprint(makeTally("Another"))).toBe(Snapshots.fingerprint(Tally))
  })
})

describe("Snapshots.layer", () => {
  it("refuses options that are not valid", () => {
    for (const options of [
      { of, every: 0 },
      { of, every: 1.5 },
      { of, capacity: 0 },
      { of, timeout: 0 },
      { of: [Tally, Snapshots.when(Tally, () => true)] }
    ]) {
      expect(() => Snapshots.layer(options)).toThrow(/^Snapshots\.layer: /)
    }
  })
})
