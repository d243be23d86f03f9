/** Requests to an API, and what its answers say. */
import { Effect, Option, Schema } from "effect"
import { type HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { RemoteError } from "../errors.ts"
import { unreadable } from "./unreadable.ts"

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

/** An answer as JSON, with its status. What stands between, such as a proxy, may answer with something else. */
export const jsonOf = ({
  status,
  text
}: HttpClientResponse.HttpClientResponse): Effect.Effect<
  { readonly status: number; readonly body: Members },
  RemoteError
> =>
  Effect.flatMap(Effect.mapError(text, noAnswer), (text) => {
    const body = membersIn(text)
    if (body !== undefined) return Effect.succeed({ status, body })
    return Effect.fail(
      status >= 400 ? problemOf(status, {}) : unreadable(new Error("it is no JSON object, and not from the API"))
    )
  })

/** The members of a text that is a JSON object; undefined if it is something else. */
export const membersIn = (text: string): Members | undefined => Option.getOrUndefined(decode(text))

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)))

/** The members of a JSON object. */
export type Members = Readonly<Record<string, Schema.Json | undefined>>

/** The failure of a call, as problem details say it. */
export const problemOf = (status: number, { detail, title }: Members): RemoteError =>
  new RemoteError({
    status,
    title: typeof title === "string" ? title : "Unknown",
    detail: typeof detail === "string" ? detail : "the answer says no more"
  })

const noAnswer = (cause: unknown): RemoteError =>
  new RemoteError({
    status: 0,
    title: "NoAnswer",
    detail: cause instanceof Error ? cause.message : String(cause),
    cause
  })
