/** Snapshots of aggregates on Postgres, 14 and later: a table beside the events. */
import { Reason, SnapshotStore, SnapshotStoreError } from "@hexfold/core"
import { SnapshotCheck } from "@hexfold/core/adapter"
import { Duration, Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { defaultTimeout, limiting } from "./database/disconnect.ts"
import { translatedOfSnapshots } from "./database/errors.ts"
import { quoted } from "./database/schemaName.ts"
import { awaitServer, defaultStartTimeout } from "./database/starting.ts"
import { outsideOf, readCommitted } from "./database/transactions.ts"
import { checkLimits } from "./events/optionChecks.ts"
import * as PgMigrations from "./PgMigrations.ts"
import { table } from "./snapshots/table.ts"

/** The options of the store. */
export interface Options {
  /** The database schema that holds the table. `hexfold` by default. */
  readonly schema?: string
  /** Whether to bring the schema up to date at the start. True by default; otherwise the schema is only checked. */
  readonly migrate?: boolean
  /** How long the layer waits at its start for a server that is still starting. 5 seconds by default. */
  readonly startTimeout?: Duration.Input
  /**
   * The most time that a statement may take, with its wait for a connection. 10 seconds by default. A statement without
   * an answer is cancelled, and fails with a `Timeout`.
   */
  readonly timeout?: Duration.Input
}

/**
 * The store on the `SqlClient` in the context. Its operations never join a transaction
 * of the caller: they run on another connection.
 *
 * A role without the rights to the table gets a `Rejected`, and commands go on without
 * snapshots: see `PgMigrations.grants`.
 */
export const make = (
  options: Options = {}
): Effect.Effect<SnapshotStore.SnapshotStore["Service"], SnapshotStoreError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const name = options.schema ?? PgMigrations.defaultSchema
    const timeout = Duration.fromInputUnsafe(options.timeout ?? defaultTimeout)
    const migrating =
      options.migrate === false ? PgMigrations.verify({ schema: name }) : PgMigrations.run({ schema: name })
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const atReadCommitted = yield* Effect.andThen(checkLimits("open", { timeout }), migrating).pipe(
      Effect.andThen(readCommitted(sql)),
      awaitServer(options.startTimeout ?? defaultStartTimeout),
      Effect.mapError(({ reason }) => new SnapshotStoreError({ operation: "open", reason }))
    )
    const { load, removeOfAggregate, removeOfStream, save } = table(quoted(name), sql)
    const limited = limiting(sql, timeout)
    const outside = outsideOf(sql)

    const within =
      (operation: SnapshotStoreError["operation"]) =>
      <A>(call: Effect.Effect<A, SqlError.SqlError | SnapshotStoreError>): Effect.Effect<A, SnapshotStoreError> =>
        limited((detail) => new SnapshotStoreError({ operation, reason: new Reason.Timeout({ detail }) }))(
          translatedOfSnapshots(operation)(call)
        )

    return SnapshotStore.SnapshotStore.of({
      load: (requests) => {
        const refused = SnapshotCheck.checkLoad(requests)
        if (refused !== undefined) return Effect.fail(refused)
        return outside(within("load")(load(requests)))
      },

      save: (snapshots) => {
        const refused = SnapshotCheck.check(snapshots)
        if (refused !== undefined) return Effect.fail(refused)
        // A stricter level would refuse a row that another process has changed meanwhile.
        const saving = atReadCommitted(save(snapshots, SnapshotStore.mostFingerprints))
        return outside(within("save")(saving))
      },

      remove: (selection) => {
        const refused = SnapshotCheck.checkRemove(selection)
        if (refused !== undefined) return Effect.fail(refused)
        const removing =
          "streamId" in selection
            ? within("remove")(atReadCommitted(removeOfStream(selection)))
            : removeOfAggregate(selection, (statement) => within("remove")(atReadCommitted(statement)))
        return outside(removing)
      }
    })
  })

/**
 * Supplies the store on the application's own client.
 *
 * @example
 * ```ts
 * import { PgSnapshotStore } from "@hexfold/adapters-pg"
 * import { PgClient } from "@effect/sql-pg"
 * import { Layer, Redacted } from "effect"
 *
 * const Database = PgClient.layer({ url: Redacted.make("postgres://postgres@localhost/postgres") })
 *
 * const Snapshots = PgSnapshotStore.layer({ schema: "accounting" }).pipe(Layer.provideMerge(Database))
 * ```
 */
export const layer = (
  options: Options = {}
): Layer.Layer<SnapshotStore.SnapshotStore, SnapshotStoreError, SqlClient.SqlClient> =>
  Layer.effect(SnapshotStore.SnapshotStore, make(options))
