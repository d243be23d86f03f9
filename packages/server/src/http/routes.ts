/** What a route of the front is made of: who is asking, the parameters, and JSON as an answer. */
import type { EventStore, ViewStore } from "@hexfold/core"
import { Cause, Effect } from "effect"
import { HttpRouter, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { Authenticator, type Identity } from "../Authenticator.ts"
import type { Closing } from "./live.ts"
import { answerOf, responseOf } from "./problems.ts"
import { TooLarge } from "./requests.ts"

/** What every route needs. */
export type Services = EventStore.EventStore | ViewStore.ViewStore | Authenticator

/** A request as the server has received it. */
export type Request = HttpServerRequest.HttpServerRequest

/** An answer. */
export type Response = HttpServerResponse.HttpServerResponse

/** A route, and what it does. */
export interface Route {
  readonly method: "GET" | "POST"
  readonly path: `/${string}`
  readonly handle: (
    request: Request
  ) => Effect.Effect<
    Response,
    unknown,
    Services | Closing | HttpRouter.RouteContext | HttpServerRequest.ParsedSearchParams
  >
}

/** Who is asking, and until when the credentials hold. */
export const identified = (request: Request) =>
  Effect.gen(function* () {
    const { identify } = yield* Authenticator
    const identity: Partial<Identity> = (yield* identify(request.headers)) ?? {}
    return { caller: identity.caller, until: identity.until }
  })

/** A parameter of the path. */
export const param = (name: string) => Effect.map(HttpRouter.params, (params) => params[name] ?? "")

/** JSON as an answer. */
export const json = (
  body: unknown,
  { headers = {}, status = 200 }: { readonly headers?: Readonly<Record<string, string>>; readonly status?: number } = {}
): Response =>
  HttpServerResponse.text(JSON.stringify(body), {
    status,
    contentType: "application/json",
    // What one caller may see is not for others.
    headers: { "cache-control": "private, no-cache", ...headers }
  })

/** The answer of a route. Nothing fails without one, and none says what has thrown. */
export const answered = <R>(handling: Effect.Effect<Response, unknown, R>): Effect.Effect<Response, never, R> =>
  handling.pipe(
    Effect.catch((failure) =>
      failure instanceof TooLarge
        ? Effect.succeed(
            responseOf({ status: 413, title: "TooLarge", detail: `a body has up to ${failure.limit} bytes` })
          )
        : answerOf(failure)
    ),
    Effect.catchCause((cause) => (Cause.hasInterrupts(cause) ? Effect.failCause(cause) : answerOf(cause)))
  )
