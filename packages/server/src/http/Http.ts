/**
 * An API over HTTP: commands, states, views and live results, each under an address of its own.
 *
 * | request | what it does |
 * |---|---|
 * | `POST /aggregates/{aggregate}/{id}/{Command}` | executes a command |
 * | `GET /aggregates/{aggregate}/{id}` | reads the state |
 * | `POST /commands/{Boundary}` | executes a command over several streams |
 * | `GET /views/{View}` | a page of records: `where`, `orderBy`, `select`, `limit`, `after`, `total` |
 * | `GET /views/{View}/{key}` | one record |
 * | `GET /live/{View}`, `GET /live/{View}/{key}` | the same, and each new result, as server-sent events |
 */
import { type Api, type EventStore, Query, type ViewStore } from "@hexfold/core"
import { Cause, Effect, type Layer, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Authenticator, type Identity } from "../Authenticator.ts"
import { type Commands, commandsOf, type Done } from "../serving/commands.ts"
import { type AnyView, membersOf, tagOf } from "../serving/declared.ts"
import { type Views, viewsOf } from "../serving/views.ts"
import { live } from "./live.ts"
import { answerOf, responseOf } from "./problems.ts"
import { type CommandHeaders, commandHeaders, commandOf, jsonBody, queryOf, TooLarge } from "./requests.ts"

/** How an API is served. */
export interface Options {
  /** What stands before each path, such as `/api`. Nothing by default. */
  readonly prefix?: `/${string}`
  /** The most bytes of a body. 1 MiB by default. */
  readonly maxBodyBytes?: number
  /** The most seconds that a client may wait for views, with `Prefer: wait=…`. 30 by default. */
  readonly maxWait?: number
}

