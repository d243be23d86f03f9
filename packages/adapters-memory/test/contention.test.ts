import { assert, describe, it } from "@effect/vitest"
import { MemoryEventStore, MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Decision, EventStore, Executor } from "@hexfold/core"
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
})
