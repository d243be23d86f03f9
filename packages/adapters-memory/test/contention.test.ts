import { assert, describe, it } from "@effect/vitest"
import { MemoryEventStore, MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Decision, EventStore, Executor, StreamId } from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { appendOne } from "./support/appendOne.ts"
import { Effect, Schedule, Schema } from "effect"

const Add = Schema.TaggedStruct("Add", {})
const Added = Schema.TaggedStruct("Added", {})
const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add],
  events: [Added],
  decide: { Add: () => Decision.accept({ _tag: "Added" as const }) },
  evolve: { Added: (count) => count + 1 }
})

const add = (retry: number) => Executor.execute(Counter, "a", { _tag: "Add" }, { retry: Schedule.recurs(retry) })

/** Runs a command as another process does: it does not queue with the commands of this one. */
const elsewhere = <A, E>(execution: Effect.Effect<A, E, EventStore.EventStore>) =>
  Effect.provideServiceEffect(
    execution,
    EventStore.EventStore,
    EventStore.EventStore.useSync((store) => ({ ...store }))
  )

const streamId = StreamId.make("Counter", "b")

describe("a program that only works without contention fails in memory", () => {
  for (const layer of [MemoryEventStore.layer, MemoryStores.layer]) {
    it.effect("when every second append conflicts, and a retry succeeds", () =>
      Effect.gen(function* () {
        yield* add(0)
        assert.strictEqual((yield* Effect.flip(add(0)))._tag, "ConcurrencyConflict")
        assert.strictEqual((yield* add(0)).version, 2)
        assert.deepInclude(yield* add(1), { version: 3, attempts: 2 })
      }).pipe(Effect.provide(layer({ conflictEvery: 2 })))
    )

    it.effect("when appends yield, and commands of two processes on the same stream meet", () =>
      Effect.gen(function* () {
        const together = Effect.all([Effect.exit(add(0)), Effect.exit(elsewhere(add(0)))], {
          concurrency: "unbounded"
        })
        const exits = yield* together
        assert.deepStrictEqual(exits.map(({ _tag }) => _tag).sort(), ["Failure", "Success"])
      }).pipe(Effect.provide(layer({ yields: 3 })))
    )
  }

  /** Appends an event to a stream on a condition. */
  const append = (
    store: EventStore.EventStore["Service"],
    expected: Expectation.Expectation | undefined,
    command?: EventStore.CommandKey
  ) => {
    const id = crypto.randomUUID()
    const event = { id, type: "Added", data: {}, metadata: { correlationId: id, causationId: id } }
    return appendOne(store, {
      writes: [{ streamId, events: [event] }],
      conditions: expected === undefined ? [] : [{ _tag: "Stream", streamId, expected }],
      ...(command === undefined ? {} : { command })
    })
  }

  it.effect("but an append that every store lets through does not conflict, and the conflict has the facts", () =>
    Effect.gen(function* () {
      const store = yield* EventStore.EventStore
      const command = { id: "c", fingerprint: "f" }
      yield* append(store, Expectation.exactly(0), command)
      // It is the second one with a condition, and a repeat.
      assert.isTrue((yield* append(store, Expectation.exactly(0), command)).repeated)
      yield* append(store, undefined)
      yield* append(store, Expectation.any)
      yield* append(store, Expectation.any)
      yield* append(store, Expectation.exactly(4))
      assert.deepInclude(yield* Effect.flip(append(store, Expectation.exactly(5))), {
        _tag: "ConcurrencyConflict",
        stream: streamId,
        expected: Expectation.exactly(5),
        actual: 5
      })
    }).pipe(Effect.provide(MemoryEventStore.layer({ conflictEvery: 2 })))
  )

  for (const yields of [1, 5]) {
    it.effect(`lets others run ${yields} times before an append`, () =>
      Effect.gen(function* () {
        const store = yield* EventStore.EventStore
        const appending = yield* Effect.forkChild(append(store, undefined), { startImmediately: true })
        let turns = 0
        while (appending.pollUnsafe() === undefined) {
          yield* Effect.yieldNow
          turns++
        }
        assert.isAtLeast(turns, yields)
        assert.isAtMost(turns, yields + 2)
      }).pipe(Effect.provide(MemoryEventStore.layer({ yields })))
    )
  }
})
