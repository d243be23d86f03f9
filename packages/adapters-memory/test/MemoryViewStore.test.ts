import { MemoryViewStore } from "@hexfold/adapters-memory"
import { ViewStoreContract } from "@hexfold/testing/contracts"
import { Effect, Layer } from "effect"

ViewStoreContract.suite(
  "memory",
  Layer.effect(
    ViewStoreContract.Backend,
    Effect.map(MemoryViewStore.make(), (store) => ({ open: Effect.succeed(store) }))
  )
)
