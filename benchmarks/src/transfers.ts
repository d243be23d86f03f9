import { MemoryEventStore } from "@hexfold/adapters-memory"
import { PgEventStore } from "@hexfold/adapters-pg"
import { type EventStore, Executor, StateCache } from "@hexfold/core"
import { Effect, type Layer, ManagedRuntime, Redacted } from "effect"
import { Transfer } from "./account.ts"
import { Counter, Increment } from "./counter.ts"
import { fibers } from "./fibers.ts"
import { severalProcesses } from "./processes.ts"
import { alternate, type Contender, percentile, type Report } from "./measure.ts"

// The policies are the defaults: a command that gives up ends the benchmark.
const increment = new Increment({ by: 1 })

/** What is measured of commands besides their rate. */
interface Seen {
  readonly millis: Array<number>
  attempts: number
}

const seen = (): Seen => ({ millis: [], attempts: 0 })

const describe = (name: string, { attempts, millis }: Seen): ReadonlyArray<Report["bars"][number]> => [
  { claim: `${name}: p50, ms`, figure: percentile(millis, 0.5) },
  { claim: `${name}: p99, ms`, figure: percentile(millis, 0.99) },
  { claim: `${name}: attempts per command`, figure: attempts / millis.length }
]

/** Like {@link fibers}, but also records the time and the attempts of each command. */
const drive = (
  callers: number,
  count: number,
  one: (i: number) => Effect.Effect<{ readonly attempts: number }, unknown, EventStore.EventStore>,
  into: Seen
) =>
  fibers(callers, count, (i) =>
    Effect.suspend(() => {
      const start = performance.now()
      return Effect.map(one(i), ({ attempts }) => {
        into.millis.push(performance.now() - start)
        into.attempts += attempts
      })
    })
  )

// Spreads the transfers over the accounts without calling a random generator in the measured time.
const transfer = (prefix: string, accounts: number) => (i: number) => {
  const from = (i * 7_919) % accounts
  const to = (from + 1 + ((i * 104_729) % (accounts - 1))) % accounts
  return Executor.execute(Transfer, { _tag: "Transfer", from: `${prefix}-${from}`, to: `${prefix}-${to}` })
}

const cached = <A, E, R>(cache: StateCache.StateCache, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, StateCache.Current, cache)

const onMemory = async (): Promise<Report> => {
  const count = 50_000
  const run =
    (wrap: (effect: Effect.Effect<void, unknown, EventStore.EventStore>) => typeof effect) => (round: number) =>
      Effect.gen(function* () {
        const one = transfer(`m${round}`, 2 * count)
        for (let i = 0; i < count; i++) yield* one(i)
      }).pipe(wrap, Effect.provide(MemoryEventStore.layer()), Effect.runPromise)
  const measured = await alternate(
    [
      { name: "Hexfold, a transfer", count, run: run((effect) => effect) },
      {
        name: "Hexfold, a transfer, with a state cache",
        count,
        run: run((effect) => cached(StateCache.make({ capacity: 10_000 }), effect))
      }
    ],
    7
  )
  return {
    title: "Memory: transfers between 100,000 accounts",
    measured,
    bars: [{ claim: "transfers/s", figure: measured[0]!.median, atLeast: 150_000 }]
  }
}

