import { CommandHandler, getInMemoryEventStore } from "@event-driven-io/emmett"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { Executor } from "@hexfold/core"
import { Effect, Result } from "effect"
import { Counter, type CounterEvent, Increment } from "./counter.ts"
import { alternate, type Report } from "./measure.ts"

const count = 100_000
const increment = new Increment({ by: 1 })

const hexfold = (round: number) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) yield* Executor.execute(Counter, `${round}-${i}`, increment)
  }).pipe(Effect.provide(MemoryEventStore.layer()), Effect.runPromise)

// The same by hand: no codec, no ids, no metadata, no receipts.
const byHand = (round: number) =>
  Effect.gen(function* () {
    const streams = new Map<string, Array<CounterEvent>>()
    const execute = Effect.fnUntraced(function* (id: string, command: Increment) {
      const key = Counter.streamId(id)
      const events = streams.get(key) ?? []
      let state = Counter.initial
      for (const event of events) state = Counter.evolve(state, event)
      const decided = yield* Effect.fromResult(Counter.decide(command, state))
      streams.set(key, [...events, ...decided])
      return decided
    })
    for (let i = 0; i < count; i++) yield* execute(`${round}-${i}`, increment)
  }).pipe(Effect.runPromise)

interface Incremented {
  readonly type: "Incremented"
  readonly data: { readonly by: number }
}
const emmettCount = 5_000
const emmett = async (round: number) => {
  const store = getInMemoryEventStore()
  const handle = CommandHandler<number, Incremented>({
    evolve: (state, { data }) => state + data.by,
    initialState: () => 0
  })
  for (let i = 0; i < emmettCount; i++) {
    await handle(store, `Counter-${round}-${i}`, (state): Incremented => {
      const decided = Result.getOrThrow(Counter.decide(increment, state))
      return { type: "Incremented", data: { by: decided[0]!.by } }
    })
  }
}

/** Commands on new streams in memory, without a tracer. */
export const memory = async (): Promise<ReadonlyArray<Report>> => {
  const measured = await alternate(
    [
      { name: "Hexfold, execute", count, run: hexfold },
      { name: "an Effect loop over a Map, by hand", count, run: byHand },
      { name: "Emmett, command handler", count: emmettCount, run: emmett }
    ],
    7
  )
  const [ours, loop, peer] = measured
  return [
    {
      title: "Memory: commands on new streams, one event each",
      measured,
      bars: [
        { claim: "Hexfold, commands/s", figure: ours!.median, atLeast: 250_000 },
        { claim: "Hexfold / loop by hand", figure: ours!.median / loop!.median, atLeast: 0.25 },
        { claim: "Hexfold / Emmett", figure: ours!.median / peer!.median, atLeast: 1 }
      ]
    }
  ]
}
