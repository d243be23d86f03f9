/**
 * How a server begins and ends: it listens when its routes are there. At the end its live streams end first, and what
 * clients have asked before is answered.
 */
import { Deferred, Effect, Layer, type Scope } from "effect"
import { HttpMiddleware, HttpRouter, HttpServer, HttpServerResponse, type HttpServerRequest } from "effect/http"
import { ServerClosing } from "../web/services.ts"

/** How routes are served. */
export interface Options {
  /** Requests are not logged. By default they are. */
  readonly disableLogger?: boolean
  /** The address is not logged. By default it is. */
  readonly disableListenLog?: boolean
}

/** What routes need while they answer a request. */
type Asked<Kind extends string, R> = Exclude<
  HttpRouter.Request.Only<Kind, R>,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/**
 * Serves routes by a server that begins and ends in good order. It is made in place of `HttpRouter.serve`, which lets the
 * server listen first: what is asked while routes and stores are still opened would then wait for an answer for ever.
 *
 * 1. The routes are built, with all that they need.
 * 2. The server listens. A client that connects earlier is refused, which says that the program is not ready.
 * 3. At the end it does what {@link layer} says. Then the routes and what they need are closed.
 *
 * Routes that need services of the platform, such as files, get them from a layer such as `NodeHttpServer.layerHttpServices`.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { Authenticator } from "@hexfold/server"
 * import { Http, HttpShutdown } from "@hexfold/server/http"
 * import { Layer } from "effect"
 * import { type HttpServer } from "effect/http"
 *
 * declare const api: Api.Any
 * // `NodeHttpServer.layer(createServer, { port: 3000 })`, for example.
 * declare const Server: Layer.Layer<HttpServer.HttpServer>
 *
 * const Served = HttpShutdown.serve(Http.layer(api), Server).pipe(Layer.provide(Authenticator.layerNobody))
 * ```
 */
export const serve = <A, E, R, Served, ServerE, ServerR>(
  routes: Layer.Layer<A, E, R>,
  server: Layer.Layer<HttpServer.HttpServer | Served, ServerE, ServerR>,
  { disableListenLog = false, disableLogger = false }: Options = {}
): Layer.Layer<
  HttpServer.HttpServer | Served,
  HttpRouter.Request.Without<E> | ServerE,
  | ServerR
  | Exclude<Exclude<HttpRouter.Request.Without<R>, HttpRouter.HttpRouter>, Scope.Scope>
  | Exclude<Asked<"Requires", R>, HttpServer.HttpServer | Served>
  | Exclude<Asked<"GlobalRequires", R>, HttpServer.HttpServer | Served>
> =>
  Layer.unwrap(
    Effect.map(HttpRouter.toHttpEffect(routes), (handler) => {
      const served = disableLogger ? HttpServer.serve(handler) : HttpServer.serve(handler, HttpMiddleware.logger)
      return Layer.provideMerge(
        disableListenLog ? served : HttpServer.withLogAddress(served),
        Layer.provideMerge(layer, server)
      )
    })
  )

/**
 * Ends a server in good order. {@link serve} has it already. A server that ends waits for the requests which it is answering, but a live stream would
 * have no end. With this layer, between the routes and the server:
 *
 * 1. Live streams end at once, with a proper end of the body. Their clients come again, and find another process.
 * 2. Commands that are being executed are answered, and no connection is kept after its answer.
 * 3. Commands with `Prefer: respond-async` that still run are waited for: see `gracefulShutdownTimeout` of `Http.layer`.
 * 4. Then the server is closed. `gracefulShutdownTimeout` of `NodeHttpServer` says how long it waits for its clients: 20
 *    seconds by default. Leave `disablePreemptiveShutdown` alone: with it the server waits for nobody, and interrupts
 *    commands.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { Authenticator } from "@hexfold/server"
 * import { Http, HttpShutdown } from "@hexfold/server/http"
 * import { Layer } from "effect"
 * import { HttpRouter } from "effect/http"
 *
 * declare const api: Api.Any
 *
 * const Served = HttpRouter.serve(Http.layer(api)).pipe(
 *   Layer.provide(Authenticator.layerNobody),
 *   Layer.provide(HttpShutdown.layer)
 * )
 * ```
 */
export const layer: Layer.Layer<HttpServer.HttpServer, never, HttpServer.HttpServer> = Layer.effect(
  HttpServer.HttpServer,
  Effect.map(HttpServer.HttpServer, ({ address, serve }) =>
    HttpServer.make({
      address,
      serve: (app, middleware) =>
        Effect.gen(function* () {
          const closing = yield* Deferred.make<void>()
          const answering = Effect.map(app, (response) =>
            // A connection that is kept would be waited for. Whether a stream will be the last answer, nobody knows yet.
            response.body._tag === "Stream" || Deferred.isDoneUnsafe(closing)
              ? HttpServerResponse.setHeader(response, "connection", "close")
              : response
          )
          const serving = middleware === undefined ? serve(answering) : serve(answering, middleware)
          yield* Effect.provideService(serving, ServerClosing, Deferred.await(closing))
          // It runs before those that `serve` has added: they wait for the streams.
          yield* Effect.addFinalizer(() => Deferred.succeed(closing, undefined))
        })
    })
  )
)
