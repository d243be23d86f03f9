/** Requests to an API, and what its answers say. */
import { Effect, type Schema } from "effect"
import { type HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { RemoteError } from "../errors.ts"

/** The address of the API, and the headers that say who the caller is. */
export interface Connection {
  readonly client: HttpClient.HttpClient
  readonly url: string
  /** The headers of each request, such as the caller's token. They are made anew for each. */
  readonly headers: Effect.Effect<Readonly<Record<string, string>>, RemoteError>
}

/** What is asked. */
export interface Asked {
  readonly path: string
  /** A request with a body is a POST. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends a request, and gives the answer whatever its status is. */
export const send = (
  { client, headers, url }: Connection,
  asked: Asked
): Effect.Effect<HttpClientResponse.HttpClientResponse, RemoteError> =>
  Effect.gen(function* () {
    const own = yield* headers
    const address = `${url}${asked.path}`
    const request =
      asked.body === undefined
        ? HttpClientRequest.get(address)
        : HttpClientRequest.bodyText(HttpClientRequest.post(address), JSON.stringify(asked.body), "application/json")
    return yield* client
      .execute(HttpClientRequest.setHeaders(request, { ...own, ...asked.headers }))
      .pipe(Effect.mapError(noAnswer))
  })

/** An answer as JSON, with its status. */
export const jsonOf = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<{ readonly status: number; readonly body: Members }, RemoteError> =>
  Effect.mapBoth(response.json, {
    onFailure: noAnswer,
    onSuccess: (body) => ({ status: response.status, body: (body ?? {}) as Members })
  })

/** The members of a JSON object. */
export type Members = Readonly<Record<string, Schema.Json | undefined>>

/** The failure of a call, as problem details say it. */
export const problemOf = (status: number, { detail, title }: Members): RemoteError =>
  new RemoteError({
    status,
    title: typeof title === "string" ? title : "Unknown",
    detail: typeof detail === "string" ? detail : "the answer says no more"
  })

/** What the API has answered cannot be read by this program. */
export const unreadable = (cause: unknown): RemoteError =>
  new RemoteError({ status: 200, title: "Unreadable", detail: "the answer is not what this program knows", cause })

const noAnswer = (cause: unknown): RemoteError =>
  new RemoteError({
    status: 0,
    title: "NoAnswer",
    detail: cause instanceof Error ? cause.message : String(cause),
    cause
  })
