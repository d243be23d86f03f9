/**
 * An API over HTTP: commands, states, views and live results, each under an address of its own.
 *
 * | request | what it does |
 * |---|---|
 * | `POST /aggregates/{aggregate}/{id}/{Command}` | executes a command |
 * | `GET /aggregates/{aggregate}/{id}` | reads the state |
 * | `POST /commands/{Boundary}` | executes a command over several streams |
 * | `POST /batch` | executes many commands, each with a result of its own |
 * | `GET /executions/{key}` | the answer to a command with `Prefer: respond-async` and this `Idempotency-Key` |
 * | `GET /views/{View}` | a page of records: `where`, `orderBy`, `select`, `limit`, `after`, `total`, `with` |
 * | `GET /views/{View}/{key}` | one record: `with` |
 * | `POST /views/{View}`, `POST /live/{View}` | the same with the JSON of a query as the body |
 * | `GET /live/{View}`, `GET /live/{View}/{key}` | the same, and each new result, as server-sent events |
 * | `GET /events` | recorded events as server-sent events: `after` or `Last-Event-ID`, `from=now`, `aggregates`, `types` |
 * | `GET /events?correlationId={id}` | a page of the events of one conversation: `limit`, `after`, `aggregates`, `types` |
 */
import type { Api } from "@hexfold/core"
import { type Duration, Effect, type Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { commandRoutes } from "./commandRoutes.ts"
import { batchRoute } from "./batchRoute.ts"
import { eventRoutes } from "./eventRoutes.ts"
import { executionsOf } from "./executions.ts"
import { NoSuchAddress } from "../errors.ts"
import { defaultMaxBytes } from "../web/bodies.ts"
import { provideServices, servicesUntilClosed } from "../web/services.ts"
import { checkParams } from "./requests.ts"
import { type Addresses, answeringBelow, missing } from "../web/addresses.ts"
import { answeringAll } from "../web/problems.ts"
import type { Route, Services } from "./routes.ts"
import { viewRoutes } from "./viewRoutes.ts"

/** How an API is served. */
export interface Options {
  /** What stands before each path, such as `/api`. Nothing by default. */
  readonly prefix?: `/${string}`
  /** The most bytes of a body. 1 MiB by default. */
  readonly maxBodyBytes?: number
  /** The most commands of a batch. 100 by default. */
  readonly maxBatch?: number
  /** The most seconds that a client may wait for views, with `Prefer: wait=…`. 30 by default. */
  readonly maxWait?: number
  /** The most commands with `Prefer: respond-async` that run at once. 256 by default. */
  readonly maxExecutions?: number
  /** The most of them that one caller has. All who are not known are one caller. 32 by default. */
  readonly maxExecutionsOfCaller?: number
  /**
   * For how long a front that ends waits for the commands with `Prefer: respond-async` that still run: 20 seconds by
   * default, as `NodeHttpServer` waits for its clients with the option of the same name. Give both the same. With
   * `HttpShutdown.layer` both times run together.
   */
  readonly gracefulShutdownTimeout?: Duration.Input
}

/**
 * Adds the routes of an API to the router. The layer does not build, with an `Error` that says why, if the names of two
 * aggregates, boundaries or views differ by upper and lower case only: their addresses would be one.
 *
 * What no route takes is answered with a problem, too: 404, or 405 if the address takes other methods. This holds below the
 * prefix, or without one below the beginnings of the addresses above. Routes of the application stay as they are.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { Authenticator } from "@hexfold/server"
 * import { Http } from "@hexfold/server/http"
 * import { Layer } from "effect"
 *
 * declare const api: Api.Any
 *
 * const Routes = Http.layer(api).pipe(Layer.provide(Authenticator.layerNobody))
 * ```
 */
export const layer = (
  api: Api.Any,
  options: Options = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | Services> =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      for (const members of [api.aggregates, api.boundaries, api.views]) checkNames(members)
      const provided = provideServices(yield* servicesUntilClosed<Services>())
      const { maxBatch = 100, maxBodyBytes = defaultMaxBytes, maxWait = 30, prefix = "" } = options
      const { gracefulShutdownTimeout = "20 seconds", maxExecutions = 256, maxExecutionsOfCaller = 32 } = options
      const executions = yield* executionsOf({
        prefix,
        most: { all: maxExecutions, ofOne: maxExecutionsOfCaller },
        grace: gracefulShutdownTimeout
      })
      const routes = [
        ...commandRoutes(api, { executions, maxBodyBytes, maxWait }),
        executions.route,
        batchRoute(api, { maxBatch, maxBodyBytes }),
        ...viewRoutes(api, maxBodyBytes),
        ...eventRoutes(api)
      ]
      const addresses: Addresses = {
        roots: prefix === "" ? roots : [prefix],
        taken: routes.flatMap(({ addresses, method, path }) =>
          (addresses ?? [path]).map((address) => ({ method, path: `${prefix}${address}` }))
        )
      }
      yield* answeringBelow(router, addresses)
      const handled = (route: Route) => {
        const handle = handlerOf(route)
        return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          answeringAll(handle(request), (failure) =>
            failure instanceof NoSuchAddress ? missing([addresses], request.method, `${prefix}${request.url}`) : failure
          )
        )
      }
      yield* (options.prefix === undefined ? router : router.prefixed(options.prefix)).addAll(
        routes.map((route) => HttpRouter.route(route.method, route.path, provided(handled(route))))
      )
    })
  )

// A parameter that a route does not read would change nothing.
const handlerOf = ({ handle, hasParameters }: Route): Route["handle"] =>
  hasParameters === true
    ? handle
    : (request) =>
        request.url.includes("?")
          ? Effect.andThen(
              Effect.flatMap(HttpServerRequest.ParsedSearchParams, (params) => checkParams(params)),
              handle(request)
            )
          : handle(request)

// What is below them is the front's, whatever the API declares.
const roots = ["/aggregates", "/batch", "/commands", "/events", "/executions", "/live", "/views"]

const checkNames = (members: ReadonlyArray<{ readonly name: string }>): void => {
  for (const names of Map.groupBy(
    members.map(({ name }) => name),
    (name) => name.toLowerCase()
  ).values()) {
    if (names.length > 1) throw new Error(`over HTTP ${names.join(" and ")} have one address: it does not tell case`)
  }
}
