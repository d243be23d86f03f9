/** A temporary generation belongs to the program that reads it, for as long as that takes. */
import { assert, it } from "@effect/vitest"
import { Aggregate, Decision, Executor, Query, Records, View, ViewStore } from "@hexfold/core"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryStores } from "@hexfold/adapters-memory"

const Add = Schema.TaggedStruct("Add", { n: Schema.Int })
const Added = Schema.TaggedStruct("Added", { n: Schema.Int })
const Tally = Aggregate.make("Tally", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add],
  events: [Added],
  decide: { Add: ({ n }) => Decision.accept({ _tag: "Added", n }) },
  evolve: { Added: (sum, { n }) => sum + n }
})
const Sums = View.make("Sums", {
  from: [Tally],
  state: Schema.Int,
  evolve: { Added: (sum = 0, { n }) => sum + n }
})

const sums = Effect.map(Records.query(Sums, Query.from(Sums)), ({ rows }) => rows)

it.effect("temporary records of another program stay while it reads them, however long that takes", () =>
  Effect.gen(function* () {
    const { position } = yield* Executor.execute(Tally, "a", { _tag: "Add", n: 3 })
    const at = () => Records.at(Sums, { position }, { bytesInMemory: 0 })
    const slow = Effect.gen(function* () {
      const before = yield* sums
      for (let i = 0; i < 100; i++) yield* TestClock.adjust("5 seconds")
      // Whoever begins to read the past deletes what nobody owns.
      assert.deepStrictEqual(yield* Effect.provide(sums, at()), before)
      assert.deepStrictEqual(yield* sums, before)
      return before
    })
    assert.deepStrictEqual(yield* Effect.provide(slow, at()), [{ key: "a", state: 3 }])
    assert.deepStrictEqual(yield* (yield* ViewStore.ViewStore).status, [])
  }).pipe(Effect.provide(MemoryStores.layer()))
)
