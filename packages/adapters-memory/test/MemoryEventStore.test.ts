import { MemoryEventStore } from "@hexfold/adapters-memory"
import { EventStoreContract } from "@hexfold/testing/contracts"
import { Effect, Layer } from "effect"

EventStoreContract.suite(
  "memory",
  Layer.effect(
    EventStoreContract.Backend,
    Effect.map(MemoryEventStore.make, (store) => ({
      open: Effect.succeed({ store, transaction: undefined }),
      unrelatedTransaction: Effect.void
    }))
  )
)
