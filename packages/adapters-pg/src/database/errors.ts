import { EventStoreError, ViewStoreError, Reason } from "@hexfold/core"
import { Cause, Effect, Predicate } from "effect"
import { SqlError } from "effect/sql"
import { unmaintained } from "../sql/inline.ts"

// Classes and codes of Postgres' appendix A. The driver's own classes cover
// most; a server that shuts down, starts up or is full it calls unknown.
const unavailable = /^(08|25006|40|53|57P0[1-5])/
const timeout = /^(57014|55P03|25P03|25P04)/
const corrupt = /^XX00[12]/
const rejected = /^(0A|22|23|28|3D|3F|42|54|HX)/

/** A failure of the driver as the ports name it; the driver's error stays the cause. */
const reasonOf = (error: SqlError.SqlError): Reason.Reason => {
  const code = codeOf(error)
  const props = { detail: detailOf(error), cause: error }
  if (error.reason._tag === "ConnectionError" || unavailable.test(code)) return new Reason.Unavailable(props)
  if (timeout.test(code)) return new Reason.Timeout(props)
  if (corrupt.test(code)) return new Reason.Corrupt(props)
  return rejected.test(code) ? new Reason.Rejected(props) : new Reason.Unknown(props)
}

/** Whether a statement failed because it names a table that is not there. */
export const isNoTable = (error: SqlError.SqlError): boolean => codeOf(error) === "42P01"

/** Whether a statement that failed so may succeed when it is repeated. */
export const isPassing = (error: SqlError.SqlError): boolean =>
  ["Unavailable", "Timeout"].includes(reasonOf(error)._tag)

/** Whether a statement failed so for the server's or the connection's sake, not because it takes too long. */
export const isUnavailable = (error: SqlError.SqlError): boolean => reasonOf(error)._tag === "Unavailable"

/** The generations that the refused append touches, if it was refused because its caller does not maintain them all. */
export const unmaintainedBy = (error: SqlError.SqlError): ReadonlyArray<bigint> | undefined => {
  const cause = error.reason.cause
  if (codeOf(error) !== unmaintained || !Predicate.hasProperty(cause, "detail")) return undefined
  return String(cause.detail).split(",").map(BigInt)
}

/** The server's error code, or "" if the error is not the server's. */
const codeOf = (error: SqlError.SqlError): string => {
  const cause = error.reason.cause
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : ""
}

/** Runs an effect of the driver with its failures as those of the event store. */
export const translated = (operation: EventStoreError["operation"]) =>
  translatedTo((reason) => new EventStoreError({ operation, reason }))

/** Runs an effect of the driver with its failures as those of the view store. */
export const translatedOf = (operation: ViewStoreError["operation"], view?: string) =>
  translatedTo((reason) => new ViewStoreError({ operation, ...(view === undefined ? {} : { view }), reason }))

/**
 * When a connection dies inside a transaction the driver reports a defect,
 * because its rollback fails too; that is a failure like any other.
 */
const translatedTo =
  <Failure>(toFailure: (reason: Reason.Reason) => Failure) =>
  <A, E, R>(
    effect: Effect.Effect<A, E | SqlError.SqlError, R>
  ): Effect.Effect<A, Exclude<E, SqlError.SqlError> | Failure, R> =>
    Effect.catchCause(effect, (cause): Effect.Effect<never, Exclude<E, SqlError.SqlError> | Failure> => {
      if (Cause.hasInterrupts(cause)) return Effect.failCause(cause as Cause.Cause<never>)
      for (const reason of cause.reasons) {
        const error = reason._tag === "Die" ? reason.defect : reason._tag === "Fail" ? reason.error : undefined
        if (SqlError.isSqlError(error)) return Effect.fail(toFailure(reasonOf(error)))
      }
      return Effect.failCause(cause as Cause.Cause<Exclude<E, SqlError.SqlError>>)
    })

const detailOf = (error: SqlError.SqlError): string => {
  const cause = error.reason.cause
  const text = Predicate.hasProperty(cause, "message") ? String(cause.message) : error.message
  return text === "" ? error.reason._tag : text
}

/**
 * Whether a statement that failed so has certainly done nothing: the server
 * itself refused it or rolled it back, and lives. Anything else, also an answer
 * that could not be read, leaves open whether it has committed.
 */
export const isUndone = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.every((reason) => {
    const error =
      reason._tag === "Fail" && reason.error instanceof EventStoreError ? reason.error.reason.cause : undefined
    return SqlError.isSqlError(error) && codeOf(error) !== "" && !/^(08|57P)/.test(codeOf(error))
  })
