import { assert } from "@effect/vitest"
import { type EventStore, EventStoreError, StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { appendOne } from "../eventStore/appendOne.ts"
import { appendTo, condition, events, newStream, open, versionOf } from "../eventStore/streams.ts"
import type { Node } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"

const newKey = (): EventStore.CommandKey => ({ id: `held-${crypto.randomUUID()}`, fingerprint: "f" })

/** Holds streams and command ids until it is told to end. */
const holding = (node: Node, streams: ReadonlyArray<StreamId.StreamId>, commandIds: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const [held, end] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
    const fiber = yield* Effect.forkChild(
      node.streamLocks.hold(
        streams,
        commandIds,
        Effect.andThen(Deferred.succeed(held, undefined), Deferred.await(end))
      ),
      { startImmediately: true }
    )
    yield* Effect.raceFirst(Deferred.await(held), Fiber.join(fiber))
    return { fiber, release: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber)) }
  })

const isWaiting = (fiber: Fiber.Fiber<unknown, unknown>): boolean => fiber.pollUnsafe() === undefined

/** Reads a stream and adds an event to it, on condition that it has not changed. */
const addTo = ({ eventStore }: Node, streamId: StreamId.StreamId, command?: EventStore.CommandKey) =>
  Effect.flatMap(versionOf(eventStore, streamId), (version) =>
    appendOne(eventStore, {
      writes: [{ streamId, events: events(1) }],
      conditions: [condition(streamId, Expectation.exactly(version))],
      ...(command === undefined ? undefined : { command })
    })
  )

/** Locks of streams, on every store. */
export const locking: Cases = {
  "what a held effect reads and appends counts, and its result comes out": Effect.gen(function* () {
    const node = yield* open
    const [streamId, command] = [newStream(), newKey()]
    const add = node.streamLocks.hold([streamId, newStream(), streamId], [command.id], addTo(node, streamId, command))
    assert.isFalse((yield* add).repeated)
    assert.strictEqual(yield* versionOf(node.eventStore, streamId), 1)
    // The id is known now. The condition would hold, too.
    const again = yield* add
    assert.isTrue(again.repeated)
    assert.strictEqual(again.events[0]!.version, 1)
    assert.strictEqual(yield* versionOf(node.eventStore, streamId), 1)
    assert.strictEqual(yield* Effect.flip(node.streamLocks.hold([streamId], [], Effect.fail("no"))), "no")
    yield* appendTo(node.eventStore, streamId, events(1), Expectation.exactly(1))
  })
}

