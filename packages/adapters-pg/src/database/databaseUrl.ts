import { EventStoreError, Reason } from "@hexfold/core"
import { Config, Effect, Redacted } from "effect"

/** The URL of the database from the configuration. */
export const databaseUrl: Effect.Effect<Redacted.Redacted, EventStoreError> = Effect.gen(function* () {
  const url = yield* Config.Redacted("DATABASE_URL")
  return Redacted.value(url) === "" ? yield* rejected("DATABASE_URL is empty") : url
}).pipe(
  Effect.catchTag("ConfigError", (error) =>
    rejected(
      error.cause._tag === "SourceError" ? `DATABASE_URL cannot be read: ${error.message}` : "DATABASE_URL is not set",
      error
    )
  )
)

const rejected = (detail: string, cause?: unknown) =>
  Effect.fail(
    new EventStoreError({
      operation: "open",
      reason: new Reason.Rejected({ detail, ...(cause === undefined ? {} : { cause }) })
    })
  )
