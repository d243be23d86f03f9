import { MemoryEventStore, MemoryViewStore } from "@hexfold/adapters-memory"
import { ProjectionContract } from "@hexfold/testing/contracts"
import { Effect, Layer } from "effect"

ProjectionContract.suite(
  "memory",
  Layer.effect(
    ProjectionContract.Backend,
    Effect.gen(function* () {
      const pair = { events: yield* MemoryEventStore.make(), views: yield* MemoryViewStore.make() }
      return { open: Effect.succeed(pair) }
    })
  )
)
