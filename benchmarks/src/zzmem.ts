import "effect/schema/SchemaJITCompiler/enable"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Executor } from "@hexfold/core"
import { Effect } from "effect"
import { Counter, Increment } from "./counter.ts"
import { Transfer } from "./account.ts"
const n = 60_000
const increment = new Increment({ by: 1 })
const which = process.argv[2]
const run = Effect.gen(function* () {
  if (which === "transfer")
    for (let i = 0; i < n / 2; i++)
      yield* Executor.execute(Transfer, { _tag: "Transfer", from: `a${2 * i}`, to: `a${2 * i + 1}` })
  else
    for (let i = 0; i < n; i++)
      yield* Executor.execute(Counter, `c-${i}`, increment, which === "begins" ? { expectedVersion: 0 } : {})
}).pipe(Effect.provide(MemoryEventStore.layer()))
const warm = Effect.gen(function* () {
  for (let i = 0; i < 5000; i++) yield* Executor.execute(Counter, `w-${i}`, increment)
}).pipe(Effect.provide(MemoryEventStore.layer()))
await Effect.runPromise(warm as any)
const a = process.cpuUsage()
await Effect.runPromise(run as any)
const b = process.cpuUsage(a)
console.log(Math.round((b.user + b.system) / 1000))
