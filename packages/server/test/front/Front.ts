/** A started server: an API over a real socket, on a store of its own. */
import { createServer, type Server } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import type { Api, Projection, View } from "@hexfold/core"
import type { Authenticator } from "@hexfold/server"
import type { GraphQl } from "@hexfold/server/graphql"
import { HttpShutdown } from "@hexfold/server/http"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { type HttpRouter, HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { asking, projecting, routesOf, tokens } from "../http/web.ts"
import { type Frames, framesOf } from "./frames.ts"

/** The stores of a backend: each call opens new ones without data. */
export type Stores = (views: ReadonlyArray<View.Any>) => Effect.Effect<Context.Context<Supplied>, never, Scope.Scope>

/** What a store supplies. */
type Supplied = Projection.Stores

/** How a server is started. */
export interface Options {
  /** The views that are projected: all by default. */
  readonly projected?: ReadonlyArray<View.Any>
  /** Who is asking: by the tokens of the tests, by default. */
  readonly callers?: Layer.Layer<Authenticator.Authenticator>
  /** What stands beside the routes. */
  readonly beside?: Layer.Layer<never, never, HttpRouter.HttpRouter>
  /** How GraphQL is served. */
  readonly graphql?: Omit<GraphQl.Options, "path">
  /** The stores, which may have data: new ones by default. */
  readonly stores?: Context.Context<Supplied>
}

/** A started server, and what asks it. */
export interface Front extends ReturnType<typeof asking> {
  readonly url: string
  /** The events of a live address, as they come. The connection ends with the scope. */
  readonly events: (
    path: string,
    sent?: Parameters<ReturnType<typeof asking>["ask"]>[1]
  ) => Effect.Effect<Frames, never, Scope.Scope>
  readonly stores: Context.Context<Supplied>
  readonly node: Server
  /** Ends the server before the scope does. Its stores stay. */
  readonly end: Effect.Effect<void>
}

/** Starts a server for an API, on a store without data. */
export type Open = (api: Api.Any, options?: Options) => Effect.Effect<Front, never, Scope.Scope>

/** Cases by their titles. */
export type Cases = Readonly<Record<string, (open: Open) => Effect.Effect<void, unknown, Scope.Scope>>>

/** Starts a server, which ends with the scope. */
export const started = (
  stores: Stores,
  api: Api.Any,
  { beside = Layer.empty, callers = tokens, graphql = {}, projected = api.views, stores: given }: Options = {}
): Effect.Effect<Front, never, Scope.Scope> =>
  Effect.gen(function* () {
    const supplied = given ?? (yield* stores(api.views))
    const scope = yield* Scope.fork(yield* Effect.scope)
    const routes = Layer.merge(routesOf(api, graphql), beside).pipe(
      Layer.provide(callers),
      Layer.provide(projecting(projected)),
      Layer.provide(Layer.succeedContext(supplied))
    )
    const node = createServer()
    const server = NodeHttpServer.layer(() => node, { port: 0, host: "127.0.0.1" })
    const services = yield* Layer.build(
      HttpShutdown.serve(routes, server, { disableLogger: true, disableListenLog: true })
    ).pipe(Scope.provide(scope), Effect.orDie)
    const { address } = Context.get(services, HttpServer.HttpServer)
    const url = NetAddress.isUnixPathAddress(address) ? "" : `http://127.0.0.1:${address.port}`
    const asks = asking(url, fetch)
    return {
      ...asks,
      url,
      stores: supplied,
      node,
      end: Scope.close(scope, Exit.void),
      events: (path, sent) =>
        Effect.acquireRelease(Effect.map(asks.ask(path, sent), framesOf), ({ cancel }) => Effect.promise(cancel))
    }
  })
