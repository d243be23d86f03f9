/** Failures as answers of HTTP: problem details (RFC 9457), which say nothing of the inside. */
import type { Reason } from "@hexfold/core"
import { Cause, Duration, Effect, Option, type Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import type { MethodNotAllowed, TooManyRequests } from "../errors.ts"
import { Rejected } from "../serving/failures.ts"

/** The media type of problem details. */
export const mediaType = "application/problem+json"

/** What is known of a failure, before it is an answer. */
export interface Problem {
  readonly status: number
  readonly title: string
  /** What the problem belongs to: the aggregate or boundary whose error it is. The problems of the front have none. */
  readonly of?: string
  readonly detail?: string
  readonly members?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  /** Whether an operator or the program's author must hear of it. */
  readonly isInternal?: boolean
}

/** What is known of a failure. What an operator must know is logged, with what has failed. */
export const told = (failure: unknown, what: string): Effect.Effect<Problem> => {
  const problem = problemOf(failure)
  return problem.isInternal === true
    ? Effect.as(Effect.logError(`hexfold: ${what} has failed`, failure), problem)
    : Effect.succeed(problem)
}

/** The answer for a failure. What an operator must know is logged, and is not in the answer. */
export const answerOf = (failure: unknown): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(told(failure, "a request"), responseOf)

/** The failure in a cause, or the cause itself if something has thrown. */
export const failureIn = (cause: Cause.Cause<unknown>): unknown =>
  Option.getOrElse(Cause.findErrorOption(cause), () => cause)

/** Answers what fails, and what has thrown without a word of it. An interruption stays one. */
export const answeringAll = <R>(
  handling: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, R>,
  understood: (failure: unknown) => unknown = (failure) => failure
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.catchCause(handling, (cause) =>
    Cause.hasInterrupts(cause) ? Effect.failCause(cause as Cause.Cause<never>) : answerOf(understood(failureIn(cause)))
  )

/** What others are told of a problem. */
export const publicOf = ({ detail, members = {}, of, status, title }: Problem) => ({
  ...members,
  type: of === undefined ? `/problems/${title}` : `/problems/${of}/${title}`,
  title,
  status,
  ...(detail === undefined ? {} : { detail })
})

/** The answer that all is done, and that there is nothing to say. */
export const noContent = HttpServerResponse.empty({ status: 204 })

/** A problem as an answer. */
export const responseOf = (problem: Problem) =>
  HttpServerResponse.text(JSON.stringify(publicOf(problem)), {
    status: problem.status,
    contentType: mediaType,
    headers: { "cache-control": "no-store", ...problem.headers }
  })

/** How long a client should wait before it tries again, in seconds. */
const soon = { "retry-after": "1" }

const unavailable = (title = "Unavailable"): Problem => ({
  status: 503,
  title,
  detail: "the service cannot answer now: try again",
  headers: soon,
  isInternal: true
})

const internal: Problem = { status: 500, title: "Internal", detail: "the service has failed", isInternal: true }

/** What is known of a failure. */
export const problemOf = (failure: unknown): Problem => {
  if (failure instanceof Rejected) return rejectionOf(failure)
  const { _tag: tag, ...facts } = failure as { readonly _tag?: unknown } & Readonly<Record<string, unknown>>
  const message = failure instanceof Error ? failure.message : ""
  switch (tag) {
    case "Unauthenticated":
      return {
        status: 401,
        title: tag,
        detail: "nobody is signed in, or the credentials are not valid",
        headers: { "www-authenticate": "Bearer" }
      }
    case "Forbidden":
      return { status: 403, title: tag, detail: message }
    case "NotFound":
    case "NoSuchAddress":
      return { status: 404, title: tag, detail: message }
    case "UnknownExecution":
      return {
        status: 404,
        title: tag,
        detail:
          "this process knows of no such execution: it has not begun it, or has forgotten its answer, or was started again. " +
          "Whether the command has happened is not known here: send it again under the same key, it has one effect"
      }
    case "MethodNotAllowed":
      return {
        status: 405,
        title: tag,
        detail: message,
        headers: { allow: (failure as MethodNotAllowed).allowed.join(", ") }
      }
    case "InvalidRequest":
      return { status: 400, title: tag, detail: message, members: { part: facts["part"], errors: facts["errors"] } }
    case "TooLarge":
      return { status: 413, title: tag, detail: `a body has up to ${String(facts["limit"])} bytes` }
    case "InvalidCursor":
      return { status: 400, title: tag, detail: "the cursor is not one of this query" }
    case "VersionConflict":
      return {
        status: 412,
        title: tag,
        detail: message,
        members: { expected: facts["expected"], actual: facts["actual"] },
        headers: { etag: `"${String(facts["actual"])}"` }
      }
    case "TooManyRequests":
      return {
        status: 429,
        title: tag,
        detail: message,
        headers: { "retry-after": secondsOf((failure as TooManyRequests).retryAfter) }
      }
    case "TooManyExecutions":
      return {
        status: 429,
        title: tag,
        detail: `one caller may have ${String(facts["limit"])} commands running that are answered later`,
        headers: soon
      }
    case "Overloaded":
      return {
        status: 503,
        title: tag,
        detail: "as many commands run as may run together: try again",
        headers: soon
      }
    case "Ending":
      return { ...unavailable(), isInternal: false }
    case "CommandIdReused":
      return { status: 409, title: tag, detail: "the key was used before for another command" }
    case "TooManyParticipants":
      return { status: 422, title: tag, detail: message, members: { limit: facts["limit"] } }
    case "ConcurrencyConflict":
      return { ...unavailable(tag), isInternal: false }
    case "UnknownCommandVersion":
      return { status: 503, title: tag, detail: message, headers: soon }
    case "EventStoreError":
    case "ViewStoreError":
      return storeProblem(facts["reason"] as Reason.Reason, facts["operation"])
    case "NotServing":
    case "AuthenticationUnavailable":
    // A process of the newer program can read the event. The next request may reach one.
    case "UnknownEvent":
      return unavailable()
    default:
      return internal
  }
}

const secondsOf = (time: Duration.Duration): string => String(Math.max(1, Math.ceil(Duration.toSeconds(time))))

const storeProblem = (reason: Reason.Reason, operation: unknown): Problem => {
  if (reason._tag === "Unavailable" || reason._tag === "Timeout") return unavailable()
  // Only a client names places of the log, so what is wrong with one is told.
  if (reason._tag === "PositionFromAnotherHistory") {
    const detail = "the log does not have this position any more: begin again"
    return { status: 410, title: "PositionLost", detail }
  }
  return reason._tag === "Rejected" && operation === "readAll"
    ? { status: 400, title: "InvalidRequest", detail: reason.detail, members: { part: "after" } }
    : internal
}

const rejectionOf = ({ error, json, schema, target }: Rejected): Problem => {
  const { _tag: _, ...members } = json
  const message = error instanceof Error ? error.message : ""
  // A field with the name of a member of problem details would be lost: then the whole error is a member, too.
  const hidden = reserved.some((name) => Object.hasOwn(members, name)) ? { error: json } : {}
  return {
    status: statusOf(schema),
    title: error._tag,
    of: target,
    detail: message === "" ? error._tag : message,
    members: { ...members, ...hidden }
  }
}

const reserved = ["type", "title", "status", "detail", "error"]

/** The status of a domain's error: 422, unless its class says another one with Effect's annotation `httpApiStatus`. */
export const statusOf = ({ ast }: Schema.Codec<unknown, unknown>): number => {
  const status = ast.annotations?.["httpApiStatus"]
  return typeof status === "number" ? status : 422
}
