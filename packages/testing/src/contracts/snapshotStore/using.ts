import { assert } from "@effect/vitest"
import { EventStore, type EventStoreError, Executor, Snapshots, type SnapshotStore } from "@hexfold/core"
import { Effect, Schedule } from "effect"
import { type Node, open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { keeping, ledger, move, newName, on, shown, watched, whole } from "./ledger.ts"

const post = (...amounts: ReadonlyArray<number>) => ({ _tag: "Post", amounts }) as const

/** Runs an effect in a transaction of a node, whose context it keeps. */
const inTransaction = <A, E>(
  { transaction }: Node,
  effect: Effect.Effect<A, E, EventStore.EventStore>
): Effect.Effect<A, E | EventStoreError, EventStore.EventStore> =>
  Effect.flatMap(EventStore.EventStore, (store) =>
    transaction(Effect.provideService(effect, EventStore.EventStore, store))
  )

/** What the commands of a program do with the snapshots of a store. */
export const using: Cases = {
  "a command reads on from the snapshot that another process has saved": needs("otherProcesses")(function* () {
    const [one, other] = [yield* open, watched(yield* open)]
    const Ledger = ledger(newName())
    yield* keeping(one, [Ledger])(Executor.execute(Ledger, "a", post(1, 2, 3)))
    yield* on(one, Executor.execute(Ledger, "a", post(4)))
    const receipt = yield* keeping(other.node, [Ledger])(Executor.execute(Ledger, "a", post(5)))
    assert.strictEqual(receipt.version, 5)
    const streamId = Ledger.streamId("a")
    assert.deepStrictEqual(other.asked.reads, [[{ streamId, after: 3 }]])
    const loaded = yield* keeping(other.node, [Ledger])(Executor.load(Ledger, "a"))
    assert.strictEqual(shown(loaded), shown(yield* whole(one, Ledger, streamId)))
    assert.deepStrictEqual(other.asked.reads.at(-1), [{ streamId, after: 5 }])
  }),

  "a long stream gets its first snapshot by a read": Effect.gen(function* () {
    const { asked, node } = watched(yield* open)
    const Ledger = ledger(newName())
    const streamId = Ledger.streamId("a")
    for (let i = 0; i < 5; i++) yield* on(node, Executor.execute(Ledger, "a", post(i)))
    yield* keeping(node, [Ledger], 6)(Executor.load(Ledger, "a"))
    yield* keeping(node, [Ledger], 5)(Executor.load(Ledger, "a"))
    yield* keeping(node, [Ledger], 5)(Executor.load(Ledger, "a"))
    assert.deepStrictEqual(asked.reads.slice(-3), [[{ streamId }], [{ streamId }], [{ streamId, after: 5 }]])
  }),

  "a boundary loads the snapshots of its streams in one request": Effect.gen(function* () {
    const { asked, node } = watched(yield* open)
    const Ledger = ledger(newName())
    const transfer = Executor.execute(move(Ledger), { _tag: "Move", from: "a", to: "b", amount: 3 })
    yield* keeping(node, [Ledger])(transfer)
    yield* keeping(node, [Ledger])(transfer)
    const fingerprint = Snapshots.fingerprint(Ledger)
    const [a, b] = [Ledger.streamId("a"), Ledger.streamId("b")]
    assert.deepStrictEqual(asked.loads.at(-1), [
      { streamId: a, fingerprint },
      { streamId: b, fingerprint }
    ])
    assert.deepStrictEqual(asked.reads.at(-1), [
      { streamId: a, after: 1 },
      { streamId: b, after: 1 }
    ])
    assert.lengthOf(asked.loads, 2)
  }),

  "a snapshot of another revision, one ahead of its stream, and one that does not decode are ignored and replaced":
    Effect.gen(function* () {
      const node = yield* open
      const name = newName()
      const [first, second] = [ledger(name, 1), ledger(name, 2)]
      const streamId = first.streamId("a")
      const fingerprint = Snapshots.fingerprint(second)
      yield* keeping(node, [first])(Executor.execute(first, "a", post(1, 2)))
      const { history } = yield* on(node, Executor.execute(first, "a", post(3)))
      const bad = { streamId, fingerprint, history, position: 1 }
      const good = yield* whole(node, second, streamId)
      const decodable = { sum: "9", count: 9, byText: {}, last: { _tag: "None" } }
      for (const [state, versions] of [
        // Nothing tells that it is wrong but that it is ahead of the stream.
        [decodable, [4, 1_000]],
        [{ sum: 1 }, [1, 3, 1_000]],
        ["rubbish", [1, 3, 1_000]],
        [null, [1, 3, 1_000]]
      ] as const) {
        for (const version of versions) {
          yield* node.snapshotStore.remove({ streamId, fingerprint })
          yield* node.snapshotStore.save([{ ...bad, version, state }])
          const loaded = yield* keeping(node, [second])(Executor.load(second, "a"))
          assert.strictEqual(shown(loaded), shown(good), `${version} ${JSON.stringify(state)}`)
          assert.strictEqual((yield* node.snapshotStore.load([bad]))[0]?.version, 3)
        }
      }
      yield* keeping(node, [second])(Executor.load(second, "a"))
      const both = yield* node.snapshotStore.load(
        [first, second].map((each) => ({ streamId, fingerprint: Snapshots.fingerprint(each) }))
      )
      assert.deepStrictEqual(
        both.map((each) => each?.version),
        [2, 3]
      )
    }),

  "a state whose append has failed is never saved": Effect.gen(function* () {
    const node = yield* open
    const Ledger = ledger(newName())
    yield* on(node, Executor.execute(Ledger, "a", post(1)))
    const { eventStore } = node
    const conflicting: typeof node = {
      ...node,
      eventStore: {
        ...eventStore,
        // Another process is always faster.
        append: (append) =>
          Effect.andThen(Effect.orDie(on(node, Executor.execute(Ledger, "a", post(10)))), eventStore.append(append))
      }
    }
    const error = yield* Effect.flip(
      keeping(conflicting, [Ledger])(Executor.execute(Ledger, "a", post(100), { retry: Schedule.recurs(0) }))
    )
    assert.strictEqual(error._tag, "ConcurrencyConflict")
    const streamId = Ledger.streamId("a")
    const [saved] = yield* node.snapshotStore.load([{ streamId, fingerprint: Snapshots.fingerprint(Ledger) }])
    // The first event has 1, and each later one has 10.
    assert.strictEqual((saved!.state as { readonly sum: string }).sum, `${saved!.version * 10 - 9}`)
  }),

  "inside a transaction of the caller no snapshot is used, and none is saved": needs("transactions")(function* () {
    const { asked, node } = watched(yield* open)
    const Ledger = ledger(newName())
    yield* keeping(node, [Ledger])(Executor.execute(Ledger, "a", post(1, 2)))
    asked.loads.length = 0
    const streamId = Ledger.streamId("a")
    const request = { streamId, fingerprint: Snapshots.fingerprint(Ledger) }
    const both = Effect.gen(function* () {
      yield* Executor.execute(Ledger, "a", post(3))
      return yield* Executor.load(Ledger, "a")
    })
    const failing = Effect.andThen(both, Effect.fail("rolled back"))
    assert.strictEqual(yield* Effect.flip(keeping(node, [Ledger])(inTransaction(node, failing))), "rolled back")
    const committed = yield* keeping(node, [Ledger])(inTransaction(node, both))
    assert.strictEqual(committed.version, 3)
    assert.deepStrictEqual(asked.loads, [])
    const [saved] = yield* node.snapshotStore.load([request])
    assert.deepStrictEqual([saved?.version, (saved!.state as { readonly sum: string }).sum], [2, "3"])
  }),

  "a snapshot of commits that the log has lost is never used, however far the log has grown since": needs(
    "otherProcesses",
    "lostCommits"
  )(function* () {
    const [node, other] = [yield* open, yield* open]
    for (const grown of [0, 1, 2, 5]) {
      // The process that loads may not have noticed what another one has.
      for (const grower of [node, other]) {
        const Ledger = ledger(newName())
        for (const amount of [1, 10, 100]) {
          yield* keeping(node, [Ledger])(Executor.execute(Ledger, "a", post(amount)))
        }
        yield* node.loseLast(2)
        for (let i = 0; i < grown; i++) yield* on(grower, Executor.execute(Ledger, "a", post(1_000)))
        const expected = shown(yield* whole(node, Ledger, Ledger.streamId("a")))
        for (let i = 0; i < 2; i++) {
          assert.strictEqual(shown(yield* keeping(node, [Ledger])(Executor.load(Ledger, "a"))), expected)
        }
      }
    }
  }),

  "a process that has not noticed the end of a history saves no snapshot that nobody can use": needs(
    "otherProcesses",
    "lostCommits"
  )(function* () {
    const [node, other] = [yield* open, watched(yield* open)]
    const Ledger = ledger(newName())
    yield* on(node, Executor.execute(Ledger, "a", post(1, 2)))
    yield* node.loseLast(1)
    yield* on(other.node, Executor.execute(Ledger, "a", post(3, 4)))
    // It may notice by the first load, and saves after the second one.
    for (let i = 0; i < 2; i++) yield* keeping(node, [Ledger])(Executor.load(Ledger, "a"))
    yield* keeping(other.node, [Ledger])(Executor.load(Ledger, "a"))
    assert.deepStrictEqual(other.asked.reads.at(-1), [{ streamId: Ledger.streamId("a"), after: 3 }])
    // What cannot be used is removed.
    assert.deepStrictEqual(other.asked.removes, [])
  }),

  "a snapshot of an earlier history is used if the log still has its events, and replaced": needs("lostCommits")(
    function* () {
      const { asked, node } = watched(yield* open)
      const Ledger = ledger(newName())
      const streamId = Ledger.streamId("a")
      yield* keeping(node, [Ledger])(Executor.execute(Ledger, "a", post(1, 2)))
      yield* on(node, Executor.execute(Ledger, "a", post(3)))
      yield* node.loseLast(1)
      // A store may notice the end of a history not before the next append.
      yield* on(node, Executor.execute(Ledger, "b", post(1)))
      const request: SnapshotStore.Request = { streamId, fingerprint: Snapshots.fingerprint(Ledger) }
      const [before] = yield* node.snapshotStore.load([request])
      const loaded = yield* keeping(node, [Ledger])(Executor.load(Ledger, "a"))
      assert.strictEqual(shown(loaded), shown(yield* whole(node, Ledger, streamId)))
      assert.deepStrictEqual(asked.reads.at(-1), [{ streamId, after: 2 }])
      assert.deepStrictEqual(asked.removes, [])
      const [after] = yield* node.snapshotStore.load([request])
      assert.isAbove(after!.history, before!.history)
      assert.deepStrictEqual({ ...after!, history: 0, savedAt: 0 }, { ...before!, history: 0, savedAt: 0 })
    }
  )
}
