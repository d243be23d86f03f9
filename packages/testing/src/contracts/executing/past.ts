import { assert } from "@effect/vitest"
import { EventStore, Executor, Snapshots, SnapshotStore, StateCache } from "@hexfold/core"
import { DateTime, Deferred, Effect, Fiber, JsonPatch, Schema, Stream } from "effect"
import { append, newName, past, stored, tillOf } from "../changing/tills.ts"
import { eventually } from "../eventually.ts"
import { type Node, open } from "../nodes.ts"
import { type Cases, needs } from "../plan.ts"

const on = (node: Node) => Effect.provideService(EventStore.EventStore, node.eventStore)

/** The states of a stream after each of the {@link past} events. */
const states = [
  { cents: 0, fees: 0, notes: [] },
  { cents: 0, fees: 0, notes: [] },
  { cents: 150, fees: 0, notes: [] },
  { cents: 350, fees: 25, notes: [] },
  { cents: 350, fees: 25, notes: ["first"] },
  { cents: 650, fees: 25, notes: ["first"] },
  { cents: 1_050, fees: 25, notes: ["first"] },
  { cents: 1_050, fees: 25, notes: ["first", "last"] }
]

const loaded = states.map((state, version) => ({ state, version }))

/** The {@link past} events, each a minute after the one before, except that two have one time. */
const timed = past().map((event, i) => ({ ...event, recordedAt: minute(i === 3 ? 2 : i) }))

function minute(i: number) {
  return DateTime.makeUnsafe(Date.UTC(2020, 0, 1, 12, i))
}

const tag = Effect.map((error: { readonly _tag: string }) => error._tag)

