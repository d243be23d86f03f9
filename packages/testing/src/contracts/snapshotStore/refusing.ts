import { assert } from "@effect/vitest"
import { type SnapshotStore, StreamId, type SnapshotStoreError } from "@hexfold/core"
import { Effect, type Schema } from "effect"
import { newStream } from "../eventStore/streams.ts"
import { open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"
import { snapshot } from "./storing.ts"

const nested = (depth: number): Schema.Json => {
  let value: Schema.Json = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

const isRejected = (operation: SnapshotStoreError["operation"], effect: Effect.Effect<unknown, SnapshotStoreError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error._tag, "SnapshotStoreError")
    assert.strictEqual(error.operation, operation)
    assert.strictEqual(error.reason._tag, "Rejected")
    assert.isFalse(error.isRetryable)
    assert.isNotEmpty(error.reason.detail)
  })

/** Promises 6 to 8: limits, transactions of the caller, and silence. */
export const refusing: Cases = {
  "6 ids have up to 1,000 characters of any Unicode, and states several MiB": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    // Those of one kind do not get shorter when they are compressed.
    const given = [(i: number) => 0x61 + (i % 26), (i: number) => 0x10000 + ((i * 524_287) % 0x100000)].flatMap(
      (codePoint) =>
        [1_000, 999, 998].map((length) => {
          const rest = Array.from({ length: length - 36 }, (_, i) => String.fromCodePoint(codePoint(i + length)))
          return snapshot(StreamId.make("Long", crypto.randomUUID() + rest.join("")), length)
        })
    )
    yield* snapshotStore.save(given)
    const found = yield* snapshotStore.load(given)
    assert.deepStrictEqual(
      found.map((each) => [each?.streamId, each?.version]),
      given.map(({ streamId, version }) => [streamId, version])
    )
    assert.strictEqual(yield* snapshotStore.remove({ streamId: given[4]!.streamId }), 1)
    assert.strictEqual(yield* snapshotStore.remove({ aggregate: "Long" }), 5)
    const large = snapshot(newStream(), 1, { state: "x".repeat(8 * 1_048_576 - 2) })
    yield* snapshotStore.save([large])
    assert.strictEqual((yield* snapshotStore.load([large]))[0]?.state, large.state)
  }),

  "6 what cannot be kept is rejected, and nothing of the call is saved": Effect.gen(function* () {
    const { snapshotStore } = yield* open
    const good = snapshot(newStream(), 1)
    const wrong: ReadonlyArray<Partial<SnapshotStore.NewSnapshot>> = [
      ...["", "a", "Account", "1a-b", "A-a\0", "A-\ud800", `A-${"a".repeat(1_001)}`].map((streamId) => ({
        streamId: streamId as StreamId.StreamId
      })),
      ...["", "a\0", "\udc00", "a".repeat(101)].map((fingerprint) => ({ fingerprint })),
      ...[0, -1, 1.5, Number.NaN, 2 ** 53].flatMap((n) => [{ version: n }, { history: n }, { position: n }]),
      ...["a\0", { "a\0": 1 }, "\ud800", Number.NaN, nested(1_001), "x".repeat(8 * 1_048_576)].map((state) => ({
        state
      })),
      { state: undefined as unknown as Schema.Json },
      { state: new Date() as unknown as Schema.Json },
      good
    ]
    for (const each of wrong) {
      yield* isRejected("save", snapshotStore.save([good, snapshot(newStream(), 1, each)]))
    }
    assert.deepStrictEqual(yield* snapshotStore.load([good]), [undefined])
    yield* isRejected("load", snapshotStore.load([good, { ...good, fingerprint: "" }]))
    for (const selection of [
      { streamId: "a" as StreamId.StreamId },
      { streamId: good.streamId, fingerprint: "a\0" },
      { aggregate: "" },
      { aggregate: "a-b" },
      { aggregate: "a", except: ["a", ""] }
    ]) {
      yield* isRejected("remove", snapshotStore.remove(selection))
    }
  }),

  "7 no operation takes part in a transaction of the caller": needs("transactions")(function* () {
    const { snapshotStore, transaction } = yield* open
    const [kept, removed] = [snapshot(newStream(), 1), snapshot(newStream(), 1)]
    yield* snapshotStore.save([removed])
    const failing = Effect.gen(function* () {
      yield* snapshotStore.save([kept])
      yield* snapshotStore.remove(removed)
      assert.isDefined((yield* snapshotStore.load([kept]))[0])
      return yield* Effect.fail("rolled back")
    })
    assert.strictEqual(yield* Effect.flip(transaction(failing)), "rolled back")
    assert.deepStrictEqual(
      (yield* snapshotStore.load([kept, removed])).map((each) => each?.version),
      [1, undefined]
    )
  }),

  "8 an operation without an answer fails in time": needs("silentConnections")(function* () {
    const { cut, snapshotStore } = yield* open
    const given = snapshot(newStream(), 1)
    yield* snapshotStore.save([given])
    yield* cut
    yield* Effect.forEach(
      [snapshotStore.load([given]), snapshotStore.save([given]), snapshotStore.remove(given)],
      (operation) =>
        Effect.map(Effect.flip(operation as Effect.Effect<unknown, SnapshotStoreError>), (error) =>
          assert.isTrue(error.isRetryable, error.message)
        ),
      { concurrency: "unbounded" }
    )
  })
}
