import { EventStoreError, Reason } from "@hexfold/core"
import { Config, Effect, Redacted } from "effect"

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
