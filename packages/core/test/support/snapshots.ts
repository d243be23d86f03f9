/** Snapshots in memory that note what is asked of them, and a process that uses them. */
import { MemorySnapshotStore } from "@hexfold/adapters-memory"
import { type EventStore, Snapshots, SnapshotStore, type SnapshotStoreError } from "@hexfold/core"
import { Effect, Layer, Metric } from "effect"
import { watched } from "./watched.ts"

type Store = SnapshotStore.SnapshotStore["Service"]
type Hook = Effect.Effect<unknown, SnapshotStoreError>

/** An event store and a store of snapshots in memory, both watched. */
export const watchedSnapshots = Effect.gen(function* () {
  const events = yield* watched
  const plain = yield* MemorySnapshotStore.make()
  const loads: Array<ReadonlyArray<SnapshotStore.Request>> = []
  const saves: Array<ReadonlyArray<SnapshotStore.NewSnapshot>> = []
  const removes: Array<SnapshotStore.Selection> = []
  // What happens before each operation, from now on.
  const hooks: { load: Hook; save: Hook } = { load: Effect.void, save: Effect.void }
  const store: Store = {
    load: (requests) => {
      loads.push(requests)
      return Effect.andThen(hooks.load, plain.load(requests))
    },
    save: (snapshots) => {
      saves.push(snapshots)
      return Effect.andThen(hooks.save, plain.save(snapshots))
    },
    remove: (selection) => {
      removes.push(selection)
      return plain.remove(selection)
    }
  }
  return {
    ...events,
    plain,
    loads,
    saves,
    removes,
    hooks,
    /** Runs a program in a process that keeps snapshots. Its end waits until they are saved. */
    keeping:
      (options: Snapshots.Options) =>
      <A, E>(program: Effect.Effect<A, E, EventStore.EventStore>): Effect.Effect<A, E> =>
        events
          .run(program)
          .pipe(
            Effect.provide(Layer.provide(Snapshots.layer(options), Layer.succeed(SnapshotStore.SnapshotStore, store)))
          )
  }
})

/** The counts of the counters of snapshots in the test's registry. A count has the name of its counter, and the reason behind it if the counter has one. */
export const counted = Effect.map(Metric.snapshot, (snapshot) =>
  Object.fromEntries(
    snapshot.flatMap((metric) => {
      const name = /^hexfold_snapshots_(.*)_total$/.exec(metric.id)?.[1]
      if (name === undefined || metric.type !== "Counter") return []
      const reason = metric.attributes?.["reason"]
      return [[reason === undefined ? name : `${name} ${reason}`, Number(metric.state.count)]]
    })
  )
)

/** Gives a test a registry of its own. */
export const ownMetrics = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())
