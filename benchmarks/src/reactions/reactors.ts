import { PgStores } from "@hexfold/adapters-pg"
import { Aggregate, Decision, Executor, Reactor } from "@hexfold/core"
import { Deferred, Effect, Fiber, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { Counter, Increment } from "../counter.ts"
import { fibers } from "../fibers.ts"
import { median, percentile, type Report } from "../measure.ts"

const [events, keys, rounds] = [20_000, 64, 3]

const Copy = Schema.TaggedStruct("Copy", { by: Schema.Int })
const Copied = Schema.TaggedStruct("Copied", { by: Schema.Int })

const Copies = Aggregate.make("Copies", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Copy],
  events: [Copied],
  decide: { Copy: ({ by }) => Decision.accept(Copied.make({ by })) },
  evolve: { Copied: (sum, { by }) => sum + by }
})

// Each event leads to a command on a stream of its own, as an order leads to an invoice.
const copying = (name: string, start: Reactor.Start) =>
  Reactor.make(name, {
    from: [Counter],
    start,
    on: { Incremented: ({ by }, { position }) => Executor.execute(Copies, `${name}-${position}`, Copy.make({ by })) }
  })

const increment = (i: number) => Executor.execute(Counter, `key ${i % keys}`, new Increment({ by: 1 }))

const working = Effect.gen(function* () {
  yield* fibers(keys, events, increment)
  const rates: Array<number> = []
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now()
    yield* Reactor.catchUp(copying(`Copying${round}`, "beginning"), { concurrency: keys })
    if (round > 0) rates.push(events / ((performance.now() - start) / 1_000))
    const { state } = yield* Executor.load(Copies, `Copying${round}-${events}`)
    if (state !== 1) return yield* Effect.die(new Error("the last event was not copied"))
  }
  return rates
})

// Commands at an even pace. Measures the time from each receipt until that of the command which the reactor executes.
const delays = (perSecond: number) =>
  Effect.gen(function* () {
    const [warmUp, seconds] = [3, 10]
    const expected = (warmUp + seconds) * perSecond
    const committed = new Map<number, number>()
    const reacted = new Map<number, number>()
    const done = yield* Deferred.make<void>()
    const name = `Delayed${perSecond}`
    const Delayed = Reactor.make(name, {
      from: [Counter],
      start: "now",
      on: {
        Incremented: ({ by }, { position }) =>
          Effect.tap(Executor.execute(Copies, `${name}-${position}`, Copy.make({ by })), () => {
            reacted.set(position, performance.now())
            return reacted.size === expected ? Deferred.succeed(done, undefined) : Effect.void
          })
      }
    })
    yield* Reactor.catchUp(Delayed)
    const running = yield* Effect.forkChild(Layer.launch(Reactor.layer([Delayed], { concurrency: keys })))
    const execute = (i: number) =>
      Effect.map(increment(i), ({ position }) => void committed.set(position, performance.now()))
    const begin = performance.now()
    for (let due = 0; due < expected;) {
      const now = Math.min(expected, ((performance.now() - begin) / 1_000) * perSecond)
      for (; due < now; due++) yield* Effect.forkChild(execute(due))
      yield* Effect.sleep("1 millis")
    }
    yield* Deferred.await(done).pipe(Effect.timeout("1 minute"))
    yield* Fiber.interrupt(running)
    return [...committed].flatMap(([position, at]) =>
      at > begin + warmUp * 1_000 ? [Math.max(0, reacted.get(position)! - at)] : []
    )
  })

/** Reactors: the rate of one that executes a command for each event, and the delay from commit to commit. */
export const reactors = async (url: string): Promise<ReadonlyArray<Report>> => {
  const runtime = ManagedRuntime.make(PgStores.layerUrl(Redacted.make(url), { schema: "bench_reactors" }))
  const rates = await runtime.runPromise(working)
  const reports: Array<Report> = [
    {
      title: `Postgres: a reactor that executes one command for each of ${events} events, ${keys} keys at once`,
      measured: [{ name: "events handled", rates, median: median(rates) }],
      bars: [{ claim: "events/s", figure: median(rates), atLeast: 3_000 }]
    }
  ]
  for (const [perSecond, p50, p99] of [
    [100, 10, undefined],
    [500, 30, 120],
    [1_000, 60, undefined]
  ] as const) {
    const millis = await runtime.runPromise(delays(perSecond))
    reports.push({
      title: `Postgres: from the commit of a command to the commit of the reaction, ${perSecond} events a second`,
      measured: [],
      bars: [
        { claim: "p50, ms", figure: percentile(millis, 0.5), atMost: p50 },
        { claim: "p99, ms", figure: percentile(millis, 0.99), ...(p99 === undefined ? {} : { atMost: p99 }) }
      ]
    })
  }
  await runtime.dispose()
  return reports
}
