/** Failures as errors of GraphQL, which say nothing of the inside. */
import { Effect } from "effect"
import { GraphQLError, type GraphQLFormattedError } from "graphql"
import { told } from "../web/problems.ts"

/** The codes of errors. */
export type Code =
  | "BAD_USER_INPUT"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "UNAVAILABLE"
  | "PAYLOAD_TOO_LARGE"
  | "TOO_MANY_REQUESTS"
  | "INTERNAL"

/** An error with a code. */
export const errorWith = (code: Code, message: string, facts: Readonly<Record<string, unknown>> = {}): GraphQLError =>
  new GraphQLError(message, { extensions: { ...facts, code } })

const codes = new Map<number, Code>([
  [401, "UNAUTHENTICATED"],
  [403, "FORBIDDEN"],
  [404, "NOT_FOUND"],
  [429, "TOO_MANY_REQUESTS"],
  [500, "INTERNAL"],
  [503, "UNAVAILABLE"]
])

/** The error for a failure. What an operator must know is logged, and is not in the error. */
export const errorOf = (failure: unknown): Effect.Effect<GraphQLError> =>
  Effect.map(told(failure, "a GraphQL operation"), ({ detail, headers = {}, members = {}, status, title }) => {
    const seconds = headers["retry-after"]
    return errorWith(codes.get(status) ?? "BAD_USER_INPUT", detail ?? title, {
      ...members,
      ...(seconds === undefined ? {} : { retryAfter: Number(seconds) })
    })
  })

/** The error for what has thrown. */
export const internal = (): GraphQLError => errorWith("INTERNAL", "the service has failed")

/** An error of what was sent, such as a variable of another type. */
export const asInput = ({ message, nodes }: GraphQLError): GraphQLError =>
  new GraphQLError(message, { nodes, extensions: { code: "BAD_USER_INPUT" } })

/**
 * Errors as clients get them. What graphql itself says of an argument is told, and what it says of an answer that it
 * could not make is not: that is logged.
 */
export const presented = (errors: ReadonlyArray<GraphQLError>): Effect.Effect<ReadonlyArray<GraphQLFormattedError>> =>
  Effect.forEach(errors, (error) => {
    const { locations, path } = error.toJSON()
    const at = { ...(locations === undefined ? {} : { locations }), ...(path === undefined ? {} : { path }) }
    const code = error.extensions["code"] as Code | undefined
    if (code !== undefined) return Effect.succeed({ message: error.message, ...at, extensions: error.extensions })
    if (isOfInput(error)) {
      return Effect.succeed({ message: error.message, ...at, extensions: { code: "BAD_USER_INPUT" } })
    }
    const { extensions, message } = internal()
    return Effect.as(Effect.logError("hexfold: a GraphQL answer could not be made", error.cause ?? error), {
      message,
      ...at,
      extensions
    })
  })

// graphql reports what is wrong with a document, a variable or an argument with the place in the document.
const isOfInput = ({ cause }: GraphQLError): boolean =>
  cause === undefined || (cause instanceof GraphQLError && cause.nodes !== undefined)
