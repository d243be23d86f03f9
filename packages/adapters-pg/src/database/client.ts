import type { PgClient } from "@effect/sql-pg"
import { EventStoreError, Reason } from "@hexfold/core"
import { Config, Effect, Predicate, Redacted } from "effect"

/** A connection pooler between the client and the server. */
export type Pooler = "transaction" | undefined

/** The client that a layer makes of a URL. */
export const clientConfig = (url: Redacted.Redacted, pooler: Pooler): PgClient.PgPoolConfig => ({
  url,
  applicationName: "hexfold",
  // A pooler runs each transaction on another connection, which does not know the statements prepared before.
  ...(pooler === "transaction" ? { prepare: false } : {})
})

/** Whether live readers listen for notifications: they need a connection of their own that stays the same. */
export const whetherToListen = (pg: PgClient.PgClient, pooler: Pooler): Effect.Effect<boolean, EventStoreError> => {
  if (pooler === "transaction") {
    if (pg.config.prepare === false) return Effect.succeed(false)
    return Effect.fail(rejected("behind a pooler in transaction mode the PgClient must be made with prepare: false"))
  }
  if (poolSizeOf(pg) > 1) return Effect.succeed(true)
  return Effect.as(
    Effect.logWarning("hexfold: the pool has one connection, so live readers poll and do not listen for notifications"),
    false
  )
}

/** The most connections of a client. The driver's default counts where the client does not say. */
export const poolSizeOf = ({ config }: PgClient.PgClient): number =>
  Predicate.hasProperty(config, "maxConnections") && typeof config.maxConnections === "number"
    ? config.maxConnections
    : 10

/** The URL of the database from the configuration. */
export const databaseUrl: Effect.Effect<Redacted.Redacted, EventStoreError> = Effect.suspend(() =>
  Config.Redacted("DATABASE_URL")
).pipe(
  Effect.mapError((cause) => {
    const isMissing = cause.cause._tag !== "SourceError"
    return rejected(isMissing ? "DATABASE_URL is not set" : `DATABASE_URL cannot be read: ${cause.message}`, cause)
  }),
  // The message does not show the value, which may hold a password.
  Effect.filterOrFail(
    (url) => /^postgres(ql)?:$/.test(URL.parse(Redacted.value(url))?.protocol ?? ""),
    () => rejected("DATABASE_URL is not a URL such as postgres://user:password@host:5432/database")
  )
)

const rejected = (detail: string, cause?: unknown) =>
  new EventStoreError({
    operation: "open",
    reason: new Reason.Rejected({ detail, ...(cause === undefined ? {} : { cause }) })
  })
