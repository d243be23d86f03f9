/** Servers and clients of GraphQL by WebSocket. */
import { NodeHttpServer } from "@effect/platform-node"
import { MemoryStores } from "@hexfold/adapters-memory"
import { type Api, type EventStore, Projection, type ViewStore } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { GraphQlWs } from "@hexfold/server/graphql/ws"
import { Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createClient } from "graphql-ws"
import { createServer } from "node:http"
import { tokens } from "../http/web.ts"

/** Serves an API on a port of this machine, until the scope closes. */
export const listening = (api: Api.Any, options: GraphQlWs.Options = {}) =>
  listeningOn(api, options, Layer.provideMerge(Projection.layer(api.views), MemoryStores.layer({ views: api.views })))

/** The same on stores that the test uses too. */
export const listeningOn = (
  api: Api.Any,
  options: GraphQlWs.Options,
  stores: Layer.Layer<EventStore.EventStore | ViewStore.ViewStore>
) =>
  Effect.gen(function* () {
    const routes = Layer.mergeAll(GraphQl.layer(api), GraphQlWs.layer(api, options)).pipe(
      Layer.provide(tokens),
      Layer.provide(stores)
    )
    const built = yield* Layer.build(
      HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
        Layer.provideMerge(
          NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1", disablePreemptiveShutdown: true })
        )
      )
    )
    const { address } = Context.get(built, HttpServer.HttpServer)
    if (address._tag === "UnixPathAddress") throw new Error("the server has no port")
    return `127.0.0.1:${address.port}`
  })

/** A client of graphql-ws, until the scope closes. Closings are noted. */
export const connect = (host: string, as?: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const closings: Array<{ readonly code: number; readonly reason: string }> = []
      const client = createClient({
        url: `ws://${host}/graphql/ws`,
        retryAttempts: 0,
        ...(as === undefined ? {} : { connectionParams: { Authorization: `Bearer ${as}` } }),
        on: { closed: (event) => void closings.push(event as (typeof closings)[number]) }
      })
      return { client, closings }
    }),
    ({ client }) => Effect.promise(async () => client.dispose())
  )
