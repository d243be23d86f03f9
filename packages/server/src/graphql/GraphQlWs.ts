/** An API over GraphQL by WebSocket, with the protocol `graphql-transport-ws` of the package `graphql-ws`. */
import type { Api, EventStore, ViewStore } from "@hexfold/core"
import { type Context, Deferred, Effect, type Layer, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Socket } from "effect/socket"
import type { ExecutionResult, FormattedExecutionResult } from "graphql"
import { handleProtocols, makeServer, type SubscribePayload } from "graphql-ws"
import type { Authenticator } from "../Authenticator.ts"
import { correlationIn, type Identified, identified } from "../web/identity.ts"
import { type Closing, endOf } from "../web/liveStreams.ts"
import { servicesUntilClosed } from "../web/services.ts"
import { answeringDefects } from "../web/problems.ts"
import type { Services } from "./context.ts"
import { errorOf, errorWith, presented } from "./errors.ts"
import { type Operations, operationsOf, type Prepared } from "./operations.ts"
import { developing, type Given, optionsOf } from "./documents/options.ts"

/** How an API is served. */
export interface Options extends Given {
  /** The address of the socket. `/graphql/ws` by default. */
  readonly path?: `/${string}`
  /** The most characters of a message. 1 Mi by default. */
  readonly maxMessageLength?: number
  /** The most operations that one socket may have open. 100 by default. */
  readonly maxOperations?: number
  /**
   * The origins of pages that may open a socket, such as `https://app.example`. By default those of the host itself: a
   * browser sends cookies with a socket to any host.
   */
  readonly origins?: ReadonlyArray<string>
}

/**
 * Adds a socket for GraphQL to the router. A client sends its token as `authorization` in the parameters of the
 * connection, or as the header of the request that opens the socket. The socket is closed when the token ends.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { Authenticator } from "@hexfold/server"
 * import { GraphQl } from "@hexfold/server/graphql"
 * import { GraphQlWs } from "@hexfold/server/graphql/ws"
 * import { Layer } from "effect"
 *
 * declare const api: Api.Any
 *
 * const Routes = Layer.mergeAll(GraphQl.layer(api), GraphQlWs.layer(api)).pipe(Layer.provide(Authenticator.layerNobody))
 * ```
 */
export const layer = (
  api: Api.Any,
  options: Options = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | EventStore.EventStore | ViewStore.ViewStore | Authenticator> =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const operations = operationsOf(api, optionsOf(options, yield* developing))
      const services = yield* servicesUntilClosed<Services | Authenticator>()
      const handle = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        isOwnOrigin(request, options.origins)
          ? Effect.scoped(connected(operations, request, options))
          : Effect.succeed(HttpServerResponse.empty({ status: 403 }))
      )
      const answered = answeringDefects(
        // A client that does not ask for a socket, or whose socket has gone before it was open.
        Effect.orElseSucceed(handle, () => HttpServerResponse.empty({ status: 426 }))
      )
      yield* router.add("GET", options.path ?? "/graphql/ws", Effect.provideContext(answered, services))
    })
  )

// A program sends no origin, and a page always does.
const isOwnOrigin = ({ headers }: HttpServerRequest.HttpServerRequest, origins: Options["origins"]): boolean => {
  const origin = headers["origin"]
  if (origin === undefined) return true
  if (origins !== undefined) return origins.includes(origin)
  return URL.canParse(origin) && new URL(origin).host === headers["host"]
}

/** The codes with which a socket is closed, as graphql-ws and WebSocket define them. */
const codes = { away: 1001, tooBig: 1009, internal: 1011, later: 1013, unauthorized: 4401 }

