/** The port to the records of views, and what adapters have to promise: see {@link ViewStore}. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { InvalidCursor } from "../domain/queryCursor.ts"
import type * as Query from "../domain/queryData.ts"
import type { Fenced } from "./Fenced.ts"
import type { ViewStoreError } from "./ViewStoreError.ts"

/** The records that one version of a view's definition makes. */
export interface Generation {
  /** The view's name. */
  readonly view: string
  readonly version: number
}

/** Asks to be the one that writes a generation. */
export interface Claim {
  readonly generation: Generation
  /** Names the projection that asks: no other may have the same. */
  readonly owner: string
  /** How long the ownership lasts unless it is renewed; one of no time ends it. */
  readonly lease: Duration.Duration
  /** The fields by which records are looked for, for a generation that is new. */
  readonly indexes?: ReadonlyArray<ReadonlyArray<Query.Path>>
}

/** The answer to a claim. */
export type Claimed =
  | {
      readonly _tag: "Owned"
      /** Grows with every change of the owner. */
      readonly epoch: number
      /** The position up to which events are in the records; 0 for a new generation. */
      readonly position: number
    }
  | { readonly _tag: "Held"; readonly by: string }

/** A batch of a projection. */
export interface Commit {
  readonly generation: Generation
  /** What the claim gave. */
  readonly epoch: number
  /** The position where the generation stands, */
  readonly from: number
  /** and the one that it reaches. */
  readonly to: number
  /** The states of the records that changed, as JSON. */
  readonly put: ReadonlyArray<Query.Row<Schema.Json>>
  /** The keys of the records that are gone. */
  readonly remove: ReadonlyArray<string>
  /** From now on this generation answers the queries to its view, unless a later version does already. */
  readonly serve?: boolean
}

/** Where a generation stands. */
export interface Status extends Generation {
  readonly epoch: number
  readonly position: number
  /** Who writes it, if its lease has not ended. */
  readonly owner: string | undefined
  /** Whether it answers the queries to its view. */
  readonly serves: boolean
}

/**
 * The port to the records of views.
 *
 * 1. A commit is atomic: all its records and the position, or nothing.
 * 2. A commit is fenced: with another epoch or from another position than the
 *    store's it fails with `Fenced` and changes nothing. Of two that begin at
 *    the same position one succeeds.
 * 3. A generation has at most one owner. A lease that ended, by the store's
 *    clock, frees it; whoever claims it then gets a higher epoch. The owner who
 *    claims again renews its lease and keeps the epoch.
 * 4. The first generation of a view serves at once, a later version from the
 *    commit that says so; an earlier version does not come back. Generations do
 *    not see each other's records.
 * 5. A query answers as `Query.run` does over the records that serve.
 * 6. Records that are loaded or asked for together come from one moment.
 */
export class ViewStore extends Context.Service<
  ViewStore,
  {
    readonly claim: (claim: Claim) => Effect.Effect<Claimed, ViewStoreError>

    readonly commit: (commit: Commit) => Effect.Effect<void, Fenced | ViewStoreError>

    /**
     * The states of records by key, without those that do not exist: of the
     * generation that serves, if no version is named.
     */
    readonly load: (
      generation: Generation | Omit<Generation, "version">,
      keys: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyMap<string, Schema.Json>, ViewStoreError>

    /** Answers a query from the generation that serves: nothing, where there is none. */
    readonly query: {
      (query: Query.Query): Effect.Effect<Query.Page<Schema.Json>, InvalidCursor | ViewStoreError>
      (query: Query.Count): Effect.Effect<number, ViewStoreError>
    }

    /** All generations, by view and version. */
    readonly status: Effect.Effect<ReadonlyArray<Status>, ViewStoreError>
  }
>()("@hexfold/core/ViewStore") {}
