/** Operations over HTTP: JSON for what is answered once, and server-sent events for what goes on. */
import { Cause, Effect, Stream } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { FormattedExecutionResult, GraphQLError } from "graphql"
import { correlationIn, identified } from "../web/identity.ts"
import { eventStream, frameOf } from "../web/liveStreams.ts"
import { problemOf } from "../web/problems.ts"
import { errorOf, errorWith, internal, presented } from "./errors.ts"
import type { Operations } from "./operations.ts"
import { requestOf, type Unreadable } from "./requests.ts"

type Response = HttpServerResponse.HttpServerResponse

const ownType = "application/graphql-response+json"

/** Answers a request. What has thrown is logged, and the answer says nothing of it. */
export const respond = (operations: Operations, request: HttpServerRequest.HttpServerRequest, maxBodyBytes: number) =>
  Effect.catchCause(answer(operations, request, maxBodyBytes), (cause) =>
    Cause.hasInterrupts(cause)
      ? Effect.failCause(cause)
      : Effect.as(
          Effect.logError("hexfold: a GraphQL request has failed", cause),
          json(errorsOf(internal()), 500, request.headers["accept"] ?? "")
        )
  )

// One generator function for all requests: to make one for each takes 3 to 5 µs.
const answer = Effect.fnUntraced(function* (
  operations: Operations,
  request: HttpServerRequest.HttpServerRequest,
  maxBodyBytes: number
) {
  const accepted = (request.headers["accept"] ?? "*/*").toLowerCase()
  const reply = (result: FormattedExecutionResult, status = 200) => json(result, status, accepted)
  const sent = yield* Effect.result(requestOf(request, maxBodyBytes))
  if (sent._tag === "Failure") return yield* refused(sent.failure, reply)
  const sender = yield* Effect.result(
    Effect.zipWith(identified(request), correlationIn(request.headers), (identity, correlationId) => ({
      ...identity,
      correlationId
    }))
  )
  if (sender._tag === "Failure") {
    const { headers = {}, status } = problemOf(sender.failure)
    const error = yield* errorOf(sender.failure)
    return HttpServerResponse.setHeaders(reply(errorsOf(error), status), headers)
  }
  const found = yield* Effect.result(operations.prepare(sent.success, sender.success))
  if (found._tag === "Failure") {
    // By the standard, what is wrong with the operation is a status of its own in the media type of GraphQL alone.
    return reply({ errors: yield* presented(found.failure) }, accepted.includes(ownType) ? 400 : 200)
  }
  const { execute, kind, subscribe } = found.success
  if (kind === "mutation" && request.method === "GET") {
    return HttpServerResponse.setHeader(
      reply(errorsOf(errorWith("BAD_USER_INPUT", "a mutation is sent by POST")), 405),
      "allow",
      "POST"
    )
  }
  if (kind !== "subscription") return reply(yield* execute)
  if (!/text\/event-stream|text\/\*|\*\/\*/.test(accepted)) {
    return reply(errorsOf(errorWith("BAD_USER_INPUT", "a subscription is answered as text/event-stream")), 406)
  }
  const results = yield* subscribe
  if (!Stream.isStream(results)) return reply(results)
  const frames = Stream.map(results, (result) => frameOf("next", result))
  return yield* eventStream(frames, sender.success.until, "event: complete\ndata:\n\n")
})

const errorsOf = (error: GraphQLError): FormattedExecutionResult => ({ errors: [error.toJSON()] })

const refused = (
  { error, status }: Unreadable,
  reply: (result: FormattedExecutionResult, status: number) => Response
): Effect.Effect<Response> => Effect.succeed(reply(errorsOf(error), status))

const json = (result: FormattedExecutionResult, status: number, accepted: string): Response =>
  HttpServerResponse.text(JSON.stringify(result), {
    status,
    contentType: accepted.includes(ownType) ? ownType : "application/json",
    // What one caller may see is not for others.
    headers: { "cache-control": "private, no-store" }
  })
