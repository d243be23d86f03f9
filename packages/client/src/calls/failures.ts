/** Failures of this process as an API over HTTP would answer with them. */
import { type Aggregate, Executor, type Reason, VersionConflict } from "@hexfold/core"
import { Cause, Option } from "effect"
import { RemoteError } from "../errors.ts"
import { isBoundary, type Target } from "./receipts.ts"
import { unreadable } from "./unreadable.ts"

/** What a command fails with: the error of the domain, the version that is another, or what else has happened. */
export const commandFailure = (target: Target, cause: Cause.Cause<unknown>): unknown => {
  const error = failureIn(cause)
  if (error instanceof VersionConflict || error instanceof RemoteError) return error
  const declared = isBoundary(target) ? target.errors : target.schemas.errors
  const isOfDomain = !Executor.isTechnicalError(error) && declared.has((error as Partial<Aggregate.Tagged>)._tag ?? "")
  return isOfDomain && !isThrown(cause) ? error : technical(error)
}

/** What a question fails with. */
export const readFailure = (cause: Cause.Cause<unknown>): RemoteError => {
  const error = failureIn(cause)
  return error instanceof RemoteError ? error : technical(error)
}

const isThrown = (cause: Cause.Cause<unknown>): boolean => Option.isNone(Cause.findErrorOption(cause))

const failureIn = (cause: Cause.Cause<unknown>): unknown =>
  Option.getOrElse(Cause.findErrorOption(cause), () => Cause.squash(cause))

/**
 * A technical error, under the status and the title of the answer. The caller is this program itself, so its error
 * has the cause. An answer over HTTP has none: the cause is for the operator.
 */
const technical = (error: unknown): RemoteError => {
  const [status, title] = Executor.isTechnicalError(error) || isOfQuery(error) ? answerTo(error) : internal
  if (title === "Unreadable") return unreadable(error)
  return new RemoteError({
    status,
    title,
    detail: error instanceof Error ? error.message : String(error),
    cause: error
  })
}

type Answer = readonly [status: number, title: string]

const internal: Answer = [500, "Internal"]
const unavailable: Answer = [503, "Unavailable"]

/** Errors of questions that are no errors of commands. */
const isOfQuery = (error: unknown): error is Aggregate.Tagged => {
  const tag = (error as Partial<Aggregate.Tagged> | undefined)?._tag
  return error instanceof Error && (tag === "InvalidCursor" || tag === "RecordDecodeError")
}

// A test asks for every failure here and over HTTP, and compares.
const answerTo = (error: Aggregate.Tagged): Answer => {
  switch (error._tag) {
    case "InvalidCommand":
      return [400, "InvalidRequest"]
    case "InvalidCursor":
      return [400, error._tag]
    case "CommandIdReused":
      return [409, error._tag]
    case "TooManyParticipants":
      return [422, error._tag]
    case "ConcurrencyConflict":
    case "UnknownCommandVersion":
      return [503, error._tag]
    case "NotServing":
    case "UnknownEvent":
      return unavailable
    case "EventStoreError":
    case "ViewStoreError":
      return storeAnswer(error as Aggregate.Tagged & StoreFacts)
    case "RecordDecodeError":
      return [200, "Unreadable"]
    default:
      return internal
  }
}

interface StoreFacts {
  readonly operation: string
  readonly reason: Reason.Reason
}

const storeAnswer = ({ operation, reason }: StoreFacts): Answer => {
  switch (reason._tag) {
    case "Unavailable":
    case "Timeout":
      return unavailable
    case "PositionFromAnotherHistory":
      return [410, "PositionLost"]
    case "Rejected":
      return operation === "readAll" ? [400, "InvalidRequest"] : internal
    default:
      return internal
  }
}
