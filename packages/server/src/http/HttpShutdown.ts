/** How a server ends: its live streams end first, and what clients have asked before is answered. */
import { Deferred, Effect, Layer } from "effect"
import { HttpServer, HttpServerResponse } from "effect/http"
import { ServerClosing } from "../web/liveStreams.ts"

/**
 * Ends a server in good order. A server that ends waits for the requests which it is answering, but a live stream would
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
