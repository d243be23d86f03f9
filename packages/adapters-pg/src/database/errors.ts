import { EventStoreError, Reason, SnapshotStoreError, ViewStoreError } from "@hexfold/core"
import { Cause, Effect, Predicate } from "effect"
import { SqlError } from "effect/sql"
import { cleaned, messageOf } from "./cleaned.ts"
import { cleanedCause, withCleanSpans, withoutDataIn } from "./cleanedCause.ts"
import { unmaintained } from "../sql/inline.ts"

// Classes and codes of Postgres' appendix A. The driver's own classes cover most
// of them, but not a server that shuts down, starts up or is full.
const unavailable = /^(08|25006|40|53|57P0[1-5])/
const timeout = /^(57014|55P03|25P03|25P04)/
const aborted = /^25P0[12]/
const corrupt = /^XX00[12]/
// Data, limits, locks, tables of views, functions, what is stored. Codes of the network, such as EPIPE, are not among them,
// nor are HX004 and HX005: a standby, and a sequence that was set back, refuse every request.
const ofOneRequest = /^(?:(?:2[1-3]|40|54|P0|XX)[0-9A-Z]{3}|HX00[1-3]|42P01)$/
const rejected = /^(0A|22|23|28|3D|3F|42|54|HX)/

/** The reason of the ports for a failure of the driver. The driver's error stays the cause, without data. */
const reasonOf = (given: SqlError.SqlError): Reason.Reason => {
  const code = codeOf(given)
  const error = cleaned(given)
  const props = { detail: detailOf(error), cause: error }
  if (code === "26000" || code === "42P05") {
    const detail =
      `${props.detail}: a connection pooler gives statements of one connection to another. ` +
      "Turn prepared statements off (PgClient's option prepare: false)"
    return new Reason.Rejected({ ...props, detail })
  }
  const misconfigured = misconfiguration(code, messageOf(given))
  if (misconfigured !== undefined) return new Reason.Rejected({ ...props, detail: misconfigured })
  if (unreadable.test(messageOf(given)) || unreadable.test(given.message)) return new Reason.Corrupt(props)
  if (unavailable.test(code)) return new Reason.Unavailable(props)
  if (timeout.test(code)) return new Reason.Timeout(props)
  if (aborted.test(code)) return new Reason.Aborted(props)
  if (corrupt.test(code)) return new Reason.Corrupt(props)
  if (rejected.test(code)) return new Reason.Rejected(props)
  return error.reason._tag === "ConnectionError" ? new Reason.Unavailable(props) : new Reason.Unknown(props)
}

// An answer that the driver refuses comes again when the statement is repeated.
const unreadable = /exceeds maxMessageSize|Failed to decode row/

// Codes of Node and of OpenSSL for a certificate that is refused.
const certificate = /CERT|^UNABLE_TO_|^HOSTNAME_MISMATCH$|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$/

/** In plain words, what is wrong with the way in which the client connects: repeating it does not help. */
const misconfiguration = (code: string, message: string): string | undefined => {
  if (code === "ERR_INVALID_URL" || message.startsWith("Invalid URL")) {
    return "the URL of the database is not valid. Write special characters in the user's name and the password percent-encoded"
  }
  if (message.startsWith("Unrecognized sslmode")) return "the URL of the database has an sslmode that is not known"
  if (/URI malformed|in (the )?URL/.test(message)) return "the URL of the database has a part that cannot be read"
  if (certificate.test(code)) {
    const why = certificates.find(([codes]) => codes.test(code))?.[1]
    return `the server's certificate is refused: ${why === undefined ? message : `${why} (${message})`} (${code})`
  }
  return /does not support (SSL|TLS)/i.test(message)
    ? "the server does not support TLS, and the client demands it. Turn TLS on at the server, " +
        "or leave it off at the client (sslmode, PgClient's option ssl) if you trust the network"
    : undefined
}

// Why a certificate is refused, and what helps.
const certificates: ReadonlyArray<readonly [codes: RegExp, why: string]> = [
  [
    /SELF_SIGNED|^UNABLE_TO_(GET_ISSUER|VERIFY)/,
    "no authority that this process trusts has signed it. Name the authority: NODE_EXTRA_CA_CERTS, or PgClient's option ssl: { ca }"
  ],
  [/ALTNAME|^HOSTNAME_MISMATCH$/, "it is for another host. Use a host in the URL that the certificate names"],
  [/CERT_HAS_EXPIRED/, "it has expired. Renew it at the server"],
  [/CERT_NOT_YET_VALID/, "it is not valid yet. Compare the clocks of the server and of this machine"]
]

/** Whether a statement failed because a table that it names does not exist. */
export const isNoTable = (error: SqlError.SqlError): boolean => codeOf(error) === "42P01"

/** Whether an operation was refused because the server is a standby. */
export const isStandby = ({ reason }: EventStoreError): boolean =>
  SqlError.isSqlError(reason.cause) && codeOf(reason.cause) === "HX004"

/** Whether a statement failed because the role lacks a right. */
export const isForbidden = (error: SqlError.SqlError): boolean => codeOf(error) === "42501"