/** Locks of streams, where there are transactions. */
export const holdingAlone: Cases = {
  "groups that hold their streams never lose a race": needs(
    "transactions",
    "otherProcesses"
  )(function* () {
    const nodes = [yield* open, yield* open, yield* open]
    const streams = Array.from({ length: 4 }, () => newStream())
    yield* Effect.forEach(
      Array.from({ length: 60 }, (_, i) => i),
      (i) => {
        const node = nodes[i % 3]!
        // Opposite orders.
        const mine = i % 2 === 0 ? streams.slice(i % 3, (i % 3) + 2) : streams.toReversed().slice(i % 2, (i % 2) + 3)
        return node.streamLocks.hold(
          mine,
          [],
          Effect.forEach(mine.toReversed(), (each) => addTo(node, each))
        )
      },
      { concurrency: 9 }
    )
    const added = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 2 : 3)).reduce((sum, each) => sum + each, 0)
    const versions = yield* Effect.forEach(streams, (each) => versionOf(nodes[0]!.eventStore, each))
    assert.strictEqual(
      versions.reduce((sum, each) => sum + each, 0),
      added
    )
  }),

  "appends to held streams wait, those that only check them too, and others go on": needs(
    "transactions",
    "otherProcesses"
  )(function* () {
    const [holder, other] = [yield* open, yield* open]
    const [held, made, free] = [newStream(), newStream(), newStream()]
    yield* appendTo(other.eventStore, held, events(1))
    const { release } = yield* holding(holder, [held, made])
    const checking = other.eventStore.append({
      conditions: [condition(held, Expectation.exactly(1))],
      parts: [{ writes: [{ streamId: newStream(), events: events(1) }] }]
    })
    const waiting = yield* Effect.forEach(
      [
        appendTo(other.eventStore, held, events(1)),
        appendTo(holder.eventStore, made, events(1), Expectation.noStream),
        checking,
        other.streamLocks.hold([made], [], Effect.void)
      ],
      (each) => Effect.forkChild(Effect.exit(each), { startImmediately: true })
    )
    // Far more appends than are under way at once: those that wait have had their turn.
    for (let i = 0; i < 20; i++) {
      yield* Effect.forEach([holder, other], ({ eventStore }) => appendTo(eventStore, free, events(1)))
      yield* other.streamLocks.hold([free], [], addTo(other, free))
    }
    assert.isTrue(waiting.every(isWaiting))
    yield* release
    for (const fiber of waiting) yield* Fiber.join(fiber)
    assert.deepStrictEqual(
      yield* Effect.forEach([held, made, free], (each) => versionOf(other.eventStore, each)),
      [2, 1, 60]
    )
  }),

  "of transactions that hold one command id, one has an effect": needs(
    "transactions",
    "otherProcesses"
  )(function* () {
    const nodes = [yield* open, yield* open]
    for (let round = 0; round < 5; round++) {
      const command = newKey()
      const results = yield* Effect.forEach(
        Array.from({ length: 6 }, (_, i) => i),
        (i) => {
          const node = nodes[i % 2]!
          const streamId = newStream()
          return i < 4
            ? node.streamLocks.hold([streamId], [command.id], addTo(node, streamId, command))
            : addTo(node, streamId, command)
        },
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(({ repeated }) => !repeated).length, 1)
      for (const { events } of results) assert.deepStrictEqual(events, results[0]!.events)
    }
  }),

  "a held effect that fails takes its appends and its command id back": needs("transactions")(function* () {
    const node = yield* open
    const [streamId, command] = [newStream(), newKey()]
    const failing = Effect.andThen(addTo(node, streamId, command), Effect.fail("no"))
    assert.strictEqual(yield* Effect.flip(node.streamLocks.hold([streamId], [command.id], failing)), "no")
    assert.strictEqual(yield* versionOf(node.eventStore, streamId), 0)
    assert.isUndefined((yield* node.eventStore.readStreams([], command)).appended)
    assert.isFalse((yield* addTo(node, streamId, command)).repeated)
  }),

  "an interruption while locks are held, or waited for, leaves nothing locked": needs(
    "transactions",
    "otherProcesses"
  )(function* () {
    const [holder, other] = [yield* open, yield* open]
    const [streamId, command] = [newStream(), newKey()]
    for (let round = 0; round < 12; round++) {
      const { fiber } = yield* holding(holder, [streamId], [command.id])
      const second = yield* Effect.forkChild(other.streamLocks.hold([streamId], [command.id], Effect.never), {
        startImmediately: true
      })
      if (round % 2 === 0) yield* appendTo(other.eventStore, newStream(), events(1))
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(fiber)
      assert.isFalse((yield* addTo(other, streamId, { ...command, id: `${command.id}-${round}` })).repeated)
    }
    assert.isFalse((yield* addTo(other, streamId, command)).repeated)
    assert.strictEqual(yield* versionOf(holder.eventStore, streamId), 13)
  }),

  "holds and appends in opposite orders never deadlock": needs(
    "transactions",
    "otherProcesses"
  )(function* () {
    const nodes = [yield* open, yield* open]
    const streams = Array.from({ length: 5 }, () => newStream())
    const keys = Array.from({ length: 5 }, () => newKey())
    const exits = yield* Effect.forEach(
      Array.from({ length: 120 }, (_, i) => i),
      (i) => {
        const node = nodes[i % 2]!
        const mine = [streams[i % 5]!, streams[(i * 3 + 1) % 5]!, streams[(i * 7 + 3) % 5]!]
        const ids = [keys[(i * 2) % 5]!, keys[(i * 3) % 5]!].map(({ id }) => id)
        const writes = [...new Set(mine)].map((streamId) => ({ streamId, events: events(1) }))
        const command = { id: ids[0]!, fingerprint: "f" }
        const append = appendOne(node.eventStore, { writes, conditions: [], command })
        return Effect.exit(i % 3 === 0 ? append : node.streamLocks.hold(mine, ids, append))
      },
      { concurrency: 8 }
    )
    assert.deepStrictEqual(
      exits.filter(Exit.isFailure).map(({ cause }) => String(cause)),
      []
    )
  }),

  "streams cannot be held inside a transaction of the caller, nor under a name that is not valid": needs(
    "transactions"
  )(function* () {
    const { streamLocks, transaction } = yield* open
    const held = streamLocks.hold([newStream()], [], Effect.void)
    for (const refused of [
      yield* Effect.flip(transaction(held)),
      yield* Effect.flip(streamLocks.hold([newStream()], [], held)),
      yield* Effect.flip(streamLocks.hold([StreamId.make("Account", "\0")], [], Effect.void)),
      yield* Effect.flip(streamLocks.hold([], [""], Effect.void))
    ]) {
      assert.instanceOf(refused, EventStoreError)
      assert.strictEqual(refused.reason._tag, "Rejected")
    }
  })
}
