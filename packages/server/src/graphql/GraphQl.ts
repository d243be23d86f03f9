/**
 * An API over GraphQL, derived from what it declares: commands are mutations with typed results, views are queries with
 * filters, pages and links, and both are followed live as subscriptions.
 */
import type { Api, EventStore, ViewStore } from "@hexfold/core"
import { Effect, type Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import type { GraphQLSchema } from "graphql"
import type { Authenticator } from "../Authenticator.ts"
import type { InvalidRequest } from "../errors.ts"
import { answeringBelow } from "../web/addresses.ts"
import { defaultMaxBytes } from "../web/bodies.ts"
import { provideServices, servicesUntilClosed } from "../web/services.ts"
import { correlationIn, type Headers, identified, type Unidentified } from "../web/identity.ts"
import { type Operation, operationOf, type Services } from "./context.ts"
import { operationsOf } from "./operations.ts"
import { defaultWait, developing, type Given, optionsOf } from "./documents/options.ts"
import { respond } from "./respond.ts"
import { describedOf } from "./schema.ts"

/** How an API is served. */
export interface Options extends Given {
  /** The address of the API. `/graphql` by default. */
  readonly path?: `/${string}`
  /** The most bytes of a body. 1 MiB by default. */
  readonly maxBodyBytes?: number
}

/**
 * Adds the GraphQL endpoint of an API to the router. It takes operations by POST, and queries and subscriptions by GET
 * too. A subscription is answered with server-sent events.
 *
 * The layer does not build, with an `Error` that says why, if two declarations need one name in GraphQL. It logs the
 * places for which GraphQL has no type, and which are `JSON`.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { Authenticator } from "@hexfold/server"
 * import { GraphQl } from "@hexfold/server/graphql"
 * import { Layer } from "effect"
 *
 * declare const api: Api.Any
 *
 * const Routes = GraphQl.layer(api).pipe(Layer.provide(Authenticator.layerNobody))
 * ```
 */
export const layer = (
  api: Api.Any,
  options: Options = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | EventStore.EventStore | ViewStore.ViewStore | Authenticator> =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const { maxBodyBytes = defaultMaxBytes, path = "/graphql" } = options
      const operations = operationsOf(api, optionsOf(options, yield* developing))
      if (operations.json.length > 0) {
        yield* Effect.logInfo("hexfold: GraphQL has no type for these, and they are JSON", operations.json)
      }
      const provided = provideServices(yield* servicesUntilClosed<Services | Authenticator>())
      const handle = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        respond(operations, request, maxBodyBytes)
      )
      const methods = ["POST", "GET"] as const
      yield* answeringBelow(router, { roots: [path], taken: methods.map((method) => ({ method, path })) })
      yield* router.addAll(methods.map((method) => HttpRouter.route(method, path, provided(handle))))
    })
  )

/**
 * The schema of an API, for tools and for other servers of GraphQL. Its resolvers need the context that {@link context}
 * makes. Limits and persisted documents are those of the other server.
 *
 * Throws an `Error` that says why, if two declarations need one name in GraphQL.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { GraphQl } from "@hexfold/server/graphql"
 * import { printSchema } from "graphql"
 *
 * declare const api: Api.Any
 *
 * const sdl = printSchema(GraphQl.schema(api))
 * ```
 */
export const schema = (api: Api.Any, options: Pick<Options, "wait"> = {}): GraphQLSchema =>
  describedOf(api, options.wait ?? defaultWait).schema

/**
 * The places of an API for which GraphQL has no type, with the reason. They are of the type `JSON`.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { GraphQl } from "@hexfold/server/graphql"
 *
 * declare const api: Api.Any
 *
 * const places = GraphQl.jsonPlaces(api) // ["Account, event Opened.extra: any JSON"]
 * ```
 */
export const jsonPlaces = (api: Api.Any): ReadonlyArray<string> => describedOf(api, defaultWait).json

/** What the resolvers of the {@link schema} need: who is asking, and the stores. */
export interface ResolverContext extends Operation {}

/**
 * The context of one operation, for servers of GraphQL that take the {@link schema}. It is made anew for each operation,
 * from the headers of its request.
 *
 * @example
 * ```ts
 * import { GraphQl } from "@hexfold/server/graphql"
 *
 * declare const request: Request
 *
 * const context = GraphQl.context(Object.fromEntries(request.headers))
 * ```
 */
export const context = (
  headers: Headers
): Effect.Effect<ResolverContext, Unidentified | InvalidRequest, Services | Authenticator> =>
  Effect.gen(function* () {
    const { caller } = yield* identified({ headers })
    const correlationId = yield* correlationIn(headers)
    const services = yield* Effect.context<Services>()
    return operationOf({ caller, correlationId, services, signal: undefined })
  })
