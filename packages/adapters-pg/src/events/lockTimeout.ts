import { EventStoreError, Reason } from "@hexfold/core"
import { Effect, Predicate } from "effect"
import { SqlError, type SqlClient } from "effect/sql"
import { texts } from "../database/binds.ts"
import { detailOf, isLockTimeout } from "../database/errors.ts"
import { lockedStreams } from "../sql/locks.ts"

/** The streams whose heads a call locks. */
export interface Locked {
  readonly streams: ReadonlyArray<{ readonly streamId: string; readonly key: string }>
}

/**
 * Turns the end of a wait for a lock into a `Timeout` that names the streams. If
 * the call has several streams and runs in no transaction of a caller, it asks
 * which of them are held. Otherwise the error names those that may be.
 */
export const namingStreams =
  (sql: SqlClient.SqlClient, schema: string, { streams }: Locked, joined: boolean) =>
  <A, E>(call: Effect.Effect<A, E | SqlError.SqlError>): Effect.Effect<A, E | SqlError.SqlError | EventStoreError> =>
    Effect.catchIf(call, isWait, (error) =>
      Effect.gen(function* () {
        const where = whereOf(error)
        if (!where.includes('relation "streams')) {
          const lock = where.includes('relation "commands') ? "a command id" : "views or a table"
          return yield* timeout(error, `it waited for a lock on ${lock}, for an append to ${listed(streams)}`)
        }
        const isKnown = streams.length === 1 || joined
        const held = isKnown
          ? []
          : yield* Effect.orElseSucceed(
              sql.unsafe<{ readonly key: string }>(lockedStreams(schema), [texts(streams.map(({ key }) => key))]),
              () => []
            )
        const keys = new Set(held.map(({ key }) => key))
        const named = keys.size === 0 ? streams : streams.filter(({ key }) => keys.has(key))
        return yield* timeout(error, `another transaction holds ${keys.size === 0 ? listed(named) : all(named)}`)
      })
    )

type Named = ReadonlyArray<{ readonly streamId: string }>

const most = 3

const all = (streams: Named): string => {
  const names = streams.slice(0, most).map(({ streamId }) => JSON.stringify(streamId))
  return names.join(", ") + (streams.length > most ? " and others" : "")
}

const listed = (streams: Named): string =>
  streams.length === 1 ? all(streams) : `one of ${streams.length} streams: ${all(streams)}`

const timeout = (cause: SqlError.SqlError, detail: string) =>
  Effect.fail(
    new EventStoreError({
      operation: "append",
      reason: new Reason.Timeout({ detail: `${detailOf(cause)}: ${detail}`, cause })
    })
  )

const isWait = (error: unknown): error is SqlError.SqlError => SqlError.isSqlError(error) && isLockTimeout(error)

/** What the server was doing when it gave up. */
const whereOf = (error: SqlError.SqlError): string => {
  const cause = error.reason.cause
  return Predicate.hasProperty(cause, "where") && typeof cause.where === "string" ? cause.where : ""
}
