import { MemoryEventStore, MemorySnapshotStore, MemoryStores, MemoryViewStore } from "@hexfold/adapters-memory"
import {
  EventStore,
  EventStoreError,
  LogTransfer,
  ProjectionStore,
  Reason,
  SnapshotStore,
  type StreamId,
  StreamDirectory,
  StreamLocks,
  ViewStore
} from "@hexfold/core"
import type { Backend } from "@hexfold/testing/contracts"
import { Context, Deferred, type Duration, Effect, Layer } from "effect"

type Store = EventStore.EventStore["Service"]

/** Streams to which appends wait, as they do in a database whose rows a stranger has locked. */
const stalls = () => {
  const stuck = new Map<StreamId.StreamId, Deferred.Deferred<void>>()
  return {
    waiting: (store: Store, limit: Duration.Input = "10 seconds"): Store => ({
      ...store,
      append: (append) =>
        Effect.forEach(append.conditions, ({ streamId }) => {
          const gate = stuck.get(streamId)
          if (gate === undefined) return Effect.void
          const late = new Reason.Timeout({ detail: `the stream "${streamId}" was not free in time` })
          return Effect.timeoutOrElse(Deferred.await(gate), {
            duration: limit,
            orElse: () => Effect.fail(new EventStoreError({ operation: "append", reason: late }))
          })
        }).pipe(Effect.andThen(store.append(append)))
    }),

    stall: (streams: ReadonlyArray<StreamId.StreamId>) =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        for (const streamId of streams) stuck.set(streamId, gate)
        const release = Effect.suspend(() => {
          for (const streamId of streams) stuck.delete(streamId)
          return Effect.asVoid(Deferred.succeed(gate, undefined))
        })
        yield* Effect.addFinalizer(() => release)
        return release
      })
  }
}

/** Both stores over one log. */
export const together: Backend.Backend = {
  capabilities: ["otherProcesses", "inlineViews", "lostCommits", "stalls"],
  data: Effect.map(MemoryStores.lossy, ({ loseLast, open }): Backend.Open => {
    const { stall, waiting } = stalls()
    return (options) => {
      const stores = open(options)
      return Effect.succeed({
        eventStore: waiting(Context.get(stores, EventStore.EventStore), options.limit),
        streamLocks: Context.get(stores, StreamLocks.StreamLocks),
        streamDirectory: Context.get(stores, StreamDirectory.StreamDirectory),
        logTransfer: Context.get(stores, LogTransfer.LogTransfer),
        viewStore: Context.get(stores, ViewStore.ViewStore),
        projectionStore: Context.get(stores, ProjectionStore.ProjectionStore),
        snapshotStore: Context.get(stores, SnapshotStore.SnapshotStore),
        loseLast,
        stall
      })
    }
  })
}

/** Stores that know nothing of each other; all nodes have the same ones. */
export const apart: Backend.Backend = {
  capabilities: ["otherProcesses", "stalls"],
  data: Effect.gen(function* () {
    const events = yield* Layer.build(MemoryEventStore.layer())
    const eventStore = Context.get(events, EventStore.EventStore)
    const streamLocks = Context.get(events, StreamLocks.StreamLocks)
    const streamDirectory = Context.get(events, StreamDirectory.StreamDirectory)
    const logTransfer = Context.get(events, LogTransfer.LogTransfer)
    const views = yield* MemoryViewStore.make()
    const viewStore = Context.get(views, ViewStore.ViewStore)
    const projectionStore = Context.get(views, ProjectionStore.ProjectionStore)
    const snapshotStore = yield* MemorySnapshotStore.make()
    const { stall, waiting } = stalls()
    return ({ limit }) =>
      Effect.succeed({
        eventStore: waiting(eventStore, limit),
        streamLocks,
        streamDirectory,
        logTransfer,
        viewStore,
        projectionStore,
        snapshotStore,
        stall
      })
  })
}
