import { Aggregate, Decision, Executor, EventStore, Expectation, StreamId, Subscription } from "@hexfold/core"
import { EmbeddedPostgres, PgEventStore } from "@hexfold/adapters-pg"
import { Schema, Effect, Layer, Stream } from "effect"
class Increment extends Schema.TaggedClass<Increment>()("Increment", { by: Schema.Int }) {}
const Incremented = Schema.TaggedStruct("Incremented", { by: Schema.Int })
class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}
const Counter = Aggregate.make("Counter", {
  id: Schema.String, state: Schema.Int, initial: 0, commands: [Increment], events: [Incremented], errors: [TooLarge],
  decide: { Increment: ({ by }, count) => count + by > 100 ? Decision.reject(new TooLarge({ limit: 100 })) : Decision.accept({ _tag: "Incremented", by }) },
  evolve: { Incremented: (count, { by }) => count + by }
})
const inc = new Increment({ by: 1 })
await Effect.runPromise(Effect.gen(function*() {
  const t0 = performance.now()
  console.log(yield* Executor.execute(Counter, "c", inc))
  console.log(yield* Executor.execute(Counter, "c", inc, { commandId: "x" }))
  console.log(yield* Executor.execute(Counter, "c", inc, { commandId: "x" }))
  console.log(yield* Effect.flip(Executor.execute(Counter, "c", new Increment({ by: 2 }), { commandId: "x" })))
  const store = yield* EventStore.EventStore
  console.log(yield* Effect.flip(store.append({ writes: [], conditions: [{ _tag: "Stream", streamId: StreamId.make("Counter", "c"), expected: Expectation.noStream }] })))
  console.log((yield* Stream.runCollect(store.readAll())).length)
  for (const c of [1, 16, 64, 256]) for (let r = 0; r < 3; r++) {
    const n = c === 1 ? 1000 : 20000
    const t = performance.now()
    yield* Effect.forEach(Array.from({ length: c }, (_, k) => k), (k) => Effect.gen(function*() { for (let i = 0; i < n / c; i++) yield* Executor.execute(Counter, `${c}-${r}-${k}-${i}`, inc) }), { concurrency: "unbounded", discard: true })
    console.log(c, Math.round(n / (performance.now() - t) * 1000), "commands/s")
  }
  console.log((yield* Subscription.recorded().pipe(Stream.take(10), Stream.runCollect)).length)
}).pipe(Effect.provide(PgEventStore.layer().pipe(Layer.provide(EmbeddedPostgres.layerClient())))))
