import { EventStoreError, Reason } from "@hexfold/core"
import { Config, Effect, type Redacted } from "effect"

/** The URL of the database from the configuration. */
export const databaseUrl: Effect.Effect<Redacted.Redacted, EventStoreError> = Effect.mapError(
  Effect.suspend(() => Config.Redacted("DATABASE_URL")),
  (cause) => {
    const isMissing = cause.cause._tag !== "SourceError"
    const detail = isMissing ? "DATABASE_URL is not set" : `DATABASE_URL cannot be read: ${cause.message}`
    return new EventStoreError({ operation: "open", reason: new Reason.Rejected({ detail, cause }) })
  }
)
