/** The event store, the stores of views and the store of snapshots on Postgres together, so that appends can maintain inline views. */
import { PgClient } from "@effect/sql-pg"
import type { EventStoreError, SnapshotStore, SnapshotStoreError, View, ViewStoreError } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { Effect, Layer, type Redacted } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { clientConfig, databaseUrl } from "./database/client.ts"
export { transaction } from "./database/transactions.ts"
import { InlineDefinitions } from "./views/inlineDefinitions.ts"
import * as PgEventStore from "./PgEventStore.ts"
import * as PgSnapshotStore from "./PgSnapshotStore.ts"
import * as PgViewStore from "./PgViewStore.ts"

/** The options of all stores. */
export interface Options extends PgEventStore.Options, Pick<PgViewStore.Options, "leftAfter"> {
  /**
   * The inline views that the appends of this process maintain. Views that are not inline are ignored. None by default.
   * Two views of the same name are an error that is thrown.
   */
  readonly views?: ReadonlyArray<View.Any>
}

/**
 * Supplies all stores and `StreamLocks` on the application's own `PgClient`.
 *
 * An append applies its events to the records of the inline views in its own
 * transaction, also if it shares a call with other appends. If each record of a
 * view is made of one stream, appends do not wait for each other. If a record is
 * made of several streams, appends that touch the view run one after the other.
 *
 * A view that cannot be maintained does not fail an append. Its projection applies
 * the events instead, until appends can maintain it again. The same happens if a
 * process appends that does not know the view.
 *
 * To hand a view over, the store waits for all open transactions that have
 * appended. After about 2 seconds it gives up: the append fails with a `Timeout`,
 * and other appends have waited as long. So keep such transactions short. Inside a
 * transaction of the caller, the append fails once, and the caller must repeat the
 * transaction. There, views are maintained at READ COMMITTED only.
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
  PgEventStore.Supplied | PgViewStore.Supplied | SnapshotStore.SnapshotStore,
  EventStoreError | ViewStoreError | SnapshotStoreError,
  PgClient.PgClient | SqlClient.SqlClient
> =>
  Layer.mergeAll(PgEventStore.layer(options), PgViewStore.layer(options), PgSnapshotStore.layer(options)).pipe(
    Layer.provide(Layer.succeed(InlineDefinitions, InlineViews.select(views)))
  )

/**
 * Supplies all stores together with a client of their own.
 *
 * @example
 * ```ts
 * import { PgStores } from "@hexfold/adapters-pg"
 * import { Redacted } from "effect"
 *
 * const Stores = PgStores.layerUrl(Redacted.make("postgres://postgres@localhost/postgres"))
 * ```
 */
export const layerUrl = (url: Redacted.Redacted, options: Options = {}): Layer.Layer<Supplied, Failure> =>
  Layer.provideMerge(layer(options), PgClient.layer(clientConfig(url, options.pooler)))

/**
 * Like {@link layerUrl}, but with the URL from the configuration: `DATABASE_URL`,
 * an environment variable unless another `ConfigProvider` is installed. Fails
 * with an `EventStoreError` (`Rejected`) that names it if it is not set.
 *
 * @example
 * ```ts
 * import { PgStores } from "@hexfold/adapters-pg"
 *
 * const Stores = PgStores.layerConfig()
 * ```
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Supplied, Failure> =>
  Layer.unwrap(Effect.map(databaseUrl, (url) => layerUrl(url, options)))

type Supplied =
  | PgEventStore.Supplied
  | PgViewStore.Supplied
  | SnapshotStore.SnapshotStore
  | PgClient.PgClient
  | SqlClient.SqlClient
type Failure = EventStoreError | ViewStoreError | SnapshotStoreError | SqlError.SqlError