const spread = async (run: Run): Promise<Report> => {
  const count = 10_000
  const [latencies, remembered] = [seen(), seen()]
  const cache = StateCache.make({ capacity: 20_000 })
  const contenders: ReadonlyArray<Contender> = [
    {
      name: "Hexfold, a transfer between 10,000 accounts",
      count,
      run: (round) => run(drive(256, count, transfer("spread", 10_000), round === 0 ? seen() : latencies))
    },
    {
      name: "Hexfold, a command on a new stream",
      count,
      run: (round) => run(drive(256, count, (i) => Executor.execute(Counter, `${round}-${i}`, increment), seen()))
    },
    {
      name: "Hexfold, a transfer, with a state cache",
      count,
      run: (round) =>
        run(cached(cache, drive(256, count, transfer("remembered", 10_000), round === 0 ? seen() : remembered)))
    }
  ]
  const measured = await alternate(contenders, 5)
  return {
    title: "Postgres: transfers between 10,000 accounts, 256 callers",
    measured,
    bars: [
      {
        claim: "transfers / commands on one new stream",
        figure: measured[0]!.median / measured[1]!.median,
        atLeast: 0.4
      },
      { claim: "with a state cache / commands on one new stream", figure: measured[2]!.median / measured[1]!.median },
      ...describe("a transfer", latencies),
      ...describe("with a state cache", remembered)
    ]
  }
}

const contended = async (run: Run): Promise<Report> => {
  const [plain, remembered] = [seen(), seen()]
  const cache = StateCache.make({ capacity: 1_000 })
  const contenders: ReadonlyArray<Contender> = [
    {
      name: "Hexfold, with a state cache",
      count: 2_000,
      run: (round) => run(cached(cache, drive(20, 2_000, transfer("c", 10), round === 0 ? seen() : remembered)))
    },
    {
      name: "Hexfold, without",
      count: 2_000,
      run: (round) => run(drive(20, 2_000, transfer("p", 10), round === 0 ? seen() : plain))
    }
  ]
  const measured = await alternate(contenders, 7)
  const rates = measured[0]!.rates
  return {
    title: "Postgres: transfers between 10 accounts, 20 callers",
    measured,
    bars: [
      { claim: "with a state cache, transfers/s", figure: measured[0]!.median, atLeast: 5_000 },
      { claim: "with a state cache: p99, ms", figure: percentile(remembered.millis, 0.99), atMost: 100 },
      {
        claim: "with a state cache: the last round's rate / the first's",
        figure: rates.at(-1)! / rates[0]!,
        atLeast: 0.8
      },
      ...describe("with a state cache", remembered),
      ...describe("without", plain)
    ]
  }
}

const hot = async (run: Run): Promise<Report> => {
  const [plain, remembered] = [seen(), seen()]
  const cache = StateCache.make({ capacity: 1_000 })
  const one = (id: string) => () => Executor.execute(Counter, id, increment)
  const contenders: ReadonlyArray<Contender> = [
    {
      name: "Hexfold, with a state cache",
      count: 5_000,
      run: (round) => run(cached(cache, drive(64, 5_000, one("hot-c"), round === 0 ? seen() : remembered)))
    },
    {
      name: "Hexfold, without",
      count: 5_000,
      run: (round) => run(drive(64, 5_000, one("hot-p"), round === 0 ? seen() : plain))
    }
  ]
  const measured = await alternate(contenders, 3)
  return {
    title: "Postgres: one hot stream, 64 callers",
    measured,
    bars: [
      { claim: "with a state cache, commands/s", figure: measured[0]!.median, atLeast: 8_000 },
      { claim: "without, commands/s", figure: measured[1]!.median, atLeast: 5_000 },
      ...describe("with a state cache", remembered),
      ...describe("without", plain)
    ]
  }
}

type Run = (effect: Effect.Effect<unknown, unknown, EventStore.EventStore>) => Promise<void>

/** Commands on two streams, in memory and on Postgres, on many accounts and on few. */
export const transfers = async (url: string): Promise<ReadonlyArray<Report>> => {
  const reports = [await onMemory()]
  if (url === "") return reports
  const store: Layer.Layer<EventStore.EventStore, unknown> = PgEventStore.layerUrl(Redacted.make(url), {
    schema: "transfers"
  })
  const runtime = ManagedRuntime.make(store)
  const run: Run = async (effect) => {
    await runtime.runPromise(effect)
  }
  reports.push(await spread(run), await contended(run), await hot(run), await severalProcesses(url))
  await runtime.dispose()
  return reports
}
