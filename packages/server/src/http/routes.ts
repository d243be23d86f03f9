/** What a route of the front is made of: the segments of its address, and JSON as an answer. */
import type { EventStore, ViewStore } from "@hexfold/core"
import { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Authenticator } from "../Authenticator.ts"
import { NoSuchAddress } from "../errors.ts"
import type { Closing } from "../web/services.ts"

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
  /** Whether the route reads parameters of the address, and says which it does not know. No other route takes one. */
  readonly hasParameters?: true
  /** The addresses that have an answer, if they are not just the path. A `*` stands for one segment. */
  readonly addresses?: ReadonlyArray<`/${string}`>
  readonly handle: (
    request: Request
  ) => Effect.Effect<Response, unknown, Services | Closing | HttpServerRequest.ParsedSearchParams>
}

/**
 * The segments of an address after its beginning, decoded. The router's own parameters are shorter than an id may be. An
 * address that has another number of segments, or that cannot be decoded, leads nowhere.
 */
export const segmentsAfter = (
  { url }: Request,
  base: string,
  count: number
): Effect.Effect<ReadonlyArray<string>, NoSuchAddress> => {
  const rest = restOf(url, base)
  if (rest === undefined) return nowhere
  const segments = rest.split("/")
  try {
    const decoded = segments.map((segment) => (segment.includes("%") ? decodeURIComponent(segment) : segment))
    if (decoded.length === count) return Effect.succeed(decoded)
  } catch {
    // A sign that is not encoded as it must be: the address is nobody's.
  }
  return nowhere
}

const nowhere = Effect.fail(new NoSuchAddress())

/**
 * What an address has after its beginning, without the parameters. As for the router, upper and lower case are one. It is
 * undefined for an address that has its beginning in another spelling, with encoded letters.
 */
export const restOf = (url: string, base: string): string | undefined => {
  const end = url.indexOf("?")
  const path = end === -1 ? url : url.slice(0, end)
  // A server with a prefix has it before the beginning.
  const at = path.startsWith(base) ? 0 : path.toLowerCase().indexOf(base.toLowerCase())
  return at === -1 ? undefined : path.slice(at + base.length)
}

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
