import type { EventStore, EventStoreError } from "@hexfold/core"
import { Context, type Effect, type Scope } from "effect"

/** An instance of the store under test. */
export interface Instance {
  readonly store: EventStore.EventStore["Service"]
  /**
   * Runs an effect in a transaction of the store's database, which appends of
   * this instance join; rolls back if the effect fails. Undefined for a store
   * that has no such transactions: cases that need one run without it.
   */
  readonly transaction: (<A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E | EventStoreError>) | undefined
}

/** What an adapter supplies to be held to the contract. */
export class Backend extends Context.Service<
  Backend,
  {
    /** Opens one more instance on the same data. It must not poll more often than once a minute. */
    readonly open: Effect.Effect<Instance, EventStoreError, Scope.Scope>
    /** Holds open a transaction of the same database that is no append, until the scope closes. */
    readonly unrelatedTransaction: Effect.Effect<void, EventStoreError, Scope.Scope>
  }
>()("@hexfold/testing/EventStoreContract/Backend") {}