/** The past of a stream: it stays what it was. */
export const timeTravel: Cases = {
  "the state of a moment is that after the events up to then, all that one stored event has become included":
    Effect.gen(function* () {
      const node = yield* open
      const till = tillOf(newName())
      const { events } = yield* append(node, till, "a", timed)
      yield* append(node, till, "b", past())
      const stateAt = (at: Executor.StreamMoment) => Executor.load(till, "a", { at }).pipe(on(node))
      assert.deepStrictEqual(yield* stateAt({ version: 0 }), loaded[0])
      assert.deepStrictEqual(yield* stateAt({ position: events[0]!.position - 1 }), loaded[0])
      assert.deepStrictEqual(yield* stateAt({ time: DateTime.subtract(minute(0), { milliseconds: 1 }) }), loaded[0])
      for (const [i, { position, recordedAt, version }] of events.entries()) {
        assert.deepStrictEqual(yield* stateAt({ version }), loaded[version])
        assert.deepStrictEqual(yield* stateAt({ position }), loaded[version])
        assert.deepStrictEqual(yield* stateAt({ time: recordedAt }), loaded[i === 2 ? 4 : version])
      }
      const { history } = yield* Effect.map(
        Stream.runCollect(Stream.take(node.eventStore.horizons, 1)),
        ([now]) => now!
      )
      const { position } = events[1]!
      assert.deepStrictEqual(yield* stateAt({ position: { history, position } }), loaded[2])
    }),

  "a moment that lies ahead is refused": Effect.gen(function* () {
    const node = yield* open
    const till = tillOf(newName())
    yield* append(node, till, "a", past())
    const errorAt = (at: Executor.StreamMoment) => Effect.flip(Executor.load(till, "a", { at })).pipe(on(node))
    assert.include(yield* errorAt({ version: 8 }), {
      _tag: "MomentNotReached",
      version: 8,
      present: 7,
      isRetryable: false
    })
    const beyond = 2 ** 50
    assert.include(yield* errorAt({ position: beyond }), {
      _tag: "MomentNotReached",
      position: beyond,
      isRetryable: false
    })
    const tomorrow = DateTime.add(yield* DateTime.now, { days: 1 })
    assert.include(yield* errorAt({ time: tomorrow }), { _tag: "MomentNotReached", isRetryable: false })
    for (const wrong of [-1, 0.5, Number.NaN]) {
      assert.include(yield* errorAt({ version: wrong }), { _tag: "EventStoreError", isRetryable: false })
      assert.include(yield* errorAt({ position: wrong }), { _tag: "EventStoreError", isRetryable: false })
    }
    assert.strictEqual(yield* tag(errorAt({ position: { history: 2 ** 30, position: 1 } })), "EventStoreError")
    const history = Executor.history(till, "a", { at: { version: 8 } })
    assert.strictEqual(yield* tag(Effect.flip(Stream.runDrain(history)).pipe(on(node))), "MomentNotReached")
  }),

  "a history has each event with the states before and after it, and what has changed": Effect.gen(function* () {
    const node = yield* open
    const till = tillOf(newName())
    yield* append(node, till, "a", timed)
    const steps = yield* Stream.runCollect(Executor.history(till, "a")).pipe(on(node))
    const seen = steps.map(({ event }) => [event.data._tag, event.version, event.part])
    assert.deepStrictEqual(seen, [
      ["Paid", 2, 0],
      ["Paid", 3, 0],
      ["FeeCharged", 3, 1],
      ["Noted", 4, 0],
      ["Paid", 5, 0],
      ["Paid", 6, 0],
      ["Noted", 7, 0]
    ])
    assert.deepStrictEqual(steps[0]!.before, states[0])
    const encode = Schema.encodeSync(Schema.toCodecJson(till.schemas.state))
    for (const [i, { after, before, changes, event }] of steps.entries()) {
      assert.deepStrictEqual(after, steps[i + 1]?.before ?? states.at(-1))
      assert.deepStrictEqual(JsonPatch.apply(changes!, encode(before)), encode(after))
      if (event.part === 0 && event.version !== 3) assert.deepStrictEqual(after, states[event.version])
    }
    assert.deepStrictEqual(steps[1]!.changes, [{ op: "replace", path: "/cents", value: 350 }])
    const until = Executor.history(till, "a", { at: { time: minute(2) } })
    assert.deepStrictEqual(yield* Stream.runCollect(until).pipe(on(node)), steps.slice(0, 4))
  }),

  "a moment is read without the snapshots and the remembered states of later ones": Effect.gen(function* () {
    const node = yield* open
    const till = tillOf(newName())
    yield* append(node, till, "a", past())
    yield* Effect.gen(function* () {
      yield* Executor.execute(till, "a", { _tag: "Pay", cents: 1 })
      yield* Executor.load(till, "a")
      assert.deepStrictEqual(yield* Executor.load(till, "a", { at: { version: 3 } }), loaded[3])
      // What was read of the past is not remembered for commands.
      const { version } = yield* Executor.execute(till, "a", { _tag: "Pay", cents: 1 })
      assert.strictEqual(version, 9)
      assert.strictEqual((yield* Executor.load(till, "a")).state.cents, 1_052)
    }).pipe(
      Effect.provide([StateCache.layer({ capacity: 10 }), Snapshots.layer({ every: 1, of: [till] })]),
      Effect.provideService(SnapshotStore.SnapshotStore, node.snapshotStore),
      on(node)
    )
  }),

  "a moment is answered only when no append under way can add an event to it": needs(
    "transactions",
    "otherProcesses"
  )(function* () {
    const [writer, reader] = [yield* open, yield* open]
    const till = tillOf(newName())
    const [written, mayCommit] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const slow = append(writer, till, "slow", [stored("Noted", { text: "slow" })]).pipe(
      Effect.andThen(Deferred.succeed(written, undefined)),
      Effect.andThen(Deferred.await(mayCommit))
    )
    const transaction = yield* Effect.forkScoped(writer.transaction(Effect.orDie(slow)))
    yield* Deferred.await(written)
    const { events } = yield* append(reader, till, "fast", [stored("Noted", { text: "fast" })])
    const { position, recordedAt } = events[0]!
    let asked = 0
    const horizons = Stream.suspend(() => {
      asked++
      return reader.eventStore.horizons
    })
    const watched = { ...reader, eventStore: { ...reader.eventStore, horizons } }
    const reads = yield* Effect.forEach([{ position }, { time: recordedAt }], (at) =>
      Effect.forkScoped(Executor.load(till, "slow", { at }).pipe(on(watched)))
    )
    // Each read asks for the horizon, and then waits for a later one. A read that does not wait has its answer.
    const isWaiting = () => asked >= 2 * reads.length || reads.every((read) => read.pollUnsafe() !== undefined)
    yield* eventually("both reads wait", Effect.sync(isWaiting))
    yield* Deferred.succeed(mayCommit, undefined)
    yield* Fiber.join(transaction)
    for (const read of reads) assert.deepStrictEqual((yield* Fiber.join(read)).state.notes, ["slow"])
  })
}
