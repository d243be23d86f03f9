import { MemoryEventStore, MemoryStores, MemoryViewStore } from "@hexfold/adapters-memory"
import { EventStore, StreamLocks, ViewStore } from "@hexfold/core"
import type { Backend } from "@hexfold/testing/contracts"
import { Context, Effect, Layer } from "effect"

/** Both stores over one log. */
export const together: Backend.Backend = {
  capabilities: ["otherProcesses", "inlineViews", "lostCommits"],
  data: Effect.map(MemoryStores.lossy, ({ loseLast, open }): Backend.Open => (options) => {
    const stores = open(options)
    return Effect.succeed({
      eventStore: Context.get(stores, EventStore.EventStore),
      streamLocks: Context.get(stores, StreamLocks.StreamLocks),
      viewStore: Context.get(stores, ViewStore.ViewStore),
      loseLast
    })
  })
}

/** The two stores that know nothing of each other; all nodes have the same two. */
export const apart: Backend.Backend = {
  capabilities: ["otherProcesses"],
  data: Effect.gen(function* () {
    const events = yield* Layer.build(MemoryEventStore.layer())
    const node = {
      eventStore: Context.get(events, EventStore.EventStore),
      streamLocks: Context.get(events, StreamLocks.StreamLocks),
      viewStore: yield* MemoryViewStore.make()
    }
    return () => Effect.succeed(node)
  })
}