/** Whether a statement failed because it waited for a lock longer than its limit. */
export const isLockTimeout = (error: SqlError.SqlError): boolean => codeOf(error) === "55P03"

/** Whether a statement failed because its transaction and another one waited for each other. */
export const isDeadlock = (error: SqlError.SqlError): boolean => codeOf(error) === "40P01"

/** Whether a statement met a change that came between, and succeeds on what there is now. */
export const isToRepeat = (error: SqlError.SqlError): boolean => codeOf(error) === "40001"

/** Whether a limit in time, for locks or for statements, has ended a statement. */
export const isWaitOver = (error: SqlError.SqlError): boolean => timeout.test(codeOf(error))

/** Whether a statement with this failure may succeed when it is repeated. */
export const isPassing = (error: SqlError.SqlError): boolean =>
  ["Unavailable", "Timeout"].includes(reasonOf(error)._tag)

/** Whether the server or the connection was unavailable; a statement that takes too long is another failure. */
export const isUnavailable = (error: SqlError.SqlError): boolean => reasonOf(error)._tag === "Unavailable"

/** The generations that a refused append touches, if it was refused because its caller does not maintain all of them. */
export const unmaintainedBy = (error: SqlError.SqlError): ReadonlyArray<bigint> | undefined => {
  const cause = error.reason.cause
  if (codeOf(error) !== unmaintained || !Predicate.hasProperty(cause, "detail")) return undefined
  return String(cause.detail).split(",").map(BigInt)
}

/** The server's error code, or "" for an error of the driver. */
const codeOf = (error: SqlError.SqlError): string => {
  const cause = error.reason.cause
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code.slice(0, 100) : ""
}

/** Turns the failures of the driver into failures of the event store. */
export const translated = (operation: EventStoreError["operation"]) =>
  translatedTo((reason) => new EventStoreError({ operation, reason }))

/** Turns the failures of the driver into failures of the view store. */
export const translatedOf = (operation: ViewStoreError["operation"], view?: string) =>
  translatedTo((reason) => new ViewStoreError({ operation, ...(view === undefined ? {} : { view }), reason }))

/** Turns the failures of the driver into failures of the snapshot store. */
export const translatedOfSnapshots = (operation: SnapshotStoreError["operation"]) =>
  translatedTo((reason) => new SnapshotStoreError({ operation, reason }))

/**
 * When a connection dies inside a transaction, its rollback fails too, and the
 * driver reports a defect. This function turns it into a failure like any other.
 */
const translatedTo =
  <Failure>(toFailure: (reason: Reason.Reason) => Failure) =>
  <A, E, R>(
    effect: Effect.Effect<A, E | SqlError.SqlError, R>
  ): Effect.Effect<A, Exclude<E, SqlError.SqlError> | Failure, R> =>
    Effect.catchCause(
      withCleanSpans(effect),
      (cause): Effect.Effect<never, Exclude<E, SqlError.SqlError> | Failure> => {
        if (Cause.hasInterrupts(cause)) return Effect.failCause(cleanedCause(cause) as Cause.Cause<never>)
        for (const reason of cause.reasons) {
          const error = reason._tag === "Die" ? reason.defect : reason._tag === "Fail" ? reason.error : undefined
          if (SqlError.isSqlError(error)) return Effect.fail(toFailure(reasonOf(error)))
          if (reason._tag === "Fail" && error instanceof EventStoreError && SqlError.isSqlError(error.reason.cause)) {
            return Effect.fail(withoutDataIn(error, error.reason.cause) as Exclude<E, SqlError.SqlError>)
          }
        }
        return Effect.failCause(cause as Cause.Cause<Exclude<E, SqlError.SqlError>>)
      }
    )

/** What the server has said, without data. */
export const detailOf = messageOf

/**
 * Whether a statement with this failure has certainly done nothing, and one of
 * several requests may be the reason: the server itself has refused its data or
 * rolled it back. A server that is full or read-only fails for every request, and
 * a failure of the connection leaves open whether the statement has committed.
 */
export const isUndone = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.every((reason) => {
    const error =
      reason._tag === "Fail" && reason.error instanceof EventStoreError ? reason.error.reason.cause : undefined
    return SqlError.isSqlError(error) && ofOneRequest.test(codeOf(error))
  })

/** Whether a statement has waited for a lock too long: the server has rolled it back. */
export const isBlocked = (cause: Cause.Cause<unknown>): boolean => sqlErrorsIn(cause).some(isLockTimeout)

/**
 * Whether the server has cancelled a statement, because it took longer than the
 * server's `statement_timeout` or because somebody asked for it. Nothing is committed
 * then: from the beginning of a commit on, the server cancels nothing.
 */
export const isExpired = (cause: Cause.Cause<unknown>): boolean =>
  sqlErrorsIn(cause).some((error) => codeOf(error) === "57014")

const sqlErrorsIn = (cause: Cause.Cause<unknown>): ReadonlyArray<SqlError.SqlError> =>
  cause.reasons.flatMap((reason) => {
    const error =
      reason._tag === "Fail" && reason.error instanceof EventStoreError ? reason.error.reason.cause : undefined
    return SqlError.isSqlError(error) ? [error] : []
  })
