import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, ViewStore } from "@hexfold/core"
import { EventStoreContract, InlineContract, ViewStoreContract } from "@hexfold/testing/contracts"
import { Context, Effect, Layer } from "effect"

const stores =
  (options: MemoryStores.Options) =>
  (open: (options: MemoryStores.Options) => Context.Context<MemoryStores.Stores>) => {
    const opened = open(options)
    return { events: Context.get(opened, EventStore.EventStore), records: Context.get(opened, ViewStore.ViewStore) }
  }

InlineContract.suite(
  "memory",
  Layer.succeed(InlineContract.Backend, {
    data: Effect.map(
      MemoryStores.shared,
      (open): InlineContract.Open =>
        (views) =>
          Effect.sync(() => ({ ...stores({ views })(open), transaction: undefined }))
    )
  })
)

ViewStoreContract.suite(
  "memory, with an event store",
  Layer.effect(
    ViewStoreContract.Backend,
    Effect.map(MemoryStores.shared, (open) => ({ open: Effect.sync(() => stores({})(open).records) }))
  )
)

EventStoreContract.suite(
  "memory, with a view store",
  Layer.effect(
    EventStoreContract.Backend,
    Effect.map(MemoryStores.shared, (open) => ({
      open: Effect.sync(() => ({ store: stores({})(open).events, transaction: undefined })),
      unrelatedTransaction: Effect.void
    }))
  )
)
