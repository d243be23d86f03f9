/** An API in this process, as a function from requests to responses. */
import { MemoryStores } from "@hexfold/adapters-memory"
import { type Api, EventStore, Policy, Projection, type View } from "@hexfold/core"
import { AuthenticationUnavailable, Authenticator, TooManyRequests, Unauthenticated } from "@hexfold/server"
import { GraphQl } from "@hexfold/server/graphql"
import { GraphQlWs } from "@hexfold/server/graphql/ws"
import { HttpDocs } from "@hexfold/server/http/docs"
import { Http, HttpOperations } from "@hexfold/server/http"
import { DateTime, Duration, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"

/**
 * Callers by their tokens: `Bearer ann`, with roles as `Bearer ann:clerk,auditor`, and with an end in milliseconds as
 * `Bearer ann~1700000000000`. Of `Bearer away` nobody can say who it is, and
 * `Bearer often` asks too often.
 */
export const tokens = Layer.succeed(Authenticator.Authenticator, {
  identify: ({ authorization }) => {
    if (authorization === undefined) return Effect.succeed(undefined)
    if (authorization === "Bearer often") {
      const [window, retryAfter] = [Duration.seconds(10), Duration.seconds(3)]
      return Effect.fail(new TooManyRequests({ limit: 1, window, retryAfter }))
    }
    if (authorization === "Bearer away") return Effect.fail(new AuthenticationUnavailable({ cause: "away" }))
    const found = /^Bearer (\w+)(?::([\w,]+))?(?:~(\d+))?$/.exec(authorization)
    if (found === null) return Effect.fail(new Unauthenticated({ detail: "no such token" }))
    const [, subject, roles, end] = found
    return Effect.succeed({
      caller: Policy.caller(subject!, { roles: roles?.split(",") ?? [] }),
      ...(end === undefined ? {} : { until: DateTime.makeUnsafe(Number(end)) })
    })
  }
})

/** The JSON of an answer: of a receipt, a page, a record, a problem. */
export interface Body {
  readonly events: ReadonlyArray<object>
  readonly rows: ReadonlyArray<{ readonly key: string; readonly state: unknown }>
  readonly next: string
  readonly [member: string]: unknown
}

const bodyOf = async (response: Response): Promise<unknown> => {
  const text = await response.text()
  if (text === "") throw new Error(`the answer ${response.status} has no body`)
  return JSON.parse(text)
}

/** What a request has besides its path. */
export interface Sent {
  readonly as?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Ways to ask an API under an address, by what sends a request to it. */
export const asking = (address: string, send: (request: Request) => Promise<Response>) => {
  const ask = (path: string, { as, body, headers = {} }: Sent = {}): Effect.Effect<Response> =>
    Effect.promise((signal) =>
      send(
        new Request(`${address}${path}`, {
          ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
          headers: {
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
            ...headers
          },
          signal
        })
      )
    )
  const json = (path: string, sent: Sent = {}) =>
    Effect.flatMap(ask(path, sent), (response) =>
      Effect.promise(async () => ({
        status: response.status,
        etag: response.headers.get("etag"),
        type: response.headers.get("content-type"),
        headers: response.headers,
        body: (await bodyOf(response)) as Body
      }))
    )
  return { ask, json }
}

/** The projections of views. The views answer when the layer is built. */
export const projecting = (views: ReadonlyArray<View.Any>) =>
  Layer.effectDiscard(Effect.orDie(Projection.waitUntil(views, 0))).pipe(Layer.provideMerge(Projection.layer(views)))

/** The routes of an API: HTTP and its document, GraphQL by POST and by a socket, and what operators ask. */
export const routesOf = (api: Api.Any, graphql: Omit<GraphQl.Options, "path"> = {}, http: Http.Options = {}) =>
  Layer.mergeAll(
    Http.layer(api, http),
    GraphQl.layer(api, graphql),
    GraphQlWs.layer(api, graphql),
    HttpDocs.layer(api),
    HttpOperations.layer({ consumers: api.views, access: Policy.role("operator"), healthy: { grace: 0 } })
  )

/**
 * Serves an API on stores in memory, until the scope closes. Views that are not projected stay as they are. The log may be
 * made another one.
 */
export const serve = (
  api: Api.Any,
  projected: ReadonlyArray<View.Any> = api.views,
  changed: (log: EventStore.EventStore["Service"]) => EventStore.EventStore["Service"] = (log) => log,
  http: Http.Options = {}
) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const log = Layer.effect(EventStore.EventStore, Effect.map(EventStore.EventStore, changed))
      const routes = routesOf(api, {}, http).pipe(
        Layer.provide(tokens),
        Layer.provide(log),
        Layer.provide(projecting(projected)),
        Layer.provide(MemoryStores.layer({ views: api.views }))
      )
      return HttpRouter.toWebHandler(Layer.provideMerge(routes, HttpServer.layerServices), { disableLogger: true })
    }),
    ({ dispose }) => Effect.promise(dispose)
  ).pipe(Effect.map(({ handler }) => asking("http://bank.example", (request) => handler(request))))
