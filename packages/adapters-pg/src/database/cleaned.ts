import { Predicate } from "effect"
import { SqlError } from "effect/sql"

/** The most characters of what a server says, and of a name or a code in it. */
const longestText = 1_000
const longestName = 200

/**
 * What an error of the server or of the network says, without data: no row, no
 * parameter, no URL and no connection option. It may stand in logs.
 */
class DatabaseFailure extends Error {
  override readonly name = "DatabaseFailure"
  declare readonly code?: string
  declare readonly severity?: string
  declare readonly schema?: string
  declare readonly table?: string
  declare readonly constraint?: string
  declare readonly routine?: string

  constructor(cause: unknown, message: string) {
    super(message)
    for (const field of ["code", "severity", "schema", "table", "constraint", "routine"]) {
      const value = Predicate.hasProperty(cause, field) ? cause[field] : undefined
      if (typeof value === "string") Object.assign(this, { [field]: value.slice(0, longestName) })
    }
  }
}

/** An error of the driver with a cause that has no data in it. */
export const cleaned = (error: SqlError.SqlError): SqlError.SqlError => {
  const { reason } = error
  if (reason.cause instanceof DatabaseFailure) return error
  const cause = new DatabaseFailure(reason.cause, messageOf(error))
  const message = withoutData(reason.message)
  const props = { cause, message, ...(reason.operation === undefined ? {} : { operation: reason.operation }) }
  switch (reason._tag) {
    case "ConnectionError":
      return new SqlError.SqlError({ reason: new SqlError.ConnectionError(props) })
    case "AuthenticationError":
      return new SqlError.SqlError({ reason: new SqlError.AuthenticationError(props) })
    case "AuthorizationError":
      return new SqlError.SqlError({ reason: new SqlError.AuthorizationError(props) })
    case "SqlSyntaxError":
      return new SqlError.SqlError({ reason: new SqlError.SqlSyntaxError(props) })
    case "UniqueViolation":
      return new SqlError.SqlError({
        reason: new SqlError.UniqueViolation({ ...props, constraint: reason.constraint.slice(0, longestName) })
      })
    case "ConstraintError":
      return new SqlError.SqlError({ reason: new SqlError.ConstraintError(props) })
    case "DeadlockError":
      return new SqlError.SqlError({ reason: new SqlError.DeadlockError(props) })
    case "SerializationError":
      return new SqlError.SqlError({ reason: new SqlError.SerializationError(props) })
    case "LockTimeoutError":
      return new SqlError.SqlError({ reason: new SqlError.LockTimeoutError(props) })
    case "StatementTimeoutError":
      return new SqlError.SqlError({ reason: new SqlError.StatementTimeoutError(props) })
    default:
      return new SqlError.SqlError({ reason: new SqlError.UnknownError(props) })
  }
}

/** What the server or the driver has said, without data. */
export const messageOf = (error: SqlError.SqlError): string => {
  const { cause } = error.reason
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : ""
  // In whatever language: such a message repeats the value that the server cannot take. Only 22000 is for triggers.
  if (/^22(?!000)[0-9A-Z]{3}$/.test(code)) return `the server cannot take a value (${code})`
  const text = Predicate.hasProperty(cause, "message") ? String(cause.message) : error.message
  return text === "" ? error.reason._tag : withoutData(text)
}

/**
 * The server repeats a value that it cannot read after a colon, in quotes; a URL has a scheme. The text is cut first:
 * the search for a URL takes the square of its length. The last quote of a text that is cut may be one of the value.
 */
const withoutData = (message: string): string => {
  const text = message.slice(0, longestText)
  return text
    .replace(text.length < message.length ? /: "[^]*/ : /: "[^]*"/, "")
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S*/gi, "(a URL)")
}
