/** The port that reads the records of views, and what adapters have to promise: see {@link ViewStore}. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { InvalidCursor } from "../domain/errors.ts"
import type * as Query from "../domain/query/data.ts"
import type { NotServing, ViewStoreError } from "./errors.ts"
import type { Generation, Status } from "./generation.ts"

export type { Generation, PartStatus, Status, Throughput } from "./generation.ts"

/** Whose records are read: a version of a view. */
export type Version = Pick<Generation, "view" | "version">

/** Records by key. */
export interface Loaded {
  /** The states of the records that exist, as JSON. */
  readonly states: ReadonlyMap<string, Schema.Json>
  /**
   * The position of each part of the generation at that moment. The records contain no event after this position. For an inline view they may
   * still lack an earlier event whose transaction has not committed yet.
   */
  readonly positions: ReadonlyArray<number>
}

/**
 * The port that reads the records of views: what a role that may only read can do.
 * What writes the records is the port `ProjectionStore`, whose promises say which
 * generation answers.
 *
 * 4. Only a generation of the version that is asked for answers, and only once it has
 *    caught up with the events. Otherwise reading fails with `NotServing`. So it does
 *    if the version was left: for longer than the store's limit no projection has owned
 *    a part of it, another version of the view was owned after that, and positions were
 *    drawn that it has not reached.
 * 5. A query answers as `QueryEvaluation.run`, `runCount` and `runGroups` do over
 *    the records of the generation that answers. A query that takes longer than
 *    its `timeout` is ended, and fails with the reason `Timeout`.
 * 6. Records that are loaded or asked for together come from one moment, and so
 *    do the positions that come with them.
 */
export class ViewStore extends Context.Service<
  ViewStore,
  {
    /** Loads records by key from the generation that answers for a version of a view. */
    readonly load: (of: Version, keys: ReadonlyArray<string>) => Effect.Effect<Loaded, NotServing | ViewStoreError>

    /** Answers a query from the generation that answers for a version of the query's view. */
    readonly query: {
      (
        query: Query.Query,
        version: number
      ): Effect.Effect<Query.Page<Schema.Json>, InvalidCursor | NotServing | ViewStoreError>
      (query: Query.Count, version: number): Effect.Effect<number, NotServing | ViewStoreError>
      (
        query: Query.Groups,
        version: number
      ): Effect.Effect<ReadonlyArray<Query.GroupValues>, NotServing | ViewStoreError>
    }

    /** The state of all generations, by view, version and build. It is read often and has to be quick. */
    readonly status: Effect.Effect<ReadonlyArray<Status>, ViewStoreError>
  }
>()("@hexfold/core/ViewStore") {}
