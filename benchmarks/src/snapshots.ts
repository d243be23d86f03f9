import { PgStores } from "@hexfold/adapters-pg"
import { EventStore, Executor, Snapshots, SnapshotStore } from "@hexfold/core"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { book, booked, Ledger } from "./bookings.ts"
import { fibers } from "./fibers.ts"
import { alternate, type Contender, type Report } from "./measure.ts"

/** Appends so many events to a ledger. */
const fill = (id: string, count: number) =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore
    const size = 5_000
    for (let first = 0; first < count; first += size) {
      const events = Array.from({ length: Math.min(size, count - first) }, booked)
      yield* store.append({ conditions: [], parts: [{ writes: [{ streamId: Ledger.streamId(id), events }] }] })
    }
  })

/** Runs an effect again and again, one after the other. */
const times = <A, E, R>(count: number, effect: (i: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => i),
    effect,
    { discard: true }
  )

/** Waits until a snapshot of a ledger is stored. */
const saved = (id: string, version: number): Effect.Effect<void, unknown, SnapshotStore.SnapshotStore> =>
  Effect.gen(function* () {
    const store = yield* SnapshotStore.SnapshotStore
    const request = { streamId: Ledger.streamId(id), fingerprint: Snapshots.fingerprint(Ledger) }
    for (;;) {
      const [found] = yield* store.load([request])
      if (found !== undefined && found.version >= version) return
      yield* Effect.sleep("10 millis")
    }
  })

/** Long streams with and without snapshots. Each call waits for the one before, as one caller does. */
export const snapshots = async (url: string): Promise<ReadonlyArray<Report>> => {
  const stores = PgStores.layerUrl(Redacted.make(url), { schema: "bench_snapshots" })
  const without = ManagedRuntime.make(stores)
  const kept = ManagedRuntime.make(Snapshots.layer({ every: 100, of: [Ledger] }).pipe(Layer.provideMerge(stores)))
  const load = (id: string) => Executor.load(Ledger, id)
  const execute = (id: string) => Executor.execute(Ledger, id, book)
  const reports: Array<Report> = []

  for (const [events, loads] of [
    [10_000, 10],
    [100_000, 2]
  ] as const) {
    // The snapshot is followed by half of the events after which the next one is due.
    const id = `read ${events}`
    await without.runPromise(fill(id, events - 50))
    await kept.runPromise(Effect.andThen(load(id), saved(id, events - 50)))
    await without.runPromise(fill(id, 50))
    const alone: ReadonlyArray<Contender> = [
      { name: "without a snapshot", count: loads, run: () => without.runPromise(times(loads, () => load(id))) },
      {
        name: "with a snapshot, 50 events before the end",
        count: 200,
        run: () => kept.runPromise(times(200, () => load(id)))
      }
    ]
    const together: ReadonlyArray<Contender> = [
      { name: "16 callers, without", count: 16, run: () => without.runPromise(fibers(16, 16, () => load(id))) },
      { name: "16 callers, with", count: 2_000, run: () => kept.runPromise(fibers(16, 2_000, () => load(id))) }
    ]
    const isFirst = events === 10_000
    const measured = await alternate(isFirst ? [...alone, ...together] : alone, 5)
    const [whole, later, wholes, laters] = measured.map(({ median }) => median)
    reports.push({
      title: `Postgres: loads of a stream of ${events.toLocaleString("en")} events`,
      measured,
      bars: [
        { claim: "with a snapshot / without, 1 caller", figure: later! / whole!, ...(isFirst ? { atLeast: 30 } : {}) },
        ...(isFirst ? [{ claim: "with a snapshot / without, 16 callers", figure: laters! / wholes! }] : []),
        {
          claim: "without, events read, decoded and folded a second",
          figure: whole! * events,
          ...(isFirst ? { atLeast: 150_000 } : {})
        }
      ]
    })
  }

  const long = "written"
  await without.runPromise(fill(long, 10_000))
  await kept.runPromise(Effect.andThen(load(long), saved(long, 10_000)))
  const contenders: ReadonlyArray<Contender> = [
    {
      name: "on a new stream",
      count: 300,
      run: (round) => without.runPromise(times(300, (i) => execute(`new ${round} ${i}`)))
    },
    {
      name: "on a stream of 10,000 events, with snapshots",
      count: 300,
      run: () => kept.runPromise(times(300, () => execute(long)))
    },
    {
      name: "on a stream of 10,000 events, without",
      count: 10,
      run: () => without.runPromise(times(10, () => execute(long)))
    }
  ]
  const measured = await alternate(contenders, 5)
  const [fresh, snapped] = measured
  reports.push({
    title: "Postgres: commands, one event each, 1 caller",
    measured,
    bars: [
      {
        claim: "with snapshots a command takes so many times as long as on a new stream",
        figure: fresh!.median / snapped!.median,
        atMost: 2
      }
    ]
  })
  await kept.dispose()
  await without.dispose()
  return reports
}
