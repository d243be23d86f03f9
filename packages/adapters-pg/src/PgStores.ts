/** The event store and the view store on Postgres together, so that appends can maintain inline views. */
import type { PgClient } from "@effect/sql-pg"
import type { EventStore, EventStoreError, View, ViewStore, ViewStoreError } from "@hexfold/core"
import { Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { InlineDefinitions } from "./views/inlineDefinitions.ts"
import * as PgEventStore from "./PgEventStore.ts"
import * as PgViewStore from "./PgViewStore.ts"

/** How the stores work. */
export interface Options extends PgEventStore.Options {
  /** The views whose definitions this process knows; those that are not inline are ignored. */
  readonly views?: ReadonlyArray<View.Any>
}

/**
 * Supplies both stores on the application's own `PgClient`.
 *
 * An append applies its events to the records of the inline views in its own
 * transaction, also where it shares a call with others. A view whose records
 * are of one stream each does not hold appends up; of another one an append
 * waits for those before it.
 *
 * Whatever goes wrong with a view does not fail the append: its projection
 * applies the events then, until appends can again. The same happens where a
 * process appends that does not know the view. For that no transaction that has
 * appended may stay open: after about 2 seconds such an append fails with a
 * `Timeout`, and all others have waited with it. Inside the caller's own
 * transaction the append fails once, and the transaction is to be repeated;
 * there views are maintained at READ COMMITTED only.
 *
 * @example
 * ```ts
 * import { PgStores } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Projection, View } from "@hexfold/core"
 * import { Layer, Redacted } from "effect"
 *
 * declare const Balances: View.Any
 *
 * const Database = PgClient.layer({ url: Redacted.make("postgres://postgres@localhost/postgres") })
 *
 * const Stores = PgStores.layer({ views: [Balances] }).pipe(Layer.provideMerge(Database))
 * const Live = Projection.layer([Balances]).pipe(Layer.provideMerge(Stores))
 * ```
 */
export const layer = ({ views = [], ...options }: Options = {}): Layer.Layer<
  EventStore.EventStore | ViewStore.ViewStore,
  EventStoreError | ViewStoreError,
  PgClient.PgClient | SqlClient.SqlClient
> =>
  Layer.mergeAll(PgEventStore.layer(options), PgViewStore.layer(options)).pipe(
    Layer.provide(Layer.succeed(InlineDefinitions, views))
  )