const connected = (operations: Operations, request: HttpServerRequest.HttpServerRequest, options: Options) =>
  Effect.gen(function* () {
    const { maxMessageLength = 1 << 20, maxOperations = 100 } = options
    const protocol = handleProtocols(request.headers["sec-websocket-protocol"] ?? "")
    const socket = yield* request.upgrade
    const { write } = yield* socket.writer
    const pull = yield* Socket.readerString(socket)
    const services = yield* Effect.context<Services | Authenticator | Closing>()
    const leaving = new AbortController()
    const run = <A>(effect: Effect.Effect<A, unknown, Services | Authenticator | Closing>): Promise<A> =>
      Effect.runPromiseWith(services)(effect, { signal: leaving.signal })
    const identity = yield* Deferred.make<Identified>()
    const correlationId = yield* Effect.orElseSucceed(correlationIn(request.headers), () => undefined)
    let isOpen = true
    const close = (code: number, reason: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (!isOpen) return Effect.void
        isOpen = false
        return Effect.ignore(write(new Socket.CloseEvent(code, reason)))
      })
    const prepared = new WeakMap<object, Prepared>()

    const server = makeServer<Readonly<Record<string, unknown>>, undefined>({
      schema: operations.schema,
      onConnect: ({ connectionParams }) =>
        run(
          identified({ headers: headersWith(request, connectionParams) }).pipe(
            Effect.flatMap((found) => Deferred.succeed(identity, found)),
            Effect.catch((failure) =>
              failure._tag === "Unauthenticated"
                ? Effect.as(close(codes.unauthorized, "the credentials are refused"), false)
                : Effect.as(close(codes.later, "try again"), false)
            )
          )
        ),
      onSubscribe: async ({ connectionParams, subscriptions }, _, payload) => {
        if (Object.keys(subscriptions).length > maxOperations) {
          return [errorWith("BAD_USER_INPUT", `a socket has up to ${maxOperations} operations`)]
        }
        // As over HTTP, each operation is one request of the caller, who may ask too often.
        const found = await run(
          identified({ headers: headersWith(request, connectionParams) }).pipe(
            Effect.catch((failure) => Effect.flatMap(errorOf(failure), (error) => Effect.fail([error]))),
            Effect.flatMap((found) => operations.prepare(requestIn(payload), { ...found, correlationId })),
            Effect.result
          )
        )
        if (found._tag === "Failure") return found.failure
        const { document, operationName } = found.success
        const args = { schema: operations.schema, document, ...(operationName === undefined ? {} : { operationName }) }
        prepared.set(args, found.success)
        return args
      },
      execute: (args) => run(prepared.get(args)!.execute) as Promise<ExecutionResult>,
      subscribe: async (args) => {
        const results = await run(prepared.get(args)!.subscribe)
        return (Stream.isStream(results) ? iterated(results, services) : results) as ExecutionResult
      },
      onError: (_, __, ___, errors) => run(presented(errors)),
      // What is answered has been made for clients already.
      onNext: (_, __, ___, ____, result) => result as FormattedExecutionResult
    })

    let receive: (message: string) => Promise<void> = () => Promise.resolve()
    const closed = server.opened(
      {
        protocol: protocol || "",
        send: (data) => run(Effect.ignore(write(data))),
        close: (code, reason) => Effect.runPromise(close(code ?? 1000, reason ?? "")),
        onMessage: (listener) => {
          receive = listener
        }
      },
      undefined
    )
    yield* Effect.addFinalizer(() =>
      Effect.promise(async () => {
        await closed()
        leaving.abort()
      })
    )
    const received = (message: string): Effect.Effect<void> =>
      message.length > maxMessageLength
        ? close(codes.tooBig, "the message is too long")
        : Effect.forkDetach(
            Effect.tryPromise(() => receive(message)).pipe(
              Effect.catch((failure) =>
                // What belongs to a socket that has gone is nobody's any more.
                leaving.signal.aborted
                  ? Effect.void
                  : Effect.andThen(
                      Effect.logError("hexfold: a message of a socket could not be handled", failure),
                      close(codes.internal, "the service has failed")
                    )
              )
            )
          )
    const reading = Effect.forever(
      Effect.flatMap(pull, (messages) => Effect.forEach(messages, received, { discard: true }))
    )
    const ending = Effect.flatMap(Deferred.await(identity), ({ until }) => Effect.flatten(endOf(until)))
    const closing = Effect.flatten(endOf(undefined))
    yield* Effect.raceFirst(
      Effect.ignore(reading),
      Effect.race(
        Effect.andThen(closing, close(codes.away, "the server goes away")),
        Effect.andThen(ending, close(codes.unauthorized, "the credentials have ended"))
      )
    )
    return HttpServerResponse.empty()
  })

const iterated = <A, R>(
  results: Stream.Stream<A, never, R>,
  services: Context.Context<R>
): AsyncIterableIterator<A> => {
  const iterator = Stream.toAsyncIterableWith(results, services)[Symbol.asyncIterator]()
  const generator = { ...iterator, [Symbol.asyncIterator]: () => generator } as AsyncIterableIterator<A>
  return generator
}

// A proxy may set headers that a client must not. So of the parameters only the token counts.
const headersWith = (
  { headers }: HttpServerRequest.HttpServerRequest,
  params: Readonly<Record<string, unknown>> = {}
): Readonly<Record<string, string | undefined>> => {
  const given = Object.entries(params).find(([name]) => name.toLowerCase() === "authorization")?.[1]
  return typeof given === "string" ? { ...headers, authorization: given } : headers
}

const requestIn = ({ operationName, query, variables }: SubscribePayload) => ({
  query,
  ...(typeof operationName === "string" ? { operationName } : {}),
  ...(typeof variables === "object" && variables !== null ? { variables } : {})
})
