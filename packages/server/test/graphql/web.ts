/** An API over GraphQL in this process, as a function from requests to responses. */
import { MemoryStores } from "@hexfold/adapters-memory"
import type { Api, View } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { type Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { projecting, tokens } from "../http/web.ts"

/** What GraphQL answers. */
export interface Result {
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests look into answers of any form
  readonly data?: any
  readonly errors?: ReadonlyArray<{
    readonly message: string
    readonly path?: ReadonlyArray<string | number>
    readonly extensions: Readonly<Record<string, unknown>>
  }>
}

/** What an operation is sent with. */
interface Sent {
  readonly as?: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** The routes of an API on stores in memory. Views that are not projected stay as they are. */
const routesOf = (api: Api.Any, options: GraphQl.Options, projected: ReadonlyArray<View.Any>) =>
  GraphQl.layer(api, options).pipe(
    Layer.provide(tokens),
    Layer.provide(projecting(projected)),
    Layer.provide(MemoryStores.layer({ views: api.views }))
  )

/** Serves an API, until the scope closes. */
export const serve = (api: Api.Any, options: GraphQl.Options = {}, projected: ReadonlyArray<View.Any> = api.views) =>
  serveRoutes(routesOf(api, options, projected))

/** Serves an API on stores that the test uses too. */
export const serveOn = <R>(api: Api.Any, stores: Context.Context<R>) =>
  serveRoutes(GraphQl.layer(api).pipe(Layer.provide(tokens), Layer.provide(Layer.succeedContext(stores))) as Routes)

type Routes = ReturnType<typeof routesOf>

const serveRoutes = (routes: Routes) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        HttpRouter.toWebHandler(Layer.provideMerge(routes, HttpServer.layerServices), {
          disableLogger: true
        })
      ),
      ({ dispose }) => Effect.promise(dispose)
    ),
    ({ dispose, handler }) => {
      const ask = (init: RequestInit, path = "/graphql"): Effect.Effect<Response> =>
        Effect.promise(() => handler(new Request(`http://bank.example${path}`, init)))

      const send = (query: string, { as, headers = {}, variables }: Sent = {}): Effect.Effect<Response> =>
        ask({
          method: "POST",
          body: JSON.stringify({ query, variables }),
          headers: {
            "content-type": "application/json",
            ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
            ...headers
          }
        })

      const gql = (query: string, sent: Sent = {}): Effect.Effect<Result> =>
        Effect.flatMap(send(query, sent), (response) => Effect.promise(async () => (await response.json()) as Result))

      const data = (query: string, sent: Sent = {}) =>
        Effect.map(gql(query, sent), ({ data, errors }) => {
          if (errors !== undefined) throw new Error(JSON.stringify(errors))
          return data
        })

      const code = (query: string, sent: Sent = {}) =>
        Effect.map(gql(query, sent), ({ errors }): unknown => errors?.[0]?.extensions["code"])

      /** Waits until a query is answered: views do not answer before their projections have begun. */
      const answering = (query: string, sent: Sent = {}): Effect.Effect<void> =>
        Effect.flatMap(code(query, sent), (found) =>
          found === "UNAVAILABLE" ? Effect.andThen(Effect.yieldNow, answering(query, sent)) : Effect.void
        )

      const follow = (query: string, sent: Sent = {}) =>
        Effect.map(send(query, { ...sent, headers: { accept: "text/event-stream", ...sent.headers } }), framesOf)

      return { answering, ask, code, data, dispose, follow, gql, send }
    }
  )

/** The results of a subscription, as a client reads them. */
const framesOf = (response: Response) => {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  const frame = async (): Promise<{ readonly event: string; readonly data: Result | undefined } | undefined> => {
    for (;;) {
      const end = rest.indexOf("\n\n")
      if (end >= 0) {
        const text = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (text.startsWith(":")) continue
        const event = /^event: (.*)$/m.exec(text)![1]!
        const data = /^data: ?(.*)$/m.exec(text)?.[1] ?? ""
        return { event, data: data === "" ? undefined : (JSON.parse(data) as Result) }
      }
      const { done, value } = await reader.read()
      if (done) return undefined
      rest += value
    }
  }
  return {
    type: response.headers.get("content-type"),
    next: Effect.promise(frame),
    cancel: Effect.promise(() => reader.cancel())
  }
}