type Services = EventStore.EventStore | ViewStore.ViewStore | Authenticator

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/**
 * Adds the routes of an API to the router.
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
      const services = yield* Effect.context<Services>()
      const routes = routesOf(api, options)
      yield* (options.prefix === undefined ? router : router.prefixed(options.prefix)).addAll(
        routes.map(({ handle, method, path }) =>
          HttpRouter.route(
            method,
            path,
            Effect.provideContext(answered(Effect.flatMap(HttpServerRequest.HttpServerRequest, handle)), services)
          )
        )
      )
    })
  )

// Nothing fails without an answer, and no answer says what has thrown.
const answered = <R>(handling: Effect.Effect<Response, unknown, R>): Effect.Effect<Response, never, R> =>
  handling.pipe(
    Effect.catch((failure) =>
      failure instanceof TooLarge
        ? Effect.succeed(
            responseOf({ status: 413, title: "TooLarge", detail: `a body has up to ${failure.limit} bytes` })
          )
        : answerOf(failure)
    ),
    Effect.catchCause((cause) => (Cause.hasInterrupts(cause) ? Effect.failCause(cause) : answerOf(cause)))
  )

interface Route {
  readonly method: "GET" | "POST"
  readonly path: `/${string}`
  readonly handle: (
    request: Request
  ) => Effect.Effect<Response, unknown, Services | HttpRouter.RouteContext | HttpServerRequest.ParsedSearchParams>
}

const routesOf = (api: Api.Any, { maxBodyBytes = 1 << 20, maxWait = 30 }: Options): ReadonlyArray<Route> => {
  const commands = commandsOf(api)
  const views = viewsOf(api)
  const members = membersOf(api)
  const waiting = (name: string, { wait }: CommandHeaders) =>
    wait === undefined
      ? {}
      : { waitFor: viewsAfter(api, name), patience: { seconds: Math.min(wait, maxWait) } as const }
  return [
    ...Array.from(members.aggregates.values()).flatMap((aggregate): ReadonlyArray<Route> => [
      ...Array.from(aggregate.schemas.commands.keys(), (tag): Route => ({
        method: "POST",
        path: `/aggregates/${aggregate.name}/:id/${tag}`,
        handle: (request) =>
          Effect.gen(function* () {
            const { caller } = yield* identified(request)
            const headers = yield* commandHeaders(request.headers)
            const command = yield* commandOf(yield* jsonBody(request, maxBodyBytes), tag)
            const text = yield* param("id")
            return commanded(
              yield* commands.aggregate({
                ...headers,
                ...waiting(aggregate.name, headers),
                caller,
                aggregate: aggregate.name,
                id: { text },
                command,
                wantsState: true
              })
            )
          })
      })),
      ...(api.rules.states.has(aggregate.name) ? [stateRoute(aggregate.name, commands)] : [])
    ]),
    ...Array.from(members.boundaries.values(), (boundary): Route => ({
      method: "POST",
      path: `/commands/${boundary.name}`,
      handle: (request) =>
        Effect.gen(function* () {
          const { caller } = yield* identified(request)
          const { expectedVersion: _, ...headers } = yield* commandHeaders(request.headers)
          const command = yield* commandOf(yield* jsonBody(request, maxBodyBytes), tagOf(boundary))
          return commanded(
            yield* commands.boundary({
              ...headers,
              ...waiting(boundary.name, headers),
              caller,
              boundary: boundary.name,
              command
            })
          )
        })
    })),
    ...Array.from(members.views.values()).flatMap((view) => viewRoutes(view, views))
  ]
}

const stateRoute = (aggregate: string, commands: Commands): Route => ({
  method: "GET",
  path: `/aggregates/${aggregate}/:id`,
  handle: (request) =>
    Effect.gen(function* () {
      const { caller } = yield* identified(request)
      const found = yield* commands.state({ caller, aggregate, id: { text: yield* param("id") } })
      const etag = `"${found.version}"`
      return request.headers["if-none-match"] === etag
        ? HttpServerResponse.empty({ status: 304, headers: { etag } })
        : json(found, { headers: { etag } })
    })
})

const viewRoutes = (view: AnyView, views: Views): ReadonlyArray<Route> => {
  const { name } = view
  const pathOf = (text: string) => Query.from(view, { select: [text as never] }).select![0]!
  const question = (request: Request) =>
    Effect.gen(function* () {
      const { caller, until } = yield* identified(request)
      const query = yield* queryOf(name, yield* HttpServerRequest.ParsedSearchParams, pathOf)
      return { caller, until, question: { caller, view: name, query } }
    })
  const keyed = (request: Request) =>
    Effect.gen(function* () {
      const { caller, until } = yield* identified(request)
      return { until, asked: { caller, view: name, key: yield* param("key") } }
    })
  return [
    {
      method: "GET",
      path: `/views/${name}`,
      handle: (request) =>
        Effect.map(
          Effect.flatMap(question(request), ({ question }) => views.page(question)),
          (page) => json(page)
        )
    },
    {
      method: "GET",
      path: `/views/${name}/:key`,
      handle: (request) =>
        Effect.gen(function* () {
          const { asked } = yield* keyed(request)
          return json({ key: asked.key, state: yield* views.record(asked) })
        })
    },
    {
      method: "GET",
      path: `/live/${name}`,
      handle: (request) =>
        Effect.gen(function* () {
          const { question: asked, until } = yield* question(request)
          return yield* live("page", yield* views.live(asked), until)
        })
    },
    {
      method: "GET",
      path: `/live/${name}/:key`,
      handle: (request) =>
        Effect.gen(function* () {
          const { asked, until } = yield* keyed(request)
          const { key } = asked
          const states = yield* views.liveRecord(asked)
          return yield* live(
            "record",
            Stream.map(states, (state) => ({ key, state: state ?? null })),
            until
          )
        })
    }
  ]
}

const identified = (request: Request) =>
  Effect.gen(function* () {
    const { identify } = yield* Authenticator
    const identity: Partial<Identity> = (yield* identify(request.headers)) ?? {}
    return { caller: identity.caller, until: identity.until }
  })

const param = (name: string) => Effect.map(HttpRouter.params, (params) => params[name] ?? "")

// A receipt, with the version of the stream as its tag. A command whose views are late has happened: 202 says so.
const commanded = ({ isLate, receipt, state }: Done): Response =>
  json(state === undefined ? receipt : { ...receipt, state: state.state, stateVersion: state.version }, {
    status: isLate ? 202 : 200,
    headers: {
      ...(receipt.version === undefined ? {} : { etag: `"${receipt.version}"` }),
      ...(isLate ? { "retry-after": "1" } : {})
    }
  })

const json = (
  body: unknown,
  { headers = {}, status = 200 }: { readonly headers?: Readonly<Record<string, string>>; readonly status?: number } = {}
): Response =>
  HttpServerResponse.text(JSON.stringify(body), {
    status,
    contentType: "application/json",
    // What one caller may see is not for others.
    headers: { "cache-control": "private, no-cache", ...headers }
  })

// The views that follow what a command can write.
const viewsAfter = ({ aggregates, views }: Api.Any, target: string): ReadonlyArray<string> => {
  const isAggregate = aggregates.some(({ name }) => name === target)
  return views
    .filter(({ sources }) => !isAggregate || sources.some(({ name }) => name === target))
    .map(({ name }) => name)
}
